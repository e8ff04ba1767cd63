//! Retries and redirects: a span for each attempt.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::http::StatusCode;
use http::Request;
use http_body_util::Empty;
use opentelemetry::trace::Status;
use rum_trace_tower::client::RumTraceClientLayer;
use tower::ServiceBuilder;
use tower::retry::{Policy, RetryLayer};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::support::{RUM, Server, Spans};
use crate::wire::*;

#[tokio::test]
async fn each_redirect_is_a_call_and_strangers_learn_nothing() {
    let stranger = echo_server().await;
    // The same machine by another name, which is not named as one's own.
    let elsewhere = format!("http://localhost:{}/elsewhere", stranger.address.port());
    let app = Router::new()
        .route(
            "/first",
            axum::routing::get(|| async { redirect("/second") }),
        )
        .route(
            "/second",
            axum::routing::get(move || async move { redirect(&elsewhere) }),
        );
    let own = Server::start(app).await;
    let spans = Spans::new();
    let instrumenter = instrumenter(&spans, |builder| {
        builder.internal_hosts_are_own(false).own_host("127.0.0.1")
    });
    let client = ServiceBuilder::new()
        .map_err(BoxError::from)
        .layer(FollowRedirectLayer::new())
        .layer(RumTraceClientLayer::new(instrumenter.clone()))
        .service(hyper());
    let request = Request::get(format!("http://{}/first", own.address));
    let request = request.body(Empty::new()).expect("a request");
    let answer = within(&instrumenter, client, request)
        .await
        .expect("an answer");
    let headers = text(answer.map(|body| body)).await;
    assert!(
        !headers.contains("trace") && !headers.contains(RUM),
        "{headers}"
    );
    let ended = spans.wait_for(4).await;
    let calls: Vec<_> = ended.iter().filter(|span| is_client(span)).collect();
    let told: Vec<_> = calls
        .iter()
        .map(|span| {
            let status = attribute(span, "http.response.status_code").expect("a status");
            (attribute(span, "server.address").expect("a host"), status)
        })
        .collect();
    let expected = [
        ("127.0.0.1", "302"),
        ("127.0.0.1", "302"),
        ("localhost", "200"),
    ];
    assert_eq!(
        told,
        expected.map(|(host, status)| (host.to_owned(), status.to_owned()))
    );
    let parent = ended
        .iter()
        .find(|span| !is_client(span))
        .expect("the request");
    for call in calls {
        assert_eq!(call.parent_span_id, parent.span_context.span_id());
    }
}

fn redirect(to: &str) -> (StatusCode, [(&'static str, String); 1]) {
    (StatusCode::FOUND, [("location", to.to_owned())])
}

#[derive(Clone)]
struct UntilItWorks;

impl<R> Policy<Request<Empty<bytes::Bytes>>, http::Response<R>, BoxError> for UntilItWorks {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Empty<bytes::Bytes>>,
        result: &mut Result<http::Response<R>, BoxError>,
    ) -> Option<Self::Future> {
        let failed = result.as_ref().is_ok_and(|answer| answer.status() == 503);
        failed.then(|| ready(()))
    }

    fn clone_request(
        &mut self,
        request: &Request<Empty<bytes::Bytes>>,
    ) -> Option<Request<Empty<bytes::Bytes>>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn each_retry_is_a_call() {
    let seen = Arc::new(AtomicU32::new(0));
    let app = Router::new().fallback(move |headers: axum::http::HeaderMap| {
        let attempt = seen.fetch_add(1, Ordering::SeqCst);
        async move {
            match attempt {
                0 | 1 => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
                _ => (StatusCode::OK, echo(headers).await),
            }
        }
    });
    let server = Server::start(app).await;
    let spans = Spans::new();
    let instrumenter = instrumenter(&spans, |builder| builder);
    let client = ServiceBuilder::new()
        .layer(RetryLayer::new(UntilItWorks))
        .layer(RumTraceClientLayer::new(instrumenter.clone()))
        .service(hyper());
    let request = Request::get(format!("http://{}/", server.address));
    let request = request.body(Empty::new()).expect("a request");
    let answer = within(&instrumenter, client, request)
        .await
        .expect("an answer");
    let headers = text(answer).await;
    let ended = spans.wait_for(4).await;
    let calls: Vec<_> = ended.iter().filter(|span| is_client(span)).collect();
    let statuses: Vec<_> = calls
        .iter()
        .map(|span| attribute(span, "http.response.status_code").expect("a status"))
        .collect();
    assert_eq!(statuses, ["503", "503", "200"]);
    assert!(matches!(calls[0].status, Status::Error { .. }));
    // Each attempt carried its own span.
    let last = calls[2].span_context.span_id().to_string();
    assert!(headers.contains(&last), "{headers}");
    assert!(headers.matches("traceparent").count() == 1, "{headers}");
}
