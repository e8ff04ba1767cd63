//! What a CLIENT span says, and when it ends.

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::{any, get};
use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use rum_trace_core::{TraceProtocol, UrlTemplate};
use rum_trace_tower::client::RumTraceClientLayer;
use tower::{Layer, ServiceExt};

use crate::support::{RUM, Server, TRACE};
use crate::wire::*;

#[tokio::test]
async fn a_call_is_described_and_carried_on() {
    let server = echo_server().await;
    let caller = Caller::new();
    let url = format!("http://{}/items/42?sig=secret&a=b", server.address);
    let mut request = Request::get(&url).body(Empty::new()).expect("a request");
    request.extensions_mut().insert(UrlTemplate("/items/{id}"));
    let answer = caller.call(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let headers = text(answer).await;
    let span = caller.span().await;
    let traceparent = format!(
        "traceparent: 00-{TRACE}-{}-01\n",
        span.span_context.span_id()
    );
    assert!(headers.contains(&traceparent), "{headers}");
    assert!(
        headers.contains(&format!("tracestate: {RUM}\n")),
        "{headers}"
    );
    assert_eq!(
        (span.name.as_ref(), &span.span_kind),
        ("GET /items/{id}", &SpanKind::Client)
    );
    let full = format!("http://{}/items/42?sig=REDACTED&a=b", server.address);
    let port = server.address.port().to_string();
    let expected = [
        ("http.request.method", "GET"),
        ("url.full", &full),
        ("url.template", "/items/{id}"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("network.peer.address", "127.0.0.1"),
        ("network.peer.port", &port),
        ("network.protocol.version", "1.1"),
        ("http.response.status_code", "200"),
    ];
    for (name, value) in expected {
        assert_eq!(attribute(&span, name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn strangers_get_nothing_not_even_what_was_there() {
    let server = echo_server().await;
    let caller = Caller::with(|builder| builder.internal_hosts_are_own(false));
    let url = format!("http://{}/", server.address);
    let mut request = Request::get(&url).body(Empty::new()).expect("a request");
    // As a proxy hands on what it was sent.
    for name in [
        "traceparent",
        "tracestate",
        "baggage",
        "sw8",
        "sw8-correlation",
        rum_trace_core::VERIFICATION_REQUEST_HEADER,
    ] {
        request
            .headers_mut()
            .insert(name, http::HeaderValue::from_static("left"));
    }
    let headers = text(caller.call(request).await.expect("an answer")).await;
    for name in ["traceparent", "tracestate", "baggage", "sw8"] {
        assert!(!headers.contains(name), "{headers}");
    }
    assert!(!headers.contains("left"), "{headers}");
    // We know of the call all the same.
    assert_eq!(
        attribute(&caller.span().await, "server.address").as_deref(),
        Some("127.0.0.1")
    );
}

#[tokio::test]
async fn a_third_party_that_is_asked_for_gets_the_trace_alone() {
    let server = echo_server().await;
    let caller = Caller::with(|builder| {
        let builder = builder.internal_hosts_are_own(false);
        builder.trace_third_parties(true).service("shop", "shop-1")
    });
    let url = format!("http://{}/", server.address);
    let headers = text(caller.get(&url).await.expect("an answer")).await;
    assert!(
        headers.contains(&format!("traceparent: 00-{TRACE}-")),
        "{headers}"
    );
    assert!(!headers.contains("rum="), "{headers}");
}

#[tokio::test]
async fn a_host_that_reads_sw8_gets_sw8() {
    let server = echo_server().await;
    let caller = Caller::with(|builder| {
        let builder = builder.service("shop", "shop-1");
        builder.protocol_to("127.0.0.1", TraceProtocol::Sw8)
    });
    let url = format!("http://{}/", server.address);
    let headers = text(caller.get(&url).await.expect("an answer")).await;
    let sw8 = headers.lines().find_map(|line| line.strip_prefix("sw8: "));
    let sw8 = rum_trace_propagation::Sw8::parse(sw8.expect("a header").as_bytes());
    let sw8 = sw8.expect("a header that is right");
    assert_eq!(
        (sw8.trace_id(), sw8.service(), sw8.instance()),
        (TRACE, "shop", "shop-1")
    );
    assert_eq!(sw8.peer(), server.address.to_string());
    assert!(!headers.contains("traceparent"), "{headers}");
}

#[tokio::test]
async fn a_request_that_names_but_a_path() {
    let server = echo_server().await;
    let spans = crate::support::Spans::new();
    let instrumenter = instrumenter(&spans, |builder| builder);
    let origin: http::Uri = format!("http://{}", server.address).parse().expect("a URL");
    let host = server.address.to_string();
    // with an origin, with a Host header; is anything sent?
    let table = [
        (true, false, Some("127.0.0.1")),
        (false, true, Some("127.0.0.1")),
        (false, false, None),
    ];
    for (has_origin, has_host, address) in table {
        let stream = tokio::net::TcpStream::connect(server.address)
            .await
            .expect("connected");
        let io = hyper_util::rt::TokioIo::new(stream);
        let (connection, task) = hyper::client::conn::http1::handshake(io)
            .await
            .expect("ready");
        let task = tokio::spawn(task);
        let mut layer = RumTraceClientLayer::new(instrumenter.clone());
        if has_origin {
            layer = layer.origin(origin.clone());
        }
        let connection = std::sync::Arc::new(tokio::sync::Mutex::new(connection));
        let send = tower::service_fn(move |request| {
            let connection = connection.clone();
            async move { connection.lock().await.send_request(request).await }
        });
        let mut request = Request::get("/items/42");
        if has_host {
            request = request.header("host", &host);
        }
        let request = request
            .body(Empty::<bytes::Bytes>::new())
            .expect("a request");
        let answer = within(&instrumenter, layer.layer(send), request).await;
        let body = in_time(answer.expect("an answer").into_body().collect()).await;
        let headers = String::from_utf8_lossy(&body.expect("a body").to_bytes()).into_owned();
        assert_eq!(
            headers.contains("traceparent"),
            address.is_some(),
            "{headers}"
        );
        let ended = spans.wait_for(2).await;
        let span = ended.iter().find(|span| is_client(span)).expect("a span");
        assert_eq!(attribute(span, "server.address").as_deref(), address);
        spans.reset();
        task.abort();
    }
}

/// A proxy may hand on the header of the request that came in.
#[tokio::test]
async fn a_host_header_makes_nobody_ones_own() {
    let server = echo_server().await;
    let spans = crate::support::Spans::new();
    let instrumenter = instrumenter(&spans, |builder| {
        let builder = builder.internal_hosts_are_own(false);
        builder.own_host("stock.shop.example")
    });
    let own = http::Uri::from_static("http://stock.shop.example");
    let partner = http::Uri::from_static("http://partner.example");
    // the layer's origin, the request's URL, its Host header; is anything sent?
    let table = [
        (&own, "/x", None, true),
        (&own, "/x", Some("stock.shop.example"), true),
        (&own, "/x", Some("partner.example"), false),
        (&partner, "/x", Some("stock.shop.example"), false),
        (&partner, "http://stock.shop.example/x", None, false),
        (&own, "http://partner.example/x", None, false),
    ];
    for (origin, url, host, is_sent) in table {
        let layer = RumTraceClientLayer::new(instrumenter.clone()).origin(origin.clone());
        // Wherever it seems to go, it goes to the one server.
        let address = server.address;
        let send = tower::service_fn(move |mut request: Request<Empty<bytes::Bytes>>| {
            let url = format!("http://{address}/");
            *request.uri_mut() = url.parse().expect("a URL");
            hyper().request(request)
        });
        let mut request = Request::get(url);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Empty::new()).expect("a request");
        let answer = within(&instrumenter, layer.layer(send), request).await;
        let headers = text(answer.expect("an answer")).await;
        let case = format!("{origin} {url} {host:?}");
        assert_eq!(headers.contains("tracestate"), is_sent, "{case}: {headers}");
    }
}

#[tokio::test]
async fn a_context_of_another_place_is_in_the_extensions() {
    let server = echo_server().await;
    let caller = Caller::new();
    let cx = opentelemetry::Context::new().with_remote_span_context(
        opentelemetry::trace::SpanContext::new(
            opentelemetry::TraceId::from(7),
            opentelemetry::SpanId::from(8),
            opentelemetry::TraceFlags::SAMPLED,
            true,
            Default::default(),
        ),
    );
    let url = format!("http://{}/", server.address);
    let mut request = Request::get(&url).body(Empty::new()).expect("a request");
    request.extensions_mut().insert(cx);
    let answer = caller
        .client
        .clone()
        .oneshot(request)
        .await
        .expect("an answer");
    let headers = text(answer).await;
    assert!(
        headers.contains("traceparent: 00-00000000000000000000000000000007-"),
        "{headers}"
    );
    assert_eq!(
        caller.spans.one().await.parent_span_id,
        opentelemetry::SpanId::from(8)
    );
}

#[tokio::test]
async fn an_answer_without_a_body_ends_the_span_at_its_head() {
    let app = Router::new()
        .route("/head", any(|| async { "not sent" }))
        .route("/204", get(|| async { StatusCode::NO_CONTENT }))
        .route("/304", get(|| async { StatusCode::NOT_MODIFIED }))
        .route("/empty", get(|| async { "" }));
    let server = Server::start(app).await;
    for (method, path) in [
        (Method::HEAD, "/head"),
        (Method::GET, "/204"),
        (Method::GET, "/304"),
        (Method::GET, "/empty"),
    ] {
        let caller = Caller::new();
        let url = format!("http://{}{path}", server.address);
        let request = Request::builder().method(method).uri(url);
        let request = request.body(Empty::new()).expect("a request");
        let answer = caller.call(request).await.expect("an answer");
        // The answer is still held: nobody has read or dropped its body.
        assert_eq!(caller.span().await.status, Status::Unset, "{path}");
        drop(answer);
    }
}

#[tokio::test]
async fn the_span_ends_with_the_last_byte() {
    let (first, more) = tokio::sync::mpsc::channel::<Result<&str, std::io::Error>>(1);
    let more = std::sync::Arc::new(std::sync::Mutex::new(Some(more)));
    let app = Router::new().fallback(move || {
        let mut more = more.lock().expect("a lock").take().expect("one request");
        async move {
            let frames = futures_core_stream(move |cx| more.poll_recv(cx));
            Body::from_stream(frames)
        }
    });
    let server = Server::start(app).await;
    let caller = Caller::new();
    first.send(Ok("one")).await.expect("sent");
    let answer = caller
        .get(&format!("http://{}/", server.address))
        .await
        .expect("an answer");
    let mut body = answer.into_body();
    let frame = in_time(body.frame()).await.expect("a frame").expect("data");
    assert_eq!(frame.into_data().expect("data"), "one");
    let ended = caller.spans.wait_for(1).await;
    assert!(!is_client(&ended[0]), "the call is not over: {ended:?}");
    drop(first);
    assert!(in_time(body.frame()).await.is_none());
    assert_eq!(attribute(&caller.span().await, "error.type"), None);
}
