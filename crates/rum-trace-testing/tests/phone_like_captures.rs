//! A phone's headers have the shape of the captured ones, field by field: a phone
//! that is told the captured values writes the captured header, ids aside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use rum_trace_propagation::{RumFields, Sw8, TraceParent};
use rum_trace_testing::{Phone, PhoneRequest};

type Headers = BTreeMap<String, String>;

/// The captures of the real web SDK in a real browser.
fn captures() -> BTreeMap<String, Headers> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/data/captures/rum-browser-0.0.37.json");
    let text = std::fs::read_to_string(&path).expect("the captures are in the repository");
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let case = |case: serde_json::Value| {
        let name = case["case"].as_str().unwrap().to_owned();
        let headers = serde_json::from_value(case["headers"].clone()).unwrap();
        (name, headers)
    };
    cases.into_iter().map(case).collect()
}

fn sent(tap: &PhoneRequest) -> Headers {
    let header = |(name, value): &(&'static str, String)| ((*name).to_owned(), value.clone());
    tap.headers().iter().map(header).collect()
}

fn traceparent(headers: &Headers) -> TraceParent {
    let value = &headers["traceparent"];
    TraceParent::parse(value.as_bytes()).unwrap()
}

/// Puts the captured ids in place of the phone's.
fn with_ids_of(captured: &Headers, mut sent: Headers) -> Headers {
    if let (Some(theirs), Some(ours)) = (captured.get("traceparent"), sent.get_mut("traceparent")) {
        let (theirs, mine) = (theirs.as_bytes(), ours.as_bytes());
        assert_eq!(mine.len(), theirs.len());
        // UUIDs of version 4 both.
        assert_eq!((mine[15], theirs[15]), (b'4', b'4'));
        let ids = std::str::from_utf8(&theirs[3..52]).unwrap();
        ours.replace_range(3..52, ids);
    }
    if let (Some(theirs), Some(ours)) = (captured.get("sw8"), sent.get_mut("sw8")) {
        let theirs: Vec<&str> = theirs.split('-').collect();
        let mut mine: Vec<&str> = ours.split('-').collect();
        assert_eq!(mine.len(), theirs.len());
        for id in [1, 2] {
            assert_eq!(mine[id].len(), theirs[id].len());
            mine[id] = theirs[id];
        }
        *ours = mine.join("-");
    }
    sent
}

/// The fields of the captured `tracestate`, for a phone to be given.
fn captured_phone(captured: &Headers) -> Phone {
    let phone = Phone::browser()
        .app_id("demo123@53df7ad2afe8301")
        .app_version("2.4.1")
        .view("/page")
        .host("127.0.0.1:8099");
    let Some(state) = captured.get("tracestate") else {
        return phone;
    };
    let mut fields = state.split('&').skip(3);
    phone
        .session_id(fields.next().unwrap())
        .user_id(fields.next().unwrap())
}

fn assert_writes(case: &str, set: impl Fn(Phone) -> Phone) {
    let captures = captures();
    for case in [format!("{case}_fetch"), format!("{case}_xhr")] {
        let captured = &captures[&case];
        let tap = set(captured_phone(captured)).tap("GET", "/api");
        let sent = with_ids_of(captured, sent(&tap));
        assert_eq!(&sent, captured, "{case}");
    }
}

#[test]
fn the_browser_writes_what_was_captured() {
    assert_writes("w3c", |phone| phone);
    assert_writes("w3c_nostate", Phone::without_tracestate);
    assert_writes("w3c_baggage", Phone::with_baggage);
    assert_writes("unsampled", |phone| phone.sampled(false));
    assert_writes("nopid", Phone::without_app_id);
    assert_writes("sw8", Phone::sw8);
    assert_writes("sw8_unsampled", |phone| phone.sw8().sampled(false));
    assert_writes("noversion", |phone| phone.sw8().app_version("1.0.0"));
}

/// With `sw8` the web SDK sends no other trace, but the same `baggage` as with
/// W3C: `tests/interop/browser` saw it do so.
#[test]
fn the_browser_writes_baggage_beside_sw8() {
    let captures = captures();
    let captured = &captures["w3c_baggage_xhr"];
    let tap = captured_phone(captured).sw8().with_baggage().request("/");
    let names: Vec<_> = tap.headers().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["sw8", "baggage"]);
    assert_eq!(tap.header("baggage"), Some(captured["baggage"].as_str()));
    assert!(captured["baggage"].contains(tap.session_id().unwrap()));
}

