//! What is read of a request, and what the handler gets to know.

mod support;

use std::convert::Infallible;
use std::net::SocketAddr;

use actix_cors::Cors;
use actix_web::dev::Service;
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, test, web};
use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use rum_trace_actix::{CurrentTrace, ResponseFuture, Rum};
use rum_trace_core::{CORS_REQUEST_HEADERS, RumContext, ServerTiming};
use support::*;

#[actix_web::test]
async fn the_phones_trace_goes_on() {
    let spans = Spans::new();
    let server = Server::start(spans.trace(), |config| {
        config.route("/users/{id}", web::get().to(|| async { "hello" }));
    });
    let headers = [
        &format!("traceparent: {TRACEPARENT}"),
        "tracestate: vendor=1",
        "x-forwarded-for: 203.0.113.9",
        "x-forwarded-proto: https",
        "forwarded: for=203.0.113.9;host=evil.example",
        &format!("tracestate: {RUM}"),
        "user-agent: Shop/5.0.1",
    ];
    let response = server.request("GET", "/users/42?a=1", &headers).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    let span = spans.one().await;
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_eq!(
        span.span_context.trace_state().header(),
        format!("vendor=1,{RUM}")
    );
    let found = attributes(&span);
    let expected = [
        ("client.address", "127.0.0.1"),
        ("http.route", "/users/{id}"),
        ("network.protocol.version", "1.1"),
        ("server.address", "shop.example"),
        ("server.port", "8080"),
        ("session.id", "4f04d2f5"),
        ("url.path", "/users/42"),
        ("url.query", "a=1"),
        ("url.scheme", "http"),
        ("user.id", "uid_1"),
        ("user_agent.original", "Shop/5.0.1"),
    ];
    for (name, value) in expected {
        assert_eq!(found[name], value, "{name}");
    }
}

