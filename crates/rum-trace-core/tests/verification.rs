//! What the holder of the verification token is told, and nobody else.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::{
    BuildError, IdPolicy, Instrumenter, InstrumenterBuilder, Privacy, TrustPolicy,
    VERIFICATION_REQUEST_HEADER, VERIFICATION_RESPONSE_HEADER,
};
use serde_json::{Value, json};
use support::{Harness, RUM, Request, SPAN, SW8, SW8_SPAN, TRACE, TRACEPARENT, attributes};

const TOKEN: &str = "5f0e8c6a1b3d7924";

fn harness() -> Harness {
    Harness::with(with_token)
}

fn with_token(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.verification_token(TOKEN)
}

fn request() -> Request {
    Request::get("/users/42").header(VERIFICATION_REQUEST_HEADER, TOKEN)
}

/// The header fields of the response, as they are.
fn fields(harness: &Harness, request: &Request) -> Vec<(&'static str, String)> {
    let mut active = harness.instrumenter.start(request);
    active.on_response(&200);
    let mut fields = Vec::new();
    active.response_headers(&mut |name, value| fields.push((name, value.to_owned())));
    active.finish();
    fields
}

/// The answer, which is there, within its bound and fit for a header.
fn answer(harness: &Harness, request: &Request) -> Value {
    let fields = fields(harness, request);
    let [(name, value), cache] = &fields[..] else {
        panic!("{fields:?}");
    };
    assert_eq!(*name, VERIFICATION_RESPONSE_HEADER);
    assert_eq!(*cache, ("cache-control", "no-store".to_owned()));
    assert!(value.len() <= 2_048, "{}", value.len());
    let json = URL_SAFE_NO_PAD.decode(value).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

#[test]
fn what_arrived_and_what_became_of_it() {
    let harness = harness();
    let request = request()
        .header("traceparent", TRACEPARENT)
        .header("TraceState", "a=1")
        .header("tracestate", RUM)
        .header("x-other", "secret");
    let mut told = answer(&harness, &request);
    let span = harness.take_span().expect("a span");
    let own = told.as_object_mut().and_then(|told| told.remove("span_id"));
    assert_eq!(own, Some(json!(span.span_context.span_id().to_string())));
    let expected = json!({
        "v": 1,
        "http": "1.1",
        "class": "continued",
        "carrier": "w3c",
        "parent_trace_id": TRACE,
        "parent_span_id": SPAN,
        "trace_id": TRACE,
        "sampled": true,
        "recorded": true,
        "rum": {
            "rum.app.id": "rum",
            "rum.app.type": "rum",
            "session.id": "rum",
            "user.id": "rum",
            "rum.version": "rum",
        },
        "lines": [["traceparent", TRACEPARENT], ["tracestate", "a=1"], ["tracestate", RUM]],
        "omitted": 0,
    });
    assert_eq!(told, expected);
}

#[test]
fn a_request_without_a_trace_or_with_a_broken_one() {
    let harness = harness();
    let told = answer(&harness, &request().header("tracestate", RUM));
    assert_eq!(told["class"], "absent");
    assert_eq!(told["findings"], json!(["tracestate_without_carrier"]));
    assert_eq!(told.get("parent_span_id"), None);
    assert_eq!(told["rum"]["session.id"], "rum");

    let told = answer(&harness, &request().header("traceparent", "00-\"x\\\u{e9}"));
    assert_eq!(
        (&told["class"], &told["carrier"]),
        (&json!("malformed"), &json!("w3c"))
    );
    // A byte a character.
    assert_eq!(
        told["lines"],
        json!([["traceparent", "00-\"x\\\u{c3}\u{a9}"]])
    );
}

#[test]
fn sw8_and_the_order_of_carriers() {
    let harness = harness();
    let told = answer(
        &harness,
        &request().header("sw8", SW8).header("sw8-x", "0-1"),
    );
    assert_eq!(
        (&told["carrier"], &told["parent_span_id"]),
        (&json!("sw8"), &json!(SW8_SPAN))
    );
    assert_eq!(told["lines"], json!([["sw8", SW8], ["sw8-x", "0-1"]]));

    let both = request()
        .header("sw8", SW8)
        .header("traceparent", TRACEPARENT);
    let told = answer(&harness, &both);
    assert_eq!(told["carrier"], "w3c");
    let expected = json!(["traceparent_without_rum", "carriers_disagree"]);
    assert_eq!(told["findings"], expected);
}

#[test]
fn unsampled_and_skipped_requests_are_answered_too() {
    let unsampled = TRACEPARENT.replace("-01", "-00");
    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let harness = Harness::sampling_with(sampler, with_token);
    let told = answer(&harness, &request().header("traceparent", &unsampled));
    assert_eq!(
        (&told["sampled"], &told["recorded"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        (&told["trace_id"], &told["parent_span_id"]),
        (&json!(TRACE), &json!(SPAN))
    );
    assert_ne!(told["span_id"], json!(SPAN));

    let harness = Harness::with(|builder| with_token(builder).skip("/users/*"));
    let told = answer(&harness, &request().header("traceparent", TRACEPARENT));
    assert_eq!(
        (&told["skipped"], &told["class"]),
        (&json!(true), &json!("continued"))
    );
    assert_eq!((told.get("span_id"), told.get("sampled")), (None, None));
    assert_eq!(told["parent_span_id"], json!(SPAN));
    assert!(harness.take_span().is_none());
}

#[test]
fn who_is_not_trusted_is_told_so() {
    let harness =
        Harness::with(|builder| with_token(builder).trust(TrustPolicy::known_apps(["another@1f"])));
    let request = request()
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM);
    let told = answer(&harness, &request);
    assert_eq!(
        (&told["class"], &told["carrier"]),
        (&json!("untrusted"), &json!("w3c"))
    );
    assert_eq!(told.get("parent_span_id"), None);
    assert_ne!(told["trace_id"], TRACE);
}

#[test]
fn ids_that_are_hidden_are_named_and_not_shown() {
    let privacy = Privacy::keep_all()
        .hash_key([7; 32])
        .user_id(IdPolicy::Hash)
        .session_id(IdPolicy::Drop);
    let harness = Harness::with(|builder| with_token(builder).privacy(privacy));
    let request = request()
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM);
    let told = answer(&harness, &request);
    assert_eq!(told["rum"]["user.id"], "rum");
    assert_eq!(told["rum"].get("session.id"), None);
    assert!(!told.to_string().contains("hmac-"), "{told}");
}

#[test]
fn whatever_comes_the_answer_stays_within_its_bound() {
    let harness = harness();
    let quotes = "\"\\\u{1}".repeat(3_000);
    let request = (0..40).fold(
        request().header("traceparent", TRACEPARENT),
        |request, _| {
            request
                .header("tracestate", &quotes)
                .header("baggage", [0xff; 5_000])
        },
    );
    let told = answer(&harness, &request);
    let lines = told["lines"].as_array().expect("a list");
    assert_eq!(lines[0], json!(["traceparent", TRACEPARENT]));
    // Cut: the begin, the length, and the begin of its SHA-256.
    assert_eq!(
        (&lines[1][0], &lines[1][2]),
        (&json!("tracestate"), &json!(9_000))
    );
    assert_eq!(lines[1][3].as_str().map(str::len), Some(16));
    assert!(quotes.starts_with(lines[1][1].as_str().expect("text")));
    let omitted = told["omitted"].as_u64().expect("a number");
    assert_eq!(lines.len() as u64 + omitted, 81);

    let same = |text: &str| {
        let request = self::request().header("tracestate", text);
        answer(&harness, &request)["lines"][0][3].clone()
    };
    let long = "x".repeat(1_000);
    assert_eq!(same(&long), same(&long));
    assert_ne!(same(&long), same(&format!("{}y", &long[..999])));
}

#[test]
fn nobody_else_is_answered_and_wrong_tokens_are_counted() {
    let harness = harness();
    let other = TOKEN.replace('5', "6");
    let wrong = [
        Request::get("/").header(VERIFICATION_REQUEST_HEADER, &other),
        Request::get("/").header(VERIFICATION_REQUEST_HEADER, ""),
        Request::get("/").header(VERIFICATION_REQUEST_HEADER, &TOKEN[..15]),
        // Two lines, of which one is right.
        request().header(VERIFICATION_REQUEST_HEADER, &other),
        request().header(VERIFICATION_REQUEST_HEADER, TOKEN),
    ];
    for request in &wrong {
        assert!(fields(&harness, request).is_empty(), "{request:?}");
    }
    assert!(fields(&harness, &Request::get("/")).is_empty());
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.verified, stats.verification_refused), (0, 5));
    answer(&harness, &request());
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.verified, stats.verification_refused), (1, 5));

    // Without a token the header is one that nobody knows.
    let harness = Harness::new();
    assert!(fields(&harness, &request()).is_empty());
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.verified, stats.verification_refused), (0, 0));
}