/// Android and iOS were read from the published binaries, not captured: these
/// are the forms that were found there.
#[test]
fn native_sdks_write_their_own_member() {
    let android = Phone::android().app_version("3.1").tap("GET", "/");
    let state = android.header("tracestate");
    assert_eq!(state, Some("alibabacloud_rum=Android/2.3.2/3.1_APK"));
    traceparent(&sent(&android));

    let ios = Phone::ios().app_version("3.1");
    let state = |phone: &Phone| phone.request("/").header("tracestate").map(str::to_owned);
    let expected = "alibabacloud_rum=iOS/2.3.3/3.1_NSURLSession";
    assert_eq!(state(&ios).as_deref(), Some(expected));
    let expected = "alibabacloud_rum=iOS/2.3.3/3.1_Custom";
    assert_eq!(state(&ios.custom_trace()).as_deref(), Some(expected));
}

#[test]
fn android_writes_sw8_with_its_member_beside_it() {
    let url = "http://shop.example/orders/42?token=1";
    let phone = Phone::android().sw8().app_label("Shop").app_version("3.1");
    let tap = phone.tap("GET", url);
    let names: Vec<_> = tap.headers().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["sw8", "tracestate"]);

    let sw8 = Sw8::parse(tap.header("sw8").unwrap().as_bytes()).unwrap();
    assert!(sw8.sampled());
    assert_eq!(sw8.trace_id().len(), 32);
    assert_eq!(sw8.segment_id().len(), 16);
    assert_eq!(sw8.trace_id(), tap.trace_id());
    assert_eq!(sw8.segment_id(), tap.parent_span_id());
    assert_eq!(sw8.span_id(), 0);
    assert_eq!(sw8.service(), "Shop");
    assert_eq!(sw8.instance(), "3.1");
    assert_eq!(sw8.endpoint(), url);
    assert_eq!(sw8.peer(), "0.0.0.0");

    let tap = phone.tap("GET", "");
    let sw8 = Sw8::parse(tap.header("sw8").unwrap().as_bytes()).unwrap();
    assert_eq!(sw8.endpoint(), "/");
}

#[test]
fn androids_custom_trace_has_a_decimal_segment() {
    for seed in 0..20 {
        let tap = Phone::android()
            .sw8()
            .custom_trace()
            .seed(seed)
            .request("/");
        let segment = tap.sw8_segment_id().unwrap();
        assert!(segment.parse::<i64>().is_ok(), "{segment}");
        let sw8 = Sw8::parse(tap.header("sw8").unwrap().as_bytes()).unwrap();
        assert_eq!(sw8.segment_id(), segment);
        assert_eq!(sw8.otel_parent_id().to_string(), tap.parent_span_id());
    }
}

#[test]
fn the_documented_form_has_four_fields() {
    for (phone, app_type) in every_client() {
        let tap = phone
            .as_documented()
            .app_id("a@1")
            .session_id("s")
            .request("/");
        let expected = format!("rum=v2&{app_type}&a@1&s");
        assert_eq!(tap.header("tracestate"), Some(expected.as_str()));
        assert_eq!(tap.user_id(), None);
    }
}

