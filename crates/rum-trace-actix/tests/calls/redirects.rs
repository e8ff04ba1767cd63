//! Requests that are sent again: each has a span, and a host, of its own.

use actix_web::rt;
use awc::Client;
use awc::middleware::Redirect;
use opentelemetry::Context;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::trace::SpanData;

use crate::peer::*;
use crate::spans::inbound;
use crate::support::*;

/// `/` leads to a stranger, and that back; `/loop` to itself.
async fn shop() -> Peer {
    let redirect =
        |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 2\r\n\r\ngo");
    Peer::answering(move |head| match head.split(' ').nth(1) {
        Some("/") => redirect("http://pay.example/charge"),
        Some("/charge") => redirect("http://stock.internal/thanks"),
        Some("/loop") => redirect("/loop"),
        _ => "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nthanks".to_owned(),
    })
    .await
}

/// awc's own redirects, and those that are ours.
fn clients(spans: &Spans) -> [(&'static str, Client); 2] {
    let trace = || tracing(spans, |builder| builder);
    let ours = trace().redirects(Redirect::new().max_redirect_times(4));
    [
        (
            "awc's",
            Client::builder().max_redirects(4).wrap(trace()).finish(),
        ),
        (
            "ours",
            Client::builder().disable_redirects().wrap(ours).finish(),
        ),
    ]
}

fn inbound_ids(cx: &Context) -> SpanContext {
    cx.span().span_context().clone()
}

fn resends(spans: &[SpanData]) -> Vec<Option<String>> {
    let of = |span| text(span, "http.request.resend_count");
    spans.iter().map(of).collect()
}

#[actix_web::test]
async fn a_redirect_to_a_stranger_tells_it_nothing() {
    let spans = Spans::new();
    let peer = shop().await;
    for (whose, client) in clients(&spans) {
        let headers = [
            ("traceparent", TRACEPARENT),
            ("tracestate", RUM),
            ("baggage", "a=1"),
        ];
        let (request, guard) = inbound(&spans, &headers);
        let parent = inbound_ids(request.context());
        let sent = client.get("http://stock.internal/").address(peer.address);
        let mut response = in_time(sent.send()).await.expect("a response");
        assert_eq!(response.body().await.expect("a body"), "thanks");
        drop(guard);
        let ended = spans.wait_for(3).await;

        let heads = peer.heads();
        assert_eq!(heads.len(), 3);
        for (head, span) in heads.iter().zip(&ended) {
            let is_own = header(head, "host") == Some("stock.internal");
            let expected = format!("00-{TRACE}-{}-01", span.span_context.span_id());
            let found = |name| header(head, name);
            assert_eq!(
                found("traceparent"),
                is_own.then_some(&*expected),
                "{whose}: {head}"
            );
            assert_eq!(
                found("tracestate"),
                is_own.then_some(RUM),
                "{whose}: {head}"
            );
            assert_eq!(found("baggage"), is_own.then_some("a=1"), "{whose}: {head}");
            assert_eq!(span.parent_span_id, parent.span_id(), "{whose}");
        }
        let urls: Vec<_> = ended
            .iter()
            .filter_map(|span| text(span, "url.full"))
            .collect();
        let expected = [
            "http://stock.internal/",
            "http://pay.example/charge",
            "http://stock.internal/thanks",
        ];
        assert_eq!(urls, expected, "{whose}");
        let status: Vec<_> = ended
            .iter()
            .filter_map(|span| text(span, "http.response.status_code"))
            .collect();
        assert_eq!(status, ["302", "302", "200"], "{whose}");
        assert!(ended.iter().all(|span| text(span, "error.type").is_none()));
        let expected = match whose {
            "ours" => [None, Some("1".to_owned()), Some("2".to_owned())],
            _ => [None, None, None],
        };
        assert_eq!(resends(&ended), expected, "{whose}");
        drop(request);
        spans.wait_for(4).await;
        spans.reset();
    }
}

#[actix_web::test]
async fn redirects_end() {
    let spans = Spans::new();
    let peer = shop().await;
    for (whose, client) in clients(&spans) {
        let sent = client
            .get("http://stock.internal/loop")
            .address(peer.address);
        let mut response = in_time(sent.send()).await.expect("a response");
        assert_eq!(response.status(), 302, "{whose}");
        response.body().await.expect("a body");
        spans.wait_for(5).await;
        assert_eq!(peer.heads().len(), 5);
        // The next request is one of its own again.
        let thanks = client
            .get("http://stock.internal/thanks")
            .address(peer.address);
        spans.reset();
        let span = call(&spans, thanks).await;
        assert_eq!(text(&span, "http.request.resend_count"), None, "{whose}");
        peer.heads();
    }
}

#[actix_web::test]
async fn a_request_that_is_awaited_elsewhere_has_its_parent() {
    let spans = Spans::new();
    let peer = shop().await;
    for (whose, client) in clients(&spans) {
        let (request, guard) = inbound(&spans, &[("traceparent", TRACEPARENT)]);
        let parent = inbound_ids(request.context());
        let sent = client
            .get("http://stock.internal/")
            .address(peer.address)
            .send();
        drop(guard);
        // awc sends the redirected request when it is polled: there, by itself, no
        // request is active.
        let response = match whose {
            "ours" => in_time(rt::spawn(sent)).await,
            _ => in_time(rt::spawn(sent.with_context(request.context().clone()))).await,
        };
        let mut response = response.expect("no panic").expect("a response");
        response.body().await.expect("a body");
        for span in spans.wait_for(3).await {
            assert_eq!(span.parent_span_id, parent.span_id(), "{whose}");
        }
        drop(request);
        spans.wait_for(4).await;
        spans.reset();
    }
}

#[actix_web::test]
async fn each_retry_is_a_call() {
    let spans = Spans::new();
    let unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let peer = Peer::saying(unavailable).await;
    let client = client(&spans);
    let frozen = client.get(peer.url("/")).freeze().expect("a request");
    for _ in 0..3 {
        let response = in_time(frozen.send()).await.expect("a response");
        assert_eq!(response.status(), 503);
    }
    let ended = spans.wait_for(3).await;
    let parents: std::collections::HashSet<_> = peer
        .heads()
        .iter()
        .filter_map(|head| header(head, "traceparent").map(str::to_owned))
        .collect();
    assert_eq!(parents.len(), 3);
    for span in ended {
        assert_eq!(text(&span, "error.type").as_deref(), Some("503"));
    }
}
