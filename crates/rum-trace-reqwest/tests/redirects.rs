//! Each hop is a span, and carries what its host is to have.

mod support;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest_middleware::{ClientWithMiddleware, Error};
use rum_trace_reqwest::{
    FollowRedirects, RedirectError, RumTraceClientBuilder, RumTraceMiddleware, UrlTemplate,
};
use support::{
    Harness, OWN, RUM, STRANGER, Seen, Server, answer, http, in_time, redirect, text, within,
};

/// `/{status}/{host}/{path}` leads there, on the same port.
async fn server() -> Server {
    Server::start(|seen: &Seen| {
        let mut parts = seen.target.splitn(4, '/').skip(1);
        let status = parts.next().and_then(|status| status.parse().ok());
        let (Some(status), Some(host)) = (status, parts.next()) else {
            return answer(200, "hello");
        };
        let path = parts.next().unwrap_or_default();
        let own = seen.header("host").unwrap_or_default();
        let port = own.rsplit(':').next().unwrap_or_default();
        match host {
            "" => redirect(status, &format!("/{path}")),
            host => redirect(status, &format!("http://{host}:{port}/{path}")),
        }
    })
    .await
}

fn trace_headers(seen: &Seen) -> Vec<&'static str> {
    let names = rum_trace_core::Injection::HEADERS.into_iter();
    names.filter(|name| seen.header(name).is_some()).collect()
}

#[tokio::test]
async fn a_stranger_that_a_redirect_leads_to_gets_nothing() {
    let (harness, server) = (Harness::new(), server().await);
    let client = harness.client(server.address);
    let serving = harness.inbound(RUM);
    let back = format!("/302/{STRANGER}/307//302/{OWN}/end");
    let request = client
        .get(server.url(OWN, &back))
        .header("authorization", "Bearer secret")
        .header("cookie", "id=secret")
        .header("proxy-authorization", "secret")
        .header("www-authenticate", "secret")
        .header(
            "host",
            format!("virtual.shop.example:{}", server.address.port()),
        )
        .header("x-other", "kept")
        .with_extension(UrlTemplate("/302/{rest}"));
    let response = within(serving.context(), request.send()).await;
    let response = response.expect("a response");
    assert_eq!(response.url().as_str(), server.url(OWN, "/end"));
    assert_eq!(in_time(response.text()).await.expect("a body"), "hello");

    let (spans, seen) = (harness.spans(), server.seen());
    assert_eq!((spans.len(), seen.len()), (4, 4), "{spans:#?} {seen:#?}");
    let own = vec!["traceparent", "tracestate"];
    let expected = [own.clone(), vec![], vec![], own];
    for (hop, (span, seen)) in spans.iter().zip(&seen).enumerate() {
        assert_eq!(trace_headers(seen), expected[hop], "{hop}");
        assert_eq!(seen.header("x-other"), Some("kept"));
        for secret in [
            "authorization",
            "cookie",
            "proxy-authorization",
            "www-authenticate",
        ] {
            // Gone for good, also at the host that had them.
            assert_eq!(seen.header(secret).is_some(), hop == 0, "{hop} {secret}");
        }
        let is_first = hop == 0;
        let host = seen.header("host").expect("a host");
        assert_eq!(host.starts_with("virtual."), is_first, "{host}");
        assert_eq!(seen.header("referer").is_some(), !is_first);
        assert_eq!(span.parent_span_id, serving.span_context().span_id());
        let resends = text(span, "http.request.resend_count");
        assert_eq!(resends, (!is_first).then(|| hop.to_string()));
        let status = text(span, "http.response.status_code");
        let of_hop = ["302", "307", "302", "200"][hop];
        assert_eq!(status.as_deref(), Some(of_hop));
        assert_eq!(text(span, "url.template").is_some(), is_first);
        assert_eq!(text(span, "error.type"), None);
        if let Some(parent) = seen.header("traceparent") {
            assert!(parent.contains(&span.span_context.span_id().to_string()));
        }
    }
}

/// One span for all hops, but nothing for a stranger.
#[tokio::test]
async fn in_the_wrong_order_nothing_is_given_away() {
    let (harness, server) = (Harness::new(), server().await);
    let http = http(server.address).redirect(reqwest::redirect::Policy::none());
    let redirects = FollowRedirects::for_client(&http);
    let client = reqwest_middleware::ClientBuilder::new(http.build().expect("a client"))
        .with(RumTraceMiddleware::new(harness.instrumenter.clone()))
        .with(redirects)
        .build();
    let serving = harness.inbound(RUM);
    let request = client.get(server.url(OWN, &format!("/302/{STRANGER}/end")));
    drop(
        within(serving.context(), request.send())
            .await
            .expect("a response"),
    );
    let seen = server.seen();
    assert_eq!(trace_headers(&seen[0]), ["traceparent", "tracestate"]);
    assert_eq!(trace_headers(&seen[1]), [""; 0]);
    assert_eq!(harness.spans().len(), 1);
}

