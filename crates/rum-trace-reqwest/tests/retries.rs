//! Each attempt is a span, with the middleware that services really retry by.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{Jitter, RetryTransientMiddleware};
use rum_trace_reqwest::{RumTraceClientBuilder, UrlTemplate};
use support::{Harness, OWN, RUM, Seen, Server, answer, http, in_time, redirect, text, within};

fn retries(times: u32) -> RetryTransientMiddleware<ExponentialBackoff> {
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(1), Duration::from_millis(2))
        .jitter(Jitter::None)
        .build_with_max_retries(times);
    RetryTransientMiddleware::new_with_policy(policy)
}

/// `/` leads to `/busy`, which fails twice.
async fn busy() -> Server {
    let asked = AtomicU32::new(0);
    Server::start(move |seen: &Seen| match seen.target.as_str() {
        "/" => redirect(302, "/busy"),
        _ if asked.fetch_add(1, Ordering::Relaxed) < 2 => answer(503, "busy"),
        _ => answer(200, "hello"),
    })
    .await
}

#[tokio::test]
async fn each_attempt_is_a_span() {
    let (harness, server) = (Harness::new(), busy().await);
    let client = RumTraceClientBuilder::new(http(server.address), harness.instrumenter.clone())
        .with(retries(3))
        .build()
        .expect("a client");
    let serving = harness.inbound(RUM);
    let request = client
        .get(server.url(OWN, "/busy"))
        .with_extension(UrlTemplate("/busy"));
    let response = within(serving.context(), request.send()).await;
    let body = in_time(response.expect("a response").text()).await;
    assert_eq!(body.expect("a body"), "hello");
    let (spans, seen) = (harness.spans(), server.seen());
    assert_eq!((spans.len(), seen.len()), (3, 3));
    for (attempt, (span, seen)) in spans.iter().zip(&seen).enumerate() {
        let parent = seen.header("traceparent").expect("a parent");
        assert!(parent.contains(&span.span_context.span_id().to_string()));
        assert_eq!(span.parent_span_id, serving.span_context().span_id());
        assert_eq!(span.name, "GET /busy");
        let resends = text(span, "http.request.resend_count");
        assert_eq!(resends, (attempt > 0).then(|| attempt.to_string()));
        let error = text(span, "error.type");
        assert_eq!(error.as_deref(), (attempt < 2).then_some("503"));
    }
}

#[tokio::test]
async fn retries_and_redirects_are_counted_together() {
    let (harness, server) = (Harness::new(), busy().await);
    let client = RumTraceClientBuilder::new(http(server.address), harness.instrumenter.clone())
        .with(retries(3))
        .build()
        .expect("a client");
    let request = client
        .get(server.url(OWN, "/"))
        .with_extension(UrlTemplate("/"));
    drop(in_time(request.send()).await.expect("a response"));
    let spans = harness.spans();
    let told = spans.iter().map(|span| {
        let resends = text(span, "http.request.resend_count");
        let status = text(span, "http.response.status_code").expect("a status");
        (span.name.to_string(), status, resends.unwrap_or_default())
    });
    let expected = [
        ("GET /", "302", ""),
        ("GET", "503", "1"),
        // The retry starts with the first URL.
        ("GET /", "302", "2"),
        ("GET", "503", "3"),
        ("GET /", "302", "4"),
        ("GET", "200", "5"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_retry_inside_of_the_redirects() {
    let (harness, server) = (Harness::new(), busy().await);
    let http = http(server.address).redirect(reqwest::redirect::Policy::none());
    let redirects = rum_trace_reqwest::FollowRedirects::for_client(&http);
    let client = reqwest_middleware::ClientBuilder::new(http.build().expect("a client"))
        .with(redirects)
        .with(retries(3))
        .with(rum_trace_reqwest::RumTraceMiddleware::new(
            harness.instrumenter.clone(),
        ))
        .build();
    drop(
        in_time(client.get(server.url(OWN, "/")).send())
            .await
            .expect("a response"),
    );
    let targets: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets, ["/", "/busy", "/busy", "/busy"]);
    assert_eq!(harness.spans().len(), 4);
}
