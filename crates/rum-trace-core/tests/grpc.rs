//! gRPC calls, by the conventions for RPC.

mod support;

use opentelemetry::trace::Status;
use rum_trace_core::{Failure, InstrumenterBuilder, ResponseInfo};
use support::{Harness, RUM, Request, TRACEPARENT, attributes, lineage};

fn call(path: &str) -> Request {
    Request::new("POST", path)
        .header("content-type", "application/grpc+proto")
        .header("user-agent", "tonic/0.14")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM)
}

/// An answer without a message: its status is in the head.
struct Head(&'static str);

impl ResponseInfo for Head {
    fn status(&self) -> u16 {
        200
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit("content-type", b"application/grpc");
        visit("Grpc-Status", self.0.as_bytes());
    }
}

#[test]
fn a_call_is_described_as_a_call() {
    let harness = Harness::with(|builder| builder.rpc_method("shop.v1.Shop/GetItem"));
    let request = call("/shop.v1.Shop/GetItem")
        .route("/shop.v1.Shop/{*rest}")
        .peer("192.0.2.7:50123");
    let mut active = harness.instrumenter.start(&request);
    assert!(active.is_grpc());
    active.on_response(&200);
    active.on_trailers(|name| (name == "grpc-status").then_some(b"0"));
    active.finish();
    let span = harness.take_span().expect("a span");
    assert_eq!(span.name, "shop.v1.Shop/GetItem");
    assert_eq!(span.status, Status::Unset);
    let mut names: Vec<_> = attributes(&span).into_keys().collect();
    names.sort();
    let expected = [
        "client.address",
        "network.peer.address",
        "network.peer.port",
        "network.protocol.version",
        "rpc.method",
        "rpc.response.status_code",
        "rpc.system.name",
        "rum.app.id",
        "rum.app.type",
        "rum.response.time_to_first_byte",
        "rum.version",
        "session.id",
        "user.id",
        "user_agent.original",
    ];
    assert_eq!(names, expected);
    assert_eq!(attributes(&span)["rpc.response.status_code"], "OK");
}

#[test]
fn a_method_that_nobody_knows_is_other() {
    let harness = Harness::new();
    let serve = |status| {
        let mut active = harness.instrumenter.start(&call("/a.B/C"));
        active.on_response(&Head(status));
        active.finish();
        let span = harness.take_span().expect("a span");
        let attributes = attributes(&span);
        (
            span.name.to_string(),
            attributes["rpc.method"].clone(),
            attributes.get("rpc.method_original").cloned(),
            attributes.get("error.type").cloned(),
        )
    };
    let unknown = |error: &str| {
        let text = str::to_owned;
        (
            text("grpc"),
            text("_OTHER"),
            Some(text("a.B/C")),
            Some(text(error)),
        )
    };
    let known = |error: Option<&str>| {
        let text = str::to_owned;
        (text("a.B/C"), text("a.B/C"), None, error.map(text))
    };
    assert_eq!(serve("12"), unknown("UNIMPLEMENTED"));
    assert_eq!(serve("0"), known(None));
    assert_eq!(serve("12"), known(Some("UNIMPLEMENTED")));
}

#[test]
fn a_failure_in_the_trailers_is_seen() {
    let harness = Harness::new();
    let mut active = harness.instrumenter.start(&call("/a.B/C"));
    active.on_response(&200);
    active.on_frame(100);
    active.on_trailers(|name| (name == "grpc-status").then_some(b"15"));
    active.finish();
    let span = harness.take_span().expect("a span");
    assert_eq!(span.status, Status::error(""));
    assert_eq!(attributes(&span)["error.type"], "DATA_LOSS");
    assert_eq!(attributes(&span)["rpc.response.status_code"], "DATA_LOSS");
}

#[test]
fn an_answer_that_is_not_grpcs() {
    let harness = Harness::new();
    for (status, error) in [
        (404, None),
        (503, Some("503")),
        (200, Some("grpc_status_missing")),
    ] {
        let span = harness.serve_status(&call("/a.B/C"), status).expect("it");
        let attributes = attributes(&span);
        assert_eq!(attributes.get("error.type").map(String::as_str), error);
        let told = attributes.get("http.response.status_code").cloned();
        assert_eq!(told, (status != 200).then(|| status.to_string()));
        assert!(!attributes.contains_key("rpc.response.status_code"));
    }
}

#[test]
fn a_call_that_does_not_complete_ends_like_any_request() {
    let harness = Harness::new();
    let mut active = harness.instrumenter.start(&call("/a.B/C"));
    active.on_response(&200);
    drop(active);
    let span = harness.take_span().expect("a span");
    assert_eq!(
        attributes(&span)["error.type"],
        "client_disconnected_in_body"
    );
    harness
        .instrumenter
        .start(&call("/a.B/C"))
        .fail(Failure::Handler);
    let span = harness.take_span().expect("a span");
    assert_eq!(attributes(&span)["error.type"], "handler_error");
    assert!(lineage(&span).ends_with(support::SPAN));
}

#[test]
fn health_checks_over_grpc_are_skipped_like_others() {
    let harness = Harness::with(InstrumenterBuilder::skip_health_checks);
    let request = call("/grpc.health.v1.Health/Check");
    assert!(harness.serve_status(&request, 200).is_none());
}