#[tokio::test]
async fn methods_and_bodies() {
    let (harness, server) = (Harness::new(), server().await);
    let client = harness.client(server.address);
    // method, status; method and whether the body is sent at the second hop
    let table = [
        ("POST", 301, "GET", false),
        ("POST", 302, "GET", false),
        ("PUT", 302, "PUT", true),
        ("PUT", 303, "GET", false),
        ("POST", 307, "POST", true),
        ("POST", 308, "POST", true),
    ];
    for (method, status, second, sent) in table {
        let method = method.parse().expect("a method");
        let request = client
            .request(method, server.url(OWN, &format!("/{status}//end")))
            .header("content-type", "text/plain")
            .header("authorization", "Bearer secret")
            .body("data");
        drop(in_time(request.send()).await.expect("a response"));
        let seen = server.seen();
        assert_eq!(seen.len(), 2, "{seen:#?}");
        assert_eq!(seen[1].method, second, "{status}");
        assert_eq!(seen[1].body, if sent { &b"data"[..] } else { b"" });
        assert_eq!(seen[1].header("content-type").is_some(), sent, "{status}");
        let length = seen[1].header("content-length");
        assert!(sent || length.is_none_or(|it| it == "0"), "{length:?}");
        // The same origin.
        assert!(seen[1].header("authorization").is_some());
    }
}

#[tokio::test]
async fn a_stream_is_not_sent_twice() {
    let (harness, server) = (Harness::new(), server().await);
    let client = harness.client(server.address);
    // status; where it ends, and how many requests there are
    for (status, end, requests) in [(307, 307, 1), (302, 200, 2), (303, 200, 2)] {
        let stream = reqwest::Body::wrap(http_body_util::Full::new(bytes::Bytes::from("data")));
        let request = client
            .post(server.url(OWN, &format!("/{status}//end")))
            .body(stream);
        let response = in_time(request.send()).await.expect("a response");
        assert_eq!(response.status(), end);
        let seen = server.seen();
        assert_eq!(seen.len(), requests, "{status}");
        assert_eq!(seen[0].body, b"data");
    }
}

fn cause(error: &Error) -> Option<&RedirectError> {
    match error {
        Error::Middleware(error) => error.downcast_ref(),
        _ => None,
    }
}

fn builder(harness: &Harness, server: &Server) -> RumTraceClientBuilder {
    RumTraceClientBuilder::new(http(server.address), harness.instrumenter.clone())
}

#[tokio::test]
async fn a_loop_ends() {
    let server = Server::start(|seen: &Seen| redirect(302, &seen.target)).await;
    let harness = Harness::new();
    for (max, client) in [
        (10, harness.client(server.address)),
        (
            2,
            builder(&harness, &server)
                .max_redirects(2)
                .build()
                .expect("a client"),
        ),
        (
            0,
            builder(&harness, &server)
                .max_redirects(0)
                .build()
                .expect("a client"),
        ),
    ] {
        let error = in_time(client.get(server.url(OWN, "/")).send()).await;
        let error = error.expect_err("too many");
        assert_eq!(cause(&error), Some(&RedirectError::TooMany { max }));
        assert_eq!(error.to_string(), format!("more than {max} redirects"));
        assert_eq!(server.seen().len(), max + 1);
        // The 3xx themselves are no errors.
        let spans = harness.spans();
        assert_eq!(spans.len(), max + 1);
        assert!(spans.iter().all(|span| text(span, "error.type").is_none()));
    }
}

