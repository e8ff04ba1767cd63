//! The layer on a plain tower service.

mod support;

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty, Full};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use rum_trace_core::{Injection, RumContext};
use support::*;
use tower::{ServiceBuilder, ServiceExt, service_fn};

type Body = Full<bytes::Bytes>;

async fn hello(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let session = request
        .extensions()
        .get::<RumContext>()
        .and_then(RumContext::session_id);
    Ok(Response::new(Full::from(
        session.unwrap_or("none").to_owned(),
    )))
}

#[tokio::test]
async fn the_span_ends_with_the_body_and_not_before() {
    let spans = Spans::new();
    let service = ServiceBuilder::new()
        .layer(spans.layer().in_extensions())
        .service(service_fn(hello));
    let request = Request::get("http://shop.example/a")
        .header("tracestate", RUM)
        .version(Version::HTTP_2)
        .body(Body::default())
        .expect("valid");
    let response = service.oneshot(request).await.expect("infallible");
    assert!(spans.all().is_empty(), "the body is still to come");
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    assert_eq!(body, "4f04d2f5");
    let span = spans.one().await;
    let found = attributes(&span);
    assert_eq!(found["network.protocol.version"], "2");
    assert_eq!(found["url.scheme"], "http");
    assert_eq!(found["server.address"], "shop.example");
    assert!(!found.contains_key("error.type"));
    assert!(
        !found.contains_key("client.address"),
        "nobody told the peer"
    );
}

#[tokio::test]
async fn a_service_works_in_the_request_from_its_call_on() {
    let spans = Spans::new();
    let current = || Context::current().span().span_context().span_id();
    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(|_: Request<Body>| {
            let in_call = current();
            async move {
                let told = format!("{in_call} {}", current());
                Ok::<_, Infallible>(Response::new(Body::from(told)))
            }
        }));
    let response = service.oneshot(Request::new(Body::default())).await;
    let body = response.expect("infallible").into_body();
    let told = body.collect().await.expect("a body").to_bytes();
    let span = spans.one().await.span_context.span_id();
    assert_eq!(told, format!("{span} {span}"));
}

#[tokio::test]
async fn a_dropped_body_is_a_client_that_went_away() {
    let spans = Spans::new();
    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(hello));
    let response = service
        .oneshot(Request::new(Body::default()))
        .await
        .expect("infallible");
    drop(response);
    let found = attributes(&spans.one().await);
    assert_eq!(found["error.type"], "client_disconnected_in_body");
    assert_eq!(found["http.response.status_code"], "200");
}

#[tokio::test]
async fn an_empty_body_ends_the_span_at_once() {
    let spans = Spans::new();
    let empty = |_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new()))
    };
    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(empty));
    let response = service
        .oneshot(Request::new(Body::default()))
        .await
        .expect("infallible");
    assert!(!attributes(&spans.one().await).contains_key("error.type"));
    drop(response);
    assert!(spans.all().is_empty(), "and only once");
}

#[tokio::test]
async fn a_service_error_is_told_apart() {
    let spans = Spans::new();
    let broken =
        |_: Request<Body>| async { Err::<Response<Body>, _>(std::io::Error::other("secret")) };
    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(broken));
    let outcome = service.oneshot(Request::new(Body::default())).await;
    let Err(error) = outcome else {
        panic!("the service fails")
    };
    assert_eq!(error.to_string(), "secret", "passed on");
    let span = spans.one().await;
    assert_eq!(attributes(&span)["error.type"], "handler_error");
    assert!(
        !format!("{span:?}").contains("secret"),
        "an error's text is not ours to tell"
    );
}

#[tokio::test]
async fn an_upgrade_ends_at_the_101() {
    let spans = Spans::new();
    let upgrade = |_: Request<Body>| async {
        let response = Response::builder()
            .status(101)
            .body(Body::from("left over"));
        Ok::<_, Infallible>(response.expect("valid"))
    };
    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(upgrade));
    let _kept = service
        .oneshot(Request::new(Body::default()))
        .await
        .expect("infallible");
    let found = attributes(&spans.one().await);
    assert_eq!(found["http.response.status_code"], "101");
    assert!(!found.contains_key("error.type"));
}

