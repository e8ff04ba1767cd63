//! What goes to whom.

use awc::http::header::{HeaderMap, HeaderName, HeaderValue};
use awc::{Client, SendClientRequest};
use rum_trace_core::{Injection, VERIFICATION_REQUEST_HEADER};

use crate::peer::*;
use crate::spans::{OK, inbound};
use crate::support::*;

const INBOUND: [(&str, &str); 3] = [
    ("traceparent", TRACEPARENT),
    ("tracestate", RUM),
    ("baggage", "shop=7"),
];

fn shop(spans: &Spans) -> Client {
    client_with(spans, |builder| builder.own_host("*.shop.example"))
}

/// What a handler does that copies its request's headers; each is a value of
/// somebody else's trace.
fn copied() -> HeaderMap {
    let value = HeaderValue::from_static("copied");
    let others = [VERIFICATION_REQUEST_HEADER, "x-kept"];
    let names = Injection::HEADERS.into_iter().chain(others);
    names
        .map(|name| (HeaderName::from_static(name), value.clone()))
        .collect()
}

type Send = fn(&Client, &str, &Peer) -> SendClientRequest;

/// Each way in which awc holds the headers of a request.
const WAYS: [(&str, Send); 4] = [
    ("a request", |client, url, peer| {
        let mut request = client.get(url).address(peer.address);
        *request.headers_mut() = copied();
        request.send()
    }),
    ("a frozen request", |client, url, peer| {
        let mut request = client.get(url).address(peer.address);
        *request.headers_mut() = copied();
        let frozen = request.freeze().expect("a request");
        let sent = frozen.send();
        // What the caller keeps is as it was.
        assert!(frozen.headers().contains_key("traceparent"));
        sent
    }),
    ("extra headers", |client, url, peer| {
        let request = client.get(url).address(peer.address);
        let frozen = request.freeze().expect("a request");
        frozen.extra_headers(copied()).send()
    }),
    ("both", |client, url, peer| {
        let mut request = client.get(url).address(peer.address);
        *request.headers_mut() = copied();
        let frozen = request.freeze().expect("a request");
        frozen.extra_headers(copied()).send()
    }),
];

#[actix_web::test]
async fn only_ones_own_hosts_are_told() {
    // URL, whether the host is one's own.
    let table = [
        ("http://stock.shop.example/items", true),
        ("http://stock.internal:8080/items", true),
        ("http://pay.example/charge", false),
        // The credentials are not the host.
        ("http://stock.shop.example@pay.example/charge", false),
        ("http://stock.shop.example:80@pay.example/charge", false),
    ];
    let spans = Spans::new();
    let client = shop(&spans);
    let peer = Peer::saying(OK).await;
    for (url, is_own) in table {
        for (way, send) in WAYS {
            let (request, guard) = inbound(&spans, &INBOUND);
            let sent = send(&client, url, &peer);
            drop(guard);
            let mut response = in_time(sent).await.expect("a response");
            response.body().await.expect("a body");
            let span = spans.one().await;
            let heads = peer.heads();
            let found = |name| header(&heads[0], name);
            let expected = format!("00-{TRACE}-{}-01", span.span_context.span_id());
            let case = format!("{way} to {url}");
            assert_eq!(found("traceparent"), is_own.then_some(&*expected), "{case}");
            assert_eq!(found("tracestate"), is_own.then_some(RUM), "{case}");
            assert_eq!(found("baggage"), is_own.then_some("shop=7"), "{case}");
            assert_eq!(found("sw8"), None, "{case}");
            assert_eq!(found("sw8-correlation"), None, "{case}");
            assert_eq!(found(VERIFICATION_REQUEST_HEADER), None, "{case}");
            assert_eq!(found("x-kept"), Some("copied"), "{case}");
            drop(request);
            spans.one().await;
        }
    }
}

#[actix_web::test]
async fn third_parties_get_the_trace_alone_if_asked_for() {
    let spans = Spans::new();
    let client = client_with(&spans, |builder| builder.trace_third_parties(true));
    let peer = Peer::saying(OK).await;
    let (_request, guard) = inbound(&spans, &INBOUND);
    let request = client.get("http://pay.example/").address(peer.address);
    let span = call(&spans, request).await;
    drop(guard);
    let heads = peer.heads();
    let expected = format!("00-{TRACE}-{}-01", span.span_context.span_id());
    assert_eq!(header(&heads[0], "traceparent"), Some(&*expected));
    assert_eq!(header(&heads[0], "tracestate"), None);
    assert_eq!(header(&heads[0], "baggage"), None);
}

/// awc's redirects keep the address that the caller chose: whoever is there could name
/// any host, and be given what is that host's.
#[actix_web::test]
async fn a_chosen_address_is_to_be_ones_own_too() {
    let peer = Peer::saying(OK).await;
    // whether the address is one's own; the Host header; is anything told?
    let table = [
        (true, None, true),
        (false, None, false),
        (true, Some("pay.example"), false),
    ];
    for (is_own, host, is_told) in table {
        let spans = Spans::new();
        let client = client_with(&spans, |builder| {
            let builder = builder.internal_hosts_are_own(false);
            let builder = builder.own_host("stock.shop.example");
            if is_own {
                builder.own_host("127.0.0.1")
            } else {
                builder
            }
        });
        let (_request, guard) = inbound(&spans, &INBOUND);
        let mut request = client
            .get("http://stock.shop.example/")
            .address(peer.address);
        if let Some(host) = host {
            request = request.insert_header(("host", host));
        }
        let mut response = in_time(request.send()).await.expect("a response");
        drop(guard);
        response.body().await.expect("a body");
        let heads = peer.heads();
        let told = header(&heads[0], "tracestate").is_some();
        assert_eq!(told, is_told, "{is_own} {host:?}: {}", heads[0]);
        spans.one().await;
    }
}