#[tokio::test]
async fn what_is_no_redirect_is_the_answer() {
    let server = Server::start(|seen: &Seen| match seen.target.as_str() {
        "/nowhere" => answer(302, "no Location"),
        "/unreadable" => redirect(302, "http://[::1"),
        "/choice" => redirect(300, "/x"),
        "/ftp" => redirect(302, "ftp://stranger.example/"),
        _ => redirect(302, "/x"),
    })
    .await;
    let harness = Harness::new();
    let client = harness.client(server.address);
    for (path, status) in [("/nowhere", 302), ("/unreadable", 302), ("/choice", 300)] {
        let response = in_time(client.get(server.url(OWN, path)).send()).await;
        let response = response.expect("a response");
        assert_eq!(response.status(), status, "{path}");
        drop(response);
        assert_eq!((server.seen().len(), harness.spans().len()), (1, 1));
    }
    let error = in_time(client.get(server.url(OWN, "/ftp")).send()).await;
    assert_eq!(
        cause(&error.expect_err("ftp")),
        Some(&RedirectError::Scheme)
    );

    server.seen();
    let client = builder(&harness, &server).without_redirects().build();
    let request = client.expect("a client").get(server.url(OWN, "/"));
    let response = in_time(request.send()).await.expect("a response");
    assert_eq!((response.status().as_u16(), server.seen().len()), (302, 1));
}

/// reqwest itself puts these on each request, whoever it is for.
#[tokio::test]
async fn secrets_among_the_default_headers_stay_with_the_first_origin() {
    let (harness, server) = (Harness::new(), server().await);
    let mut defaults = HeaderMap::new();
    defaults.insert(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
    let http = http(server.address).default_headers(defaults);
    let client = rum_trace_reqwest::client(http, harness.instrumenter.clone());
    let client: ClientWithMiddleware = client.expect("a client");
    let path = format!("/302//302/{STRANGER}/302//end");
    drop(
        in_time(client.get(server.url(OWN, &path)).send())
            .await
            .expect("a response"),
    );
    let seen = server.seen();
    let sent: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("authorization"))
        .collect();
    let secret = Some("Bearer secret");
    assert_eq!(sent, [secret, secret, Some(""), Some("")]);
}

#[tokio::test]
async fn without_a_referer() {
    let (harness, server) = (Harness::new(), server().await);
    let client = builder(&harness, &server).referer(false).build();
    let request = client.expect("a client").get(server.url(OWN, "/302//end"));
    drop(in_time(request.send()).await.expect("a response"));
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("referer").is_none())
    );
}

/// As on a client that follows redirects itself. Without it this would go on until
/// the test's patience ends.
#[tokio::test]
async fn a_requests_time_out_is_for_all_hops() {
    let server = Server::start(|seen: &Seen| redirect(302, &seen.target)).await;
    let harness = Harness::new();
    let client = builder(&harness, &server).max_redirects(usize::MAX).build();
    let request = client.expect("a client").get(server.url(OWN, "/"));
    let request = request.timeout(std::time::Duration::from_millis(200));
    let error = in_time(request.send()).await.expect_err("late");
    assert!(error.is_timeout(), "{error:?}");
    let last = harness.spans().pop().expect("a span");
    assert_eq!(text(&last, "error.type").as_deref(), Some("timeout"));
}

/// What reqwest sends where it follows the redirects itself.
#[tokio::test]
async fn it_is_as_reqwest_does_it() {
    let (harness, server) = (Harness::new(), server().await);
    let ours = harness.client(server.address);
    let theirs = ClientWithMiddleware::from(http(server.address).build().expect("a client"));
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE"];
    for method in methods {
        for status in [300, 301, 302, 303, 304, 307, 308] {
            // Not so the secrets at a stranger's second hop: reqwest 0.13.5 sends
            // them again.
            for rest in ["/301//end?x=y", &format!("{STRANGER}/end?x=y")] {
                let path = format!("/{status}/{rest}");
                let request = |client: &ClientWithMiddleware| {
                    let parsed = method.parse().expect("a method");
                    let request = client.request(parsed, server.url("u:p@127.0.0.1", &path));
                    let request = request
                        .header("cookie", "id=secret")
                        .header("content-type", "text/plain");
                    match method {
                        "GET" | "HEAD" => request,
                        _ => request.body("data"),
                    }
                };
                let case = format!("{method} {path}");
                let first = in_time(request(&theirs).send()).await.expect("a response");
                let expected = server.seen();
                let second = in_time(request(&ours).send()).await.expect("a response");
                let mut found = server.seen();
                for seen in &mut found {
                    seen.headers.retain(|name, _| !name.starts_with("trace"));
                }
                assert_eq!(found.len(), expected.len(), "{case}");
                for (hop, (found, expected)) in found.iter().zip(expected).enumerate() {
                    assert_eq!(*found, expected, "{case}, request {hop}");
                }
                assert_eq!(second.status(), first.status(), "{case}");
                assert_eq!(second.url(), first.url(), "{case}");
            }
        }
    }
}
