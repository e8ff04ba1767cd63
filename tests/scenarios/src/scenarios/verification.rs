//! What the holder of the verification token is told, in the response.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rum_trace_core::{
    InstrumenterBuilder, VERIFICATION_REQUEST_HEADER, VERIFICATION_RESPONSE_HEADER,
};
use serde_json::{Value, json};

use super::{ANSWERS, CALLER, RUM, got};
use crate::Server;
use crate::wire::{Client, Protocol, Request, Response};

/// The token of these scenarios.
const TOKEN: &str = "5f0e8c6a1b3d7924";

/// With a token.
pub fn with_token(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.verification_token(TOKEN)
}

/// With a token, and paths to skip.
pub fn with_token_and_skip(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    with_token(builder).skip("/healthz")
}

/// Each kind of answer: with a body, without, of no route, of an error, of a stream.
pub async fn answered(server: &Server) {
    for protocol in Protocol::ALL {
        for kind in ANSWERS {
            let request = Request::get(kind.target)
                .from(CALLER)
                .header("tracestate", "a=1")
                .header("tracestate", RUM);
            let answer = ask(server, protocol, &request, TOKEN).await;
            let span = server.expect(kind.span(protocol, &answer)).await;
            let arrived = arrived(&answer);
            let found = |name: &str| arrived[name].as_str().map(str::to_owned);
            assert_eq!(found("class").as_deref(), Some("continued"));
            assert_eq!(found("carrier").as_deref(), Some("w3c"));
            assert_eq!(found("http").as_deref(), Some(protocol.version()));
            assert_eq!(found("trace_id"), Some(CALLER.trace_id()));
            assert_eq!(found("parent_span_id"), Some(CALLER.span_id()));
            let own = span.span_context.span_id().to_string();
            assert_eq!(found("span_id"), Some(own));
            assert_eq!(
                (&arrived["sampled"], &arrived["recorded"]),
                (&json!(true), &json!(true))
            );
            assert_eq!(arrived["rum"]["session.id"], "rum");
            assert_eq!(lines(&arrived, "traceparent"), [CALLER.traceparent()]);
            assert_eq!(lines(&arrived, "tracestate"), ["a=1", RUM]);
            assert_eq!(lines(&arrived, VERIFICATION_REQUEST_HEADER).len(), 0);
        }
    }
    assert_eq!(server.instrumenter().stats().verified, 10);
}

/// A caller that does not sample is answered as well, and nothing is recorded.
pub async fn unsampled(server: &Server) {
    for protocol in Protocol::ALL {
        let traceparent = CALLER.traceparent().replace("-01", "-00");
        let request = Request::get("/users/42").header("traceparent", &*traceparent);
        let answer = ask(server, protocol, &request, TOKEN).await;
        let expected = got(protocol, "/users/42", "/users/{id}").unsampled();
        server.expect_all(vec![expected]).await;
        let arrived = arrived(&answer);
        assert_eq!(
            (&arrived["sampled"], &arrived["recorded"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(arrived["trace_id"], json!(CALLER.trace_id()));
    }
}

/// A request that is skipped tells what arrived, and that it has no span.
pub async fn skipped(server: &Server) {
    for protocol in Protocol::ALL {
        let request = Request::get("/healthz").from(CALLER);
        let arrived = arrived(&ask(server, protocol, &request, TOKEN).await);
        assert_eq!(arrived["skipped"], true);
        assert_eq!(arrived["class"], "continued");
        assert_eq!(arrived.get("span_id"), None);
        assert_eq!(arrived["parent_span_id"], json!(CALLER.span_id()));
    }
}

/// With another token, or without one in the service, nothing is told.
pub async fn refused(server: &Server) {
    for protocol in Protocol::ALL {
        let request = Request::get("/users/42").from(CALLER);
        let answer = ask(server, protocol, &request, "5f0e8c6a1b3d7925").await;
        assert!(answer.head.lines(VERIFICATION_RESPONSE_HEADER).is_empty());
        server
            .expect(got(protocol, "/users/42", "/users/{id}"))
            .await;
    }
    let stats = server.instrumenter().stats();
    assert_eq!((stats.verified, stats.verification_refused), (0, 2));
}

/// No token in the service: whoever asks is not even counted.
pub async fn no_token(server: &Server) {
    let request = Request::get("/users/42").from(CALLER);
    let answer = ask(server, Protocol::Http1, &request, TOKEN).await;
    assert!(answer.head.lines(VERIFICATION_RESPONSE_HEADER).is_empty());
    let expected = got(Protocol::Http1, "/users/42", "/users/{id}");
    server.expect(expected).await;
    assert_eq!(server.instrumenter().stats().verification_refused, 0);
}

async fn ask(server: &Server, protocol: Protocol, request: &Request, token: &str) -> Response {
    let mut client = Client::open(protocol, server.address()).await;
    let request = request.clone().header(VERIFICATION_REQUEST_HEADER, token);
    client.ask(&request).await
}

fn arrived(answer: &Response) -> Value {
    let lines = answer.head.lines(VERIFICATION_RESPONSE_HEADER);
    let [line] = lines[..] else {
        panic!("{:?}", answer.head);
    };
    let json = URL_SAFE_NO_PAD.decode(line).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

/// The lines of one header, in their order.
fn lines(arrived: &Value, name: &str) -> Vec<String> {
    let lines = arrived["lines"].as_array().expect("a list");
    let lines = lines.iter().filter(|line| line[0] == name);
    lines
        .map(|line| line[1].as_str().expect("text").to_owned())
        .collect()
}
