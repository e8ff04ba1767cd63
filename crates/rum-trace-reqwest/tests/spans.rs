//! What a call's span says, whose child it is, and what goes along.

mod support;

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use opentelemetry_sdk::trace::Sampler;
use reqwest::Method;
use rum_trace_core::TraceProtocol;
use rum_trace_reqwest::{RumTraceClientBuilder, UrlTemplate};
use support::{
    Harness, OWN, RUM, STRANGER, Seen, Server, TRACE, TRACEPARENT, answer, attributes, in_time,
    text, within,
};

async fn server() -> Server {
    Server::start(|seen: &Seen| match seen.target.as_str() {
        "/missing" => answer(404, "no"),
        "/empty" => answer(200, ""),
        "/none" => answer(204, ""),
        "/unchanged" => answer(304, ""),
        _ => answer(200, "hello"),
    })
    .await
}

#[tokio::test]
async fn the_conventions() {
    let (harness, server) = (Harness::new(), server().await);
    let port = server.address.port().to_string();
    let url = server.url("127.0.0.1", "/items/42?q=1&sig=secret#top");
    let request = harness
        .client(server.address)
        .get(&url)
        .with_extension(UrlTemplate("/items/{id}"));
    let response = in_time(request.send()).await.expect("a response");
    assert_eq!(response.url().as_str(), url.replace("#top", ""));
    assert_eq!(in_time(response.text()).await.expect("a body"), "hello");
    let span = harness.one();
    assert_eq!(span.name, "GET /items/{id}");
    assert_eq!(span.span_kind, SpanKind::Client);
    assert_eq!(span.status, Status::Unset);
    let mut found = attributes(&span);
    assert!(found.remove("rum.response.time_to_first_byte").is_some());
    let full = format!("http://127.0.0.1:{port}/items/42?q=1&sig=REDACTED");
    let expected = [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("network.peer.address", "127.0.0.1"),
        ("network.peer.port", &port),
        ("network.protocol.version", "1.1"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("url.full", &full),
        ("url.template", "/items/{id}"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found, HashMap::from(expected));
}

#[tokio::test]
async fn a_template_for_all_requests_of_a_client() {
    let (harness, server) = (Harness::new(), server().await);
    let http = support::http(server.address);
    let client = RumTraceClientBuilder::new(http, harness.instrumenter.clone())
        .with_init(reqwest_middleware::Extension(UrlTemplate("/search")))
        .build()
        .expect("a client");
    let request = client.get(server.url(OWN, "/search?q=1"));
    drop(in_time(request.send()).await.expect("a response"));
    assert_eq!(harness.one().name, "GET /search");
}

#[tokio::test]
async fn names_and_status() {
    let (harness, server) = (Harness::new(), server().await);
    let client = harness.client(server.address);
    // method, path; name, status, error.type
    let table = [
        ("GET", "/", "GET", 200, None),
        ("DELETE", "/missing", "DELETE", 404, Some("404")),
        ("BREW", "/", "HTTP", 200, None),
        ("HEAD", "/", "HEAD", 200, None),
        ("GET", "/empty", "GET", 200, None),
        ("PUT", "/none", "PUT", 204, None),
        ("GET", "/unchanged", "GET", 304, None),
    ];
    for (method, path, name, status, error) in table {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = client.request(method, server.url(OWN, path));
        let response = in_time(request.send()).await.expect("a response");
        // Where there is nothing to read the span is over.
        let is_over = error.is_none() && (name == "HEAD" || path != "/");
        let at_head = harness.spans();
        assert_eq!(at_head.len(), usize::from(is_over), "{name} {path}");
        drop(in_time(response.bytes()).await.expect("a body"));
        let mut spans = at_head;
        spans.extend(harness.spans());
        assert_eq!(spans.len(), 1, "{name} {path}");
        assert_eq!(spans[0].name, name);
        let found = text(&spans[0], "http.response.status_code");
        assert_eq!(found, Some(status.to_string()), "{name} {path}");
        assert_eq!(text(&spans[0], "error.type").as_deref(), error);
        let is_error = matches!(spans[0].status, Status::Error { .. });
        assert_eq!(is_error, error.is_some(), "{name} {path}");
    }
}

#[tokio::test]
async fn credentials_are_told_to_nobody() {
    let harness = Harness::with(|builder| builder.protocol_to(OWN, TraceProtocol::Sw8));
    let server = server().await;
    let url = server.url(&format!("user:pw@{OWN}"), "/");
    let request = reqwest::Request::new(Method::GET, url.parse().expect("a URL"));
    let client = harness.client(server.address);
    let response = in_time(client.execute(request)).await.expect("a response");
    drop(response);
    let span = harness.one();
    let full = text(&span, "url.full").expect("a URL");
    assert!(full.starts_with(&format!("http://REDACTED:REDACTED@{OWN}:")));
    assert_eq!(text(&span, "server.address").as_deref(), Some(OWN));
    let sw8 = server.one().headers.remove("sw8").expect("sw8");
    let (_, peer) = sw8.rsplit_once('-').expect("a peer");
    // base64 of `stock.shop.example`, as long as no credentials stand before it.
    assert!(peer.starts_with("c3RvY2suc2hvcC5leGFtcGxl"), "{sw8}");
}

#[tokio::test]
async fn the_parent_is_the_active_span_or_the_one_given() {
    let (harness, server) = (Harness::new(), server().await);
    let client = harness.client(server.address);
    let url = server.url(OWN, "/");
    let serving = harness.inbound(RUM);
    let active = serving.span_context().clone();

    let get = client.get(&url).send();
    drop(within(serving.context(), get).await.expect("a response"));
    let ambient = harness.one();
    assert_eq!(ambient.parent_span_id, active.span_id());

    let given = client.get(&url).with_extension(serving.context().clone());
    drop(in_time(given.send()).await.expect("a response"));
    let given = harness.one();
    assert_eq!(given.parent_span_id, active.span_id());

    let alone = client.get(&url).send();
    drop(in_time(alone).await.expect("a response"));
    let alone = harness.one();
    assert_ne!(alone.span_context.trace_id(), active.trace_id());

    for (span, seen) in [ambient, given, alone].iter().zip(server.seen()) {
        let sent = format!(
            "00-{}-{}-",
            span.span_context.trace_id(),
            span.span_context.span_id()
        );
        let parent = seen.header("traceparent").expect("traceparent");
        assert!(parent.starts_with(&sent), "{parent} is not {sent}");
    }
}

#[tokio::test]
async fn the_span_is_active_below_and_in_the_body() {
    use http_body_util::BodyExt;

    /// A request body that keeps the span that is active when it is read.
    struct Asks(std::sync::mpsc::Sender<String>, bool);
    impl http_body::Body for Asks {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
            let _ = self.0.send(String::new());
            let first = std::mem::replace(&mut self.1, true);
            std::task::Poll::Ready((!first).then(|| Ok(http_body::Frame::data("x".into()))))
        }
    }
    struct Inside(std::sync::mpsc::Sender<String>);
    #[async_trait::async_trait]
    impl reqwest_middleware::Middleware for Inside {
        async fn handle(
            &self,
            request: reqwest::Request,
            extensions: &mut http::Extensions,
            next: reqwest_middleware::Next<'_>,
        ) -> reqwest_middleware::Result<reqwest::Response> {
            tokio::task::yield_now().await;
            let _ = self.0.send(
                Context::current()
                    .span()
                    .span_context()
                    .span_id()
                    .to_string(),
            );
            next.run(request, extensions).await
        }
    }

    let (harness, server) = (Harness::new(), server().await);
    let (sender, receiver) = std::sync::mpsc::channel();
    let client = reqwest_middleware::ClientBuilder::from_client(harness.client(server.address))
        .with(Inside(sender))
        .build();
    let (told, asked) = std::sync::mpsc::channel();
    let body = reqwest::Body::wrap(Asks(told, false));
    let request = client.post(server.url(OWN, "/")).body(body);
    let response = in_time(request.send()).await.expect("a response");
    let body: http::Response<reqwest::Body> = response.into();
    let collected = in_time(body.into_body().collect()).await.expect("a body");
    assert_eq!(collected.to_bytes(), "hello");
    assert!(asked.try_recv().is_ok());
    assert_eq!(server.one().body, b"x");
    let span = harness.one();
    let active = receiver.try_recv().expect("it was run");
    assert_eq!(active, span.span_context.span_id().to_string());
}

#[tokio::test]
async fn each_host_gets_what_is_its_own() {
    let harness = Harness::with(|builder| builder.protocol_to("localhost", TraceProtocol::Both));
    let server = server().await;
    let client = harness.client(server.address);
    // host; the headers that it gets
    let table: [(&str, &[&str]); 4] = [
        (OWN, &["traceparent", "tracestate"]),
        ("127.0.0.1", &["traceparent", "tracestate"]),
        ("localhost", &["sw8", "traceparent", "tracestate"]),
        (STRANGER, &[]),
    ];
    let serving = harness.inbound(RUM);
    for (host, expected) in table {
        let request = client
            .get(server.url(host, "/"))
            // As a proxy would that hands all headers on.
            .header("traceparent", TRACEPARENT)
            .header("tracestate", "rum=stale")
            .header("sw8", "stale")
            .header("baggage", "user=stale")
            .header(rum_trace_core::VERIFICATION_REQUEST_HEADER, "secret");
        drop(
            within(serving.context(), request.send())
                .await
                .expect("a response"),
        );
        let seen = server.one();
        assert!(!format!("{seen:?}").contains("secret"), "{host}");
        let mut names: Vec<_> = seen.headers.keys().map(String::as_str).collect();
        names.retain(|name| rum_trace_core::Injection::HEADERS.contains(name));
        names.sort_unstable();
        assert_eq!(names, expected, "{host}");
        if let Some(list) = seen.header("tracestate") {
            assert_eq!(list, RUM);
            assert!(
                seen.header("traceparent")
                    .is_some_and(|it| it.contains(TRACE))
            );
        }
        assert_eq!(harness.one().span_kind, SpanKind::Client);
    }
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.calls_traced, stats.calls_untraced), (3, 1));
}

