//! What a response tells of the trace, and what a page may send.

use rum_trace_core::{CORS_REQUEST_HEADERS, InstrumenterBuilder, ServerTiming};

use super::{ANSWERS, CALLER, RUM, got, told};
use crate::Server;
use crate::service::ORIGIN;
use crate::wire::{Client, Head, Protocol, Request, Response};

/// With the header that RUM products read today.
pub fn traceparent(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.server_timing(ServerTiming::Traceparent)
}

/// With the header of the W3C's draft.
pub fn trace(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.server_timing(ServerTiming::Trace)
}

/// `traceparent;desc="…"`, with the span's own ids.
pub async fn server_timing_traceparent(server: &Server) {
    each_answer(server, |trace_id, span_id| {
        format!("traceparent;desc=\"00-{trace_id}-{span_id}-01\"")
    })
    .await;
}

/// `trace;desc=…`.
pub async fn server_timing_trace(server: &Server) {
    each_answer(server, |trace_id, span_id| {
        format!("trace;desc=00-{trace_id}-{span_id}-01")
    })
    .await;
}

async fn each_answer(server: &Server, header: impl Fn(&str, &str) -> String) {
    for protocol in Protocol::ALL {
        for kind in ANSWERS {
            let answer = ask(server, protocol, kind.target).await;
            let span = server.expect(kind.span(protocol, &answer)).await;
            let span_id = span.span_context.span_id().to_string();
            let expected = header(&CALLER.trace_id(), &span_id);
            assert_eq!(answer.head.lines("server-timing"), [expected]);
            assert!(exposes_server_timing(&answer.head), "{:?}", answer.head);
            keeps_the_session(&answer.head);
        }
    }
}

/// Not asked for: nothing of the trace is in the response.
pub async fn nothing_by_default(server: &Server) {
    for protocol in Protocol::ALL {
        let answer = ask(server, protocol, "/users/42").await;
        assert!(answer.head.lines("server-timing").is_empty());
        assert!(!exposes_server_timing(&answer.head));
        keeps_the_session(&answer.head);
        server
            .expect(told(got(protocol, "/users/42", "/users/{id}")))
            .await;
    }
}

async fn ask(server: &Server, protocol: Protocol, target: &str) -> Response {
    let mut client = Client::open(protocol, server.address()).await;
    let request = Request::get(target).from(CALLER).header("tracestate", RUM);
    client.ask(&request.header("origin", ORIGIN)).await
}

fn exposes_server_timing(head: &Head) -> bool {
    let lines = head.lines("access-control-expose-headers");
    lines
        .iter()
        .flat_map(|line| line.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("server-timing"))
}

/// Nothing of `tracestate`, under whatever name.
fn keeps_the_session(head: &Head) {
    for (name, value) in &head.headers {
        assert!(!matches!(&**name, "traceparent" | "tracestate"), "{head:?}");
        for secret in ["rum=", "demo123", "4f04d2f5", "uid_1"] {
            assert!(!value.contains(secret), "{head:?}");
        }
    }
}

/// A page's preflight with all that the RUM SDKs can send, and then its
/// request.
pub async fn cors(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let preflight = Request::new("OPTIONS", "/users/42")
            .header("origin", ORIGIN)
            .header("access-control-request-method", "GET")
            .header(
                "access-control-request-headers",
                CORS_REQUEST_HEADERS.join(","),
            );
        let answer = client.ask(&preflight).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.head.lines("access-control-allow-origin"), [ORIGIN]);
        let allowed = answer.head.lines("access-control-allow-headers").join(",");
        let allowed = allowed.to_ascii_lowercase();
        let allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
        for header in CORS_REQUEST_HEADERS {
            assert!(allowed.contains(&header), "{header} in {allowed:?}");
        }

        let answer = ask(server, protocol, "/users/42").await;
        assert_eq!(answer.head.lines("access-control-allow-origin"), [ORIGIN]);
        assert!(exposes_server_timing(&answer.head));
        // The preflight itself was answered outside of the layer.
        server
            .expect(told(got(protocol, "/users/42", "/users/{id}")))
            .await;
    }
}

/// A header that is not in the list is still refused: the preflight is real.
pub async fn cors_refuses_others(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let preflight = Request::new("OPTIONS", "/users/42")
            .header("origin", ORIGIN)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "x-not-allowed");
        let answer = client.ask(&preflight).await;
        let allowed = answer.head.lines("access-control-allow-headers").join(",");
        assert!(!allowed.contains("x-not-allowed"), "{allowed}");
    }
}
