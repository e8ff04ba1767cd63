//! Every header set that a real client sends must be read, and say what that
//! client is known to say.

use super::support::{Capture, capture, captures};
use rum_trace_propagation::b3::B3Headers;
use rum_trace_propagation::sw8::correlation;
use rum_trace_propagation::{
    B3, RumFields, SpanId, Sw8, TraceId, TraceParent, TraceState, UberTraceId,
};

/// Reads every header that the capture has and returns the trace ids found.
fn read(capture: &Capture) -> Result<Vec<(TraceId, SpanId)>, String> {
    let said = |header: &str, error: &dyn std::fmt::Display| format!("{header}: {error}");
    let mut contexts = Vec::new();
    if let Some(value) = capture.header("traceparent") {
        let parent = TraceParent::parse(value).map_err(|e| said("traceparent", &e))?;
        contexts.push((parent.trace_id(), parent.parent_id()));
    }
    if let Some(value) = capture.header("tracestate") {
        let state = TraceState::parse(value).map_err(|e| said("tracestate", &e))?;
        // The SDKs write canonical lists: nothing is rewritten on the way on.
        assert_eq!(state.as_str().as_bytes(), value);
    }
    if let Some(value) = capture.header("sw8") {
        let sw8 = Sw8::parse(value).map_err(|e| said("sw8", &e))?;
        contexts.push((sw8.otel_trace_id(), sw8.otel_parent_id()));
    }
    if let Some(value) = capture.header("sw8-correlation") {
        let pairs: Result<Vec<_>, _> = correlation::pairs(value).collect();
        pairs.map_err(|e| said("sw8-correlation", &e))?;
    }
    if let Some(value) = capture.header("b3") {
        contexts.extend(
            B3::parse_single(value)
                .map_err(|e| said("b3", &e))?
                .context(),
        );
    }
    if capture.header("x-b3-traceid").is_some() {
        let headers = B3Headers {
            trace_id: capture.header("x-b3-traceid"),
            span_id: capture.header("x-b3-spanid"),
            sampled: capture.header("x-b3-sampled"),
            flags: capture.header("x-b3-flags"),
        };
        contexts.extend(
            B3::parse_multi(headers)
                .map_err(|e| said("x-b3", &e))?
                .context(),
        );
    }
    if let Some(value) = capture.header("uber-trace-id") {
        let uber = UberTraceId::parse(value).map_err(|e| said("uber-trace-id", &e))?;
        contexts.push((uber.trace_id(), uber.parent_id()));
    }
    Ok(contexts)
}

#[test]
fn all_are_read_but_those_known_to_be_malformed() {
    let captures = captures();
    assert!(captures.len() >= 39, "{} captures", captures.len());
    for capture in &captures {
        match read(capture) {
            Ok(contexts) => {
                assert!(capture.malformed.is_empty(), "{}: read", capture.case);
                assert!(!contexts.is_empty(), "{}: no context", capture.case);
                // A client that sends several carriers sends the same ids.
                let same = contexts.iter().all(|context| *context == contexts[0]);
                assert!(same, "{}: {contexts:?}", capture.case);
            }
            Err(error) => {
                let header = error.split(':').next().unwrap().to_owned();
                assert!(
                    capture.malformed.contains(&header),
                    "{}: {error}",
                    capture.case
                );
            }
        }
    }
}

/// App type, app id, session, user, app version.
fn rum(case: &str) -> [Option<String>; 5] {
    let capture = capture(case);
    let fields = RumFields::read(capture.header("tracestate"), capture.header("baggage"));
    let of = [
        fields.app_type,
        fields.app_id,
        fields.session_id,
        fields.user_id,
        fields.app_version,
    ];
    of.map(|field| field.map(|field| field.value().to_owned()))
}

fn some(texts: [&str; 5]) -> [Option<String>; 5] {
    texts.map(|text| (!text.is_empty()).then(|| text.to_owned()))
}

#[test]
fn each_client_tells_what_it_can() {
    let pid = "fyw9n1jhpf@18ff4c0a0d8fd8d";
    let sid = "4f04d2f50a9d4f678952bde7e0294e9b";
    let uid = "uid_df6nrrj5iq1jqqli";
    assert_eq!(
        rum("w3c_fetch"),
        some(["browser", "demo123@53df7ad2afe8301", sid, uid, ""])
    );
    let no_pid = [
        "browser",
        "",
        "6588efcfa0b64f3fb564825a49dcf645",
        "uid_aiedjyx2mbl7hnrt",
        "",
    ];
    assert_eq!(rum("nopid_xhr"), some(no_pid));
    assert_eq!(rum("documented_rum"), some(["miniapp", pid, sid, "", ""]));
    assert_eq!(rum("uniapp_w3c"), some(["uniapp", pid, sid, uid, ""]));
    assert_eq!(rum("android_w3c"), some(["android", "", "", "", "1.4.0"]));
    assert_eq!(rum("android_sw8"), some(["android", "", "", "", "1.4.0"]));
    assert_eq!(rum("ios_w3c"), some(["ios", "", "", "", "3.1.0"]));
    assert_eq!(rum("ios_custom_w3c"), some(["ios", "", "", "", "3.1.0"]));
    assert_eq!(rum("w3c_nostate_fetch"), some([""; 5]));
    assert_eq!(rum("documented_malformed_sw8"), some([""; 5]));
}

#[test]
fn baggage_alone_tells_the_same_as_tracestate() {
    let capture = capture("w3c_baggage_fetch");
    let state = RumFields::read(capture.header("tracestate"), None);
    let baggage = RumFields::read(None, capture.header("baggage"));
    let values = |fields: RumFields<'_>| {
        let of = [
            fields.version,
            fields.app_type,
            fields.app_id,
            fields.session_id,
            fields.user_id,
        ];
        of.map(|field| field.expect("each field is sent").into_value().into_owned())
    };
    assert_eq!(values(state), values(baggage));
}

#[test]
fn the_sampling_decision_is_read() {
    let sampled = |case: &str| {
        let capture = capture(case);
        match capture.header("sw8") {
            Some(value) => Sw8::parse(value).unwrap().sampled(),
            None => {
                let value = capture.header("traceparent").unwrap();
                TraceParent::parse(value).unwrap().flags().is_sampled()
            }
        }
    };
    assert!(sampled("w3c_fetch"));
    assert!(!sampled("unsampled_fetch"));
    assert!(sampled("sw8_fetch"));
    assert!(!sampled("sw8_unsampled_fetch"));
    assert!(!sampled("android_w3c_unsampled"));
}

#[test]
fn the_web_sdk_names_its_app_in_sw8() {
    let sw8 = |case: &str| Sw8::parse(capture(case).header("sw8").unwrap()).unwrap();
    assert_eq!(sw8("sw8_fetch").app_id(), Some("demo123@53df7ad2afe8301"));
    assert_eq!(sw8("sw8_fetch").instance(), "2.4.1");
    assert_eq!(sw8("swclient_fetch").app_id(), None);
    assert_eq!(sw8("android_sw8").app_id(), None);
    assert_eq!(
        sw8("android_sw8").otel_parent_id().to_string(),
        "00f067aa0ba902b7"
    );
    assert_eq!(
        sw8("android_sw8_custom").otel_parent_id().to_string(),
        "61c8864680b583eb"
    );
}