#[tokio::test]
async fn the_peer_is_found_where_it_is_said_to_be() {
    let spans = Spans::new();
    let layer = spans
        .layer()
        .peer(|extensions| extensions.get::<&str>()?.parse().ok());
    let service = ServiceBuilder::new()
        .layer(layer)
        .service(service_fn(hello));
    let mut request = Request::new(Body::default());
    request.extensions_mut().insert("192.0.2.7:77");
    let response = service.oneshot(request).await.expect("infallible");
    response.into_body().collect().await.expect("a body");
    let found = attributes(&spans.one().await);
    assert_eq!(
        (&*found["client.address"], &*found["network.peer.port"]),
        ("192.0.2.7", "77")
    );

    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(hello));
    let mut request = Request::new(Body::default());
    request
        .extensions_mut()
        .insert(SocketAddr::from(([192, 0, 2, 8], 78)));
    let response = service.oneshot(request).await.expect("infallible");
    response.into_body().collect().await.expect("a body");
    assert_eq!(
        attributes(&spans.one().await)["client.address"],
        "192.0.2.8"
    );
}

#[test]
fn what_users_hold_is_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    check::<rum_trace_tower::RumTraceLayer>();
    check::<rum_trace_tower::RumTrace<()>>();
    check::<rum_trace_tower::ResponseFuture<std::future::Ready<()>>>();
    check::<rum_trace_tower::ResponseBody<Body>>();
}

#[tokio::test]
async fn what_a_proxy_hands_on_loses_the_rum_member() {
    let spans = Spans::new();
    let proxy = |request: Request<Body>| async move {
        let mut headers = request.headers().clone();
        let cx = opentelemetry::Context::current();
        rum_trace_tower::inject(&cx, Injection::to_third_party(), &mut headers);
        assert!(
            headers["traceparent"]
                .to_str()
                .is_ok_and(|value| value.contains(TRACE))
        );
        assert_eq!(headers.get_all("traceparent").iter().count(), 1);
        assert!(!headers.contains_key("tracestate"), "{headers:?}");
        Ok::<_, Infallible>(Response::new(Body::default()))
    };
    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(proxy));
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM)
        .body(Body::default());
    service
        .oneshot(request.expect("valid"))
        .await
        .expect("infallible");
    spans.one().await;
}

/// A length is declared, and the body ends before it: the client gets an error.
#[tokio::test]
async fn a_body_that_ends_too_soon_did_not_complete() {
    let spans = Spans::new();
    let short = |_: Request<Body>| async {
        let response = Response::builder().header("content-length", "10");
        let response = response.body(Body::from("five!")).expect("valid");
        Ok::<_, Infallible>(response)
    };
    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(short));
    let response = service
        .oneshot(Request::new(Body::default()))
        .await
        .expect("infallible");
    response.into_body().collect().await.expect("five bytes");
    let found = attributes(&spans.one().await);
    assert_eq!(found["error.type"], "response_body_error");
}

/// What a handler does last, when it is given up, belongs to its request.
#[tokio::test]
async fn a_handler_is_dropped_within_its_request() {
    struct Last(std::sync::Arc<std::sync::Mutex<Option<String>>>);
    impl Drop for Last {
        fn drop(&mut self) {
            let session = RumContext::current().session_id().map(str::to_owned);
            *self.0.lock().expect("not poisoned") = session;
        }
    }
    let spans = Spans::new();
    let seen = std::sync::Arc::default();
    let last = std::sync::Arc::clone(&seen);
    let hang = move |_: Request<Body>| {
        let last = Last(std::sync::Arc::clone(&last));
        async move {
            let _last = last;
            std::future::pending::<Result<Response<Body>, Infallible>>().await
        }
    };
    let service = ServiceBuilder::new()
        .layer(spans.layer())
        .service(service_fn(hang));
    let request = Request::get("/")
        .header("tracestate", RUM)
        .body(Body::default())
        .expect("valid");
    let mut response = Box::pin(service.oneshot(request));
    assert!(futures_now(&mut response).is_none(), "it hangs");
    drop(response);
    assert_eq!(
        seen.lock().expect("not poisoned").as_deref(),
        Some("4f04d2f5")
    );
    let found = attributes(&spans.one().await);
    assert_eq!(found["error.type"], "client_disconnected");
}

/// Polls once.
fn futures_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut cx) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
