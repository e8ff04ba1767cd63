//! Paths that get no span, through which the trace goes on all the same.

use rum_trace_core::InstrumenterBuilder;

use super::{CALLER, get, got};
use crate::Server;
use crate::wire::{Client, Protocol, Request};

/// With paths of one's own to skip.
pub fn internal(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.skip("/healthz").skip("/internal/*")
}

/// With the usual health checks to skip.
pub fn health_checks(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.skip_health_checks()
}

/// No span and no metrics; what is called from inside is the caller's child.
pub async fn skipped(server: &Server) {
    for protocol in Protocol::ALL {
        for target in [
            "/healthz",
            "/healthz?full=1",
            "/internal/jobs",
            "/internal/nothing",
        ] {
            goes_through(server, protocol, target).await;
        }
        // And the next request in line is seen.
        get(server, protocol, "/users/42").await;
        server
            .expect(got(protocol, "/users/42", "/users/{id}"))
            .await;
    }
}

/// The same by the usual names.
pub async fn usual_health_checks(server: &Server) {
    for protocol in Protocol::ALL {
        goes_through(server, protocol, "/healthz").await;
        for target in ["/health", "/livez", "/readyz", "/ping"] {
            // This service does not have them: they are skipped by the path.
            assert_eq!(get(server, protocol, target).await.status(), 404);
        }
        get(server, protocol, "/users/42").await;
        server
            .expect(got(protocol, "/users/42", "/users/{id}"))
            .await;
    }
}

/// A client that goes away from a skipped request, and a panic in one: nothing
/// is told of them either.
pub async fn skipped_and_broken(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let answer = client.send(&Request::get("/panic").from(CALLER)).await;
        assert!(answer.is_err());
        get(server, protocol, "/users/42").await;
        server
            .expect(got(protocol, "/users/42", "/users/{id}"))
            .await;
    }
}

/// With the panic to skip.
pub fn the_panic(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.skip("/panic")
}

/// What is like a skipped path is not skipped.
pub async fn not_skipped(server: &Server) {
    for target in ["/internal", "/healthz/", "/healthzz", "/a/healthz"] {
        let answer = get(server, Protocol::Http1, target).await;
        assert_eq!(answer.status(), 404);
        let expected = crate::expect::Expected::get(target)
            .from(CALLER)
            .status(404);
        server.expect(expected.receives(answer.body.len())).await;
    }
}

async fn goes_through(server: &Server, protocol: Protocol, target: &str) {
    let mut client = Client::open(protocol, server.address()).await;
    let request = Request::get(target)
        .from(CALLER)
        .header("tracestate", "a=1,rum=v2&browser&p&s");
    let answer = client.ask(&request).await;
    if answer.status() == 200 {
        let traceparent = CALLER.traceparent();
        let onward = format!("traceparent: {traceparent}\ntracestate: a=1,rum=v2&browser&p&s");
        assert_eq!(answer.text(), onward, "{target}");
    }
}