fn every_client() -> [(Phone, &'static str); 5] {
    [
        (Phone::android(), "android"),
        (Phone::ios(), "ios"),
        (Phone::browser(), "browser"),
        (Phone::miniapp(), "miniapp"),
        (Phone::uniapp(), "uniapp"),
    ]
}

/// Every form that a phone can send.
fn every_form() -> Vec<Phone> {
    let mut forms = Vec::new();
    for (phone, _) in every_client() {
        for phone in [
            phone.clone(),
            phone.clone().as_documented(),
            phone.custom_trace(),
        ] {
            for phone in [
                phone.clone(),
                phone.clone().without_app_id(),
                phone.with_baggage(),
            ] {
                for phone in [phone.clone(), phone.without_tracestate()] {
                    for sampled in [true, false] {
                        let phone = phone.clone().sampled(sampled);
                        forms.push(phone.clone());
                        forms.push(phone.sw8());
                    }
                }
            }
        }
    }
    forms
}

/// What a phone says that it tells is what the library's readers find in its
/// headers.
#[test]
fn what_is_told_is_what_is_read() {
    for phone in every_form() {
        let tap = phone.request("http://shop.example/");
        let state = tap.header("tracestate").map(str::as_bytes);
        let baggage = tap.header("baggage").map(str::as_bytes);
        let read = RumFields::read(state, baggage);
        let value = |field: &Option<rum_trace_propagation::rum::RumField<'_>>| {
            field.as_ref().map(|field| field.value().to_owned())
        };
        let owned = |told: Option<&str>| told.map(str::to_owned);

        let app_id = match tap.header("sw8") {
            Some(sw8) => {
                let sw8 = Sw8::parse(sw8.as_bytes()).unwrap();
                assert_eq!(sw8.otel_trace_id().to_string(), tap.trace_id());
                assert_eq!(sw8.otel_parent_id().to_string(), tap.parent_span_id());
                assert_eq!(sw8.sampled(), tap.sampled());
                assert_eq!(Some(sw8.trace_id()), tap.sw8_trace_id());
                value(&read.app_id).or_else(|| owned(sw8.app_id()))
            }
            None => {
                let parent = traceparent(&sent(&tap));
                assert_eq!(parent.trace_id().to_string(), tap.trace_id());
                assert_eq!(parent.parent_id().to_string(), tap.parent_span_id());
                assert_eq!(parent.flags().is_sampled(), tap.sampled());
                assert_eq!(tap.sw8_trace_id(), None);
                value(&read.app_id)
            }
        };
        assert_eq!(owned(tap.app_id()), app_id, "{tap:?}");
        assert_eq!(owned(tap.rum_version()), value(&read.version), "{tap:?}");
        assert_eq!(owned(tap.app_type()), value(&read.app_type), "{tap:?}");
        assert_eq!(owned(tap.session_id()), value(&read.session_id), "{tap:?}");
        assert_eq!(owned(tap.user_id()), value(&read.user_id), "{tap:?}");
        assert_eq!(owned(tap.app_channel()), value(&read.channel), "{tap:?}");
        assert_eq!(
            owned(tap.app_version()),
            value(&read.app_version),
            "{tap:?}"
        );
        assert_eq!(
            owned(tap.sdk_version()),
            value(&read.sdk_version),
            "{tap:?}"
        );
    }
}

#[test]
fn each_tap_has_ids_of_its_own_and_one_session() {
    let phone = Phone::browser();
    let (one, two) = (phone.request("/"), phone.clone().request("/"));
    assert_ne!(one.trace_id(), two.trace_id());
    assert_ne!(one.parent_span_id(), two.parent_span_id());
    assert_eq!(one.session_id(), two.session_id());
    assert_eq!(one.user_id(), two.user_id());
    let other = Phone::browser().request("/");
    assert_ne!(one.session_id(), other.session_id());
}

#[test]
fn undefined_tells_nothing() {
    let tap = Phone::browser()
        .without_app_id()
        .without_view()
        .user_id("")
        .request("/");
    assert_eq!((tap.app_id(), tap.user_id()), (None, None));
    let sw8 = Phone::browser()
        .sw8()
        .without_app_id()
        .without_view()
        .request("/");
    let parsed = Sw8::parse(sw8.header("sw8").unwrap().as_bytes()).unwrap();
    assert_eq!(
        (parsed.service(), parsed.endpoint()),
        ("undefined", "undefined")
    );
    assert_eq!(sw8.app_id(), None);
}