/// What is served within a request that asked has asked nothing itself.
#[test]
fn a_request_within_another_is_not_answered_for_it() {
    let harness = harness();
    let outer = harness
        .instrumenter
        .start(&request().header("traceparent", TRACEPARENT));
    {
        let _scope = outer.scope();
        assert!(fields(&harness, &Request::get("/inner")).is_empty());
        let told = answer(&harness, &request().header("sw8", SW8));
        assert_eq!(told["carrier"], "sw8");
    }
    let mut names = Vec::new();
    outer.response_headers(&mut |name, _| names.push(name));
    assert_eq!(names, [VERIFICATION_RESPONSE_HEADER, "cache-control"]);
    outer.finish();
}

#[test]
fn the_token_is_nowhere() {
    for name in [VERIFICATION_REQUEST_HEADER, "Rum-Trace-Verify"] {
        let builder = || Instrumenter::builder();
        for builder in [
            builder().capture_request_header(name),
            builder().capture_sensitive_request_header(name),
            builder().capture_sensitive_response_header(name),
        ] {
            let refused = builder.build().expect_err("refused");
            let name = VERIFICATION_REQUEST_HEADER.to_owned();
            assert_eq!(refused, BuildError::CapturedVerificationToken { name });
        }
    }
    let builder = with_token(Instrumenter::builder());
    assert!(!format!("{builder:?}").contains(TOKEN));
    let harness = harness();
    assert!(!format!("{:?}", harness.instrumenter).contains(TOKEN));
    let fields = fields(&harness, &request().header("traceparent", TRACEPARENT));
    assert!(!format!("{fields:?}").contains(TOKEN));
    let span = harness.take_span().expect("a span");
    assert!(
        !format!("{span:?}").contains(TOKEN),
        "{:?}",
        attributes(&span)
    );
    let refused = Instrumenter::builder()
        .verification_token("topsecret")
        .build();
    let error = refused.expect_err("too short");
    assert_eq!(error, BuildError::VerificationTokenTooShort { bytes: 9 });
}