#[tokio::test]
async fn a_long_tracestate_goes_out_cut_and_whole() {
    let (harness, server) = (Harness::new(), server().await);
    let members = (0..31).map(|n| format!("vendor{n}={}", "x".repeat(256)));
    let list = [RUM.to_owned()].into_iter().chain(members);
    let serving = harness.inbound(&list.collect::<Vec<_>>().join(","));
    let client = harness.client(server.address);
    let request = client.get(server.url(OWN, "/")).send();
    drop(
        within(serving.context(), request)
            .await
            .expect("a response"),
    );
    let sent = server.one().headers.remove("tracestate").expect("a list");
    assert!(
        sent.starts_with(RUM) && sent.len() <= 8_000,
        "{}",
        sent.len()
    );
    for member in sent.split(',') {
        let (key, value) = member.split_once('=').expect(member);
        let is_whole = key == "rum" || key.starts_with("vendor") && value.len() == 256;
        assert!(is_whole, "{member}");
    }
}

#[tokio::test]
async fn an_unsampled_trace_goes_on_unsampled() {
    let harness = Harness::sampling_with(Sampler::AlwaysOff, |builder| builder);
    let server = server().await;
    let serving = harness.inbound(RUM);
    let request = harness.client(server.address).get(server.url(OWN, "/"));
    let response = within(serving.context(), request.send()).await;
    assert_eq!(
        in_time(response.expect("a response").text())
            .await
            .expect("a body"),
        "hello"
    );
    let parent = server
        .one()
        .headers
        .remove("traceparent")
        .expect("a parent");
    assert!(
        parent.contains(TRACE) && parent.ends_with("-00"),
        "{parent}"
    );
    assert!(harness.spans().is_empty());
}

#[tokio::test]
async fn nothing_is_traced_where_telemetry_is_suppressed() {
    let (harness, server) = (Harness::new(), server().await);
    let serving = harness.inbound(RUM);
    let suppressed = serving.context().with_telemetry_suppressed();
    let request = harness.client(server.address).get(server.url(OWN, "/"));
    drop(
        within(&suppressed, request.send())
            .await
            .expect("a response"),
    );
    assert_eq!(server.one().header("traceparent"), None);
    assert!(harness.spans().is_empty());
}

#[tokio::test]
async fn a_middleware_on_the_global_provider() {
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    opentelemetry::global::set_tracer_provider(provider);
    let server = server().await;
    let http = support::http(server.address).build().expect("a client");
    let client = reqwest_middleware::ClientBuilder::new(http)
        .with(rum_trace_reqwest::RumTraceMiddleware::default())
        .build();
    drop(
        in_time(client.get(server.url("127.0.0.1", "/")).send())
            .await
            .expect("a response"),
    );
    assert!(server.one().header("traceparent").is_some());
}