#[actix_web::test]
async fn each_line_of_a_header_counts_in_its_order() {
    let spans = Spans::new();
    let trace = spans.trace_with(|b| {
        b.capture_request_header("x-tag")
            .capture_response_header("x-answer")
    });
    let handler = || async {
        HttpResponse::Ok()
            .append_header(("x-answer", "one"))
            .append_header(("x-other", "two"))
            .append_header(("x-answer", "three"))
            .finish()
    };
    let server = Server::start(trace, move |config| {
        config.route("/", web::get().to(handler));
    });
    let headers = [
        &format!("traceparent: {TRACEPARENT}"),
        "x-tag: b",
        "tracestate: k3=3",
        "X-Tag: a",
        "TraceState: k1=1, k2=2",
        "x-tag: c",
    ];
    server.request("GET", "/", &headers).await;
    let span = spans.one().await;
    assert_eq!(span.span_context.trace_state().header(), "k3=3,k1=1,k2=2");
    let found = attributes(&span);
    assert_eq!(found["http.request.header.x-tag"], r#"["b","a","c"]"#);
    assert_eq!(found["http.response.header.x-answer"], r#"["one","three"]"#);
}

#[actix_web::test]
async fn an_absolute_target_names_scheme_and_authority() {
    let spans = Spans::new();
    let app = App::new()
        .route("/x", web::get().to(HttpResponse::Ok))
        .wrap(spans.trace());
    let app = test::init_service(app).await;
    let peer: SocketAddr = "[2001:db8::7]:1234".parse().expect("an address");
    let request = test::TestRequest::with_uri("https://shop.example:8443/x?q=1")
        .insert_header(("host", "other.example"))
        .peer_addr(peer)
        .version(actix_web::http::Version::HTTP_2)
        .to_request();
    test::call_service(&app, request).await;
    let found = attributes(&spans.one().await);
    let expected = [
        ("client.address", "2001:db8::7"),
        ("network.protocol.version", "2"),
        ("server.address", "shop.example"),
        ("server.port", "8443"),
        ("url.path", "/x"),
        ("url.query", "q=1"),
        ("url.scheme", "https"),
    ];
    for (name, value) in expected {
        assert_eq!(found[name], value, "{name}");
    }
}

#[actix_web::test]
async fn handlers_know_the_client() {
    let optional = |rum: Option<Rum>| async move {
        rum.map_or("nobody".to_owned(), |Rum(rum)| {
            rum.session_id().unwrap_or("?").to_owned()
        })
    };
    let required = |rum: Rum| async move { rum.app_id().unwrap_or("?").to_owned() };
    let context = || async { RumContext::current().user_id().unwrap_or("?").to_owned() };
    let ids = |trace: CurrentTrace| async move {
        format!("{}/{}/{}", trace.trace_id, trace.sampled, trace.span_id)
    };
    let spans = Spans::new();
    let server = Server::start(spans.trace(), move |config| {
        config
            .route("/optional", web::get().to(optional))
            .route("/required", web::get().to(required))
            .route("/context", web::get().to(context))
            .route("/ids", web::get().to(ids));
    });
    let rum = format!("tracestate: {RUM}");
    let parent = format!("traceparent: {TRACEPARENT}");
    let table = [
        ("/optional", vec![&*rum], "200", "4f04d2f5"),
        ("/optional", vec![], "200", "nobody"),
        ("/required", vec![&*rum], "200", "demo123@53df7ad2afe8301"),
        ("/required", vec![], "400", "gateway dropped its tracestate"),
        ("/context", vec![&*rum], "200", "uid_1"),
        ("/context", vec![], "200", "?"),
        ("/ids", vec![&*parent], "200", TRACE),
    ];
    for (path, headers, status, body) in table {
        let response = server.request("GET", path, &headers).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {response}"
        );
        assert!(response.contains(body), "{path}: {response}");
        let span = spans.one().await;
        if path == "/ids" {
            let ids = format!("true/{}", span.span_context.span_id());
            assert!(response.ends_with(&ids), "{response}");
        }
    }
}

#[actix_web::test]
async fn extractors_work_without_the_middleware() {
    let ids = |trace: CurrentTrace, rum: Option<Rum>| async move {
        format!("{} {} {}", trace.trace_id, trace.sampled, rum.is_some())
    };
    let app = App::new().route("/", web::get().to(ids));
    let app = test::init_service(app).await;
    let body = test::call_and_read_body(&app, test::TestRequest::default().to_request()).await;
    assert_eq!(body, format!("{:032} false false", 0));
}

/// The current span's id, wherever it is asked.
fn current() -> String {
    Context::map_current(|cx| cx.span().span_context().span_id().to_string())
}

#[actix_web::test]
async fn the_span_is_current_in_all_that_serves_the_request() {
    let handler = || async {
        let before = current();
        actix_web::rt::task::yield_now().await;
        let after = current();
        let chunk = || Some(Ok::<_, Infallible>(Bytes::from(current() + " ")));
        let body = Items(std::iter::from_fn(chunk).take(2));
        HttpResponse::Ok()
            .insert_header(("x-before", before))
            .insert_header(("x-after", after))
            .streaming(body)
    };
    let spans = Spans::new();
    let app = App::new()
        .route("/", web::get().to(handler))
        .wrap_fn(|request, service| {
            // Not in a future: the service is just being called.
            let called = HeaderValue::try_from(current()).expect("hex digits");
            let response = service.call(request);
            async {
                let mut response = response.await?;
                let name = HeaderName::from_static("x-called");
                response.headers_mut().insert(name, called);
                Ok(response)
            }
        })
        .wrap(spans.trace());
    let app = test::init_service(app).await;
    let request = test::TestRequest::default().to_request();
    let response = test::call_service(&app, request).await;
    let headers = response.headers().clone();
    let body = test::read_body(response).await;
    let id = spans.one().await.span_context.span_id().to_string();
    assert_eq!(body, format!("{id} {id} "));
    for name in ["x-called", "x-before", "x-after"] {
        assert_eq!(headers.get(name).expect(name), &*id, "{name}");
    }
    assert_eq!(current(), "0000000000000000");
}

#[actix_web::test]
async fn a_filtered_request_has_no_span_but_a_trace() {
    let spans = Spans::new();
    let trace = spans.trace_with(|b| b.filter(|request| request.path() != "/healthz"));
    let handler = |trace: CurrentTrace| async move { trace.trace_id.to_string() };
    let server = Server::start(trace, move |config| {
        config.route("/healthz", web::get().to(handler));
    });
    let parent = format!("traceparent: {TRACEPARENT}");
    let response = server.request("GET", "/healthz", &[&parent]).await;
    assert!(response.ends_with(TRACE), "{response}");
    assert!(spans.all().is_empty());
}

#[actix_web::test]
async fn a_preflight_allows_what_the_sdks_send() {
    let cors = Cors::default()
        .allowed_origin("https://shop.example")
        .allowed_methods(["GET"])
        .allowed_headers(CORS_REQUEST_HEADERS);
    let spans = Spans::new();
    let app = App::new()
        .route("/", web::get().to(|| async { "text" }))
        .wrap(cors)
        .wrap(spans.trace());
    let app = test::init_service(app).await;
    let request = test::TestRequest::with_uri("/")
        .method(Method::OPTIONS)
        .insert_header(("origin", "https://shop.example"))
        .insert_header(("access-control-request-method", "GET"))
        .insert_header((
            "access-control-request-headers",
            "traceparent, TraceState, sw8",
        ))
        .to_request();
    let response = test::call_service(&app, request).await;
    assert_eq!(response.status(), 200);
    let allowed = response.headers().get("access-control-allow-headers");
    let allowed = allowed.expect("allowed").to_str().expect("text");
    for name in ["traceparent", "tracestate", "sw8"] {
        assert!(allowed.contains(name), "{name} in {allowed}");
    }
    // The middleware is outside of it, and no route was asked.
    test::read_body(response).await;
    let span = spans.one().await;
    assert_eq!(span.name, "OPTIONS");
}

#[actix_web::test]
async fn server_timing_stands_beside_the_handlers_own() {
    let spans = Spans::new();
    let trace = spans.trace_with(|b| b.server_timing(ServerTiming::Traceparent));
    let handler = || async {
        HttpResponse::Ok()
            .insert_header(("server-timing", "db;dur=3"))
            .finish()
    };
    let server = Server::start(trace, move |config| {
        config.route("/", web::get().to(handler));
    });
    let response = server.request("GET", "/", &[]).await;
    let span = spans.one().await;
    let ours = format!(
        "server-timing: traceparent;desc=\"00-{}-{}-",
        span.span_context.trace_id(),
        span.span_context.span_id()
    );
    let response = response.to_ascii_lowercase();
    assert!(
        response.contains("server-timing: db;dur=3\r\n"),
        "{response}"
    );
    assert!(response.contains(&ours), "{response}");
}

/// The inner future is held in place, whatever its size.
#[actix_web::test]
async fn no_future_is_boxed() {
    type Inner<const N: usize> = std::future::Ready<[u8; N]>;
    let size = |inner: usize, outer: usize| outer.checked_sub(inner).expect("it is inside");
    let small = size(
        size_of::<Inner<64>>(),
        size_of::<ResponseFuture<Inner<64>>>(),
    );
    let large = size(
        size_of::<Inner<4096>>(),
        size_of::<ResponseFuture<Inner<4096>>>(),
    );
    assert!(small.abs_diff(large) < 64, "{small} {large}");
}
