//! The gateway between a phone and a service.

mod support;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Empty};
use hyper::body::Frame;
use rum_trace::opentelemetry::trace::SpanKind;
use rum_trace::tower::RumTraceLayer;
use rum_trace::{IdPolicy, Instrumenter, Privacy, RumContext};
use rum_trace_testing::{Phone, SpanView};
use support::{Running, Upstream, client, in_time, text};
use tokio::net::{TcpListener, TcpSocket};

/// Answers with the headers that it got, a line each.
async fn echo(headers: HeaderMap) -> String {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}\n", value.to_str().expect("text"))
    };
    headers.iter().map(line).collect()
}

fn spans_of<'a>(spans: &'a [SpanView], kind: &SpanKind) -> &'a SpanView {
    let mut spans = spans.iter().filter(|span| span.kind() == *kind);
    let span = spans.next().expect("a span of this kind");
    assert!(spans.next().is_none());
    span
}

#[tokio::test]
async fn one_trace_from_the_tap_to_the_service() {
    for phone in [Phone::browser(), Phone::android(), Phone::browser().sw8()] {
        // The service is instrumented too, with the same collector.
        let collector = rum_trace_testing::Collector::new();
        let instrumenter = Instrumenter::builder()
            .tracer_provider(&collector.tracer_provider())
            .build()
            .expect("settings are right");
        let app = Router::new()
            .fallback(|| async {
                RumContext::current()
                    .session_id()
                    .unwrap_or("nobody")
                    .to_owned()
            })
            .layer(RumTraceLayer::new(instrumenter));
        let upstream = Upstream::start(app).await;
        let gateway = Running::to(&upstream.url()).await;
        let tap = phone.tap("GET", "/items/42");
        let seen = text(gateway.tap(&tap).await).await;
        // SkyWalking's header has no place for a session.
        assert_eq!(seen, tap.session_id().unwrap_or("nobody"));
        let spans = gateway.collector.wait_for_async(2).await;
        let call = spans_of(&spans, &SpanKind::Client);
        let served = spans_of(&spans, &SpanKind::Server);
        assert_eq!(call.parent_span_id(), Some(served.span_id()));
        gateway.collector.assert_continues(&tap);
        let behind = collector.wait_for_async(1).await;
        assert_eq!(behind[0].parent_span_id(), Some(call.span_id()));
        assert_eq!(behind[0].trace_id(), call.trace_id());
        gateway.close().await;
    }
}

#[tokio::test]
async fn a_stranger_behind_the_gateway_learns_nothing_of_the_phone() {
    let upstream = Upstream::start(Router::new().fallback(echo)).await;
    let patience = Duration::from_secs(20);
    let gateway = Running::with(&upstream.url(), patience, |builder| {
        builder.internal_hosts_are_own(false)
    })
    .await;
    let tap = Phone::browser().tap("GET", "/");
    let headers = text(gateway.tap(&tap).await).await;
    for name in ["traceparent", "tracestate", "baggage", "sw8"] {
        assert!(!headers.contains(&format!("\n{name}")), "{headers}");
    }
    assert!(headers.contains("via: 1.1 gateway\n"), "{headers}");
    assert!(
        headers.contains("x-forwarded-for: 127.0.0.1\n"),
        "{headers}"
    );
    gateway.close().await;
}

#[tokio::test]
async fn the_phones_own_headers_end_at_a_gateway_that_hides_its_user() {
    let upstream = Upstream::start(Router::new().fallback(echo)).await;
    let gateway = Running::with(&upstream.url(), Duration::from_secs(20), |builder| {
        let privacy = Privacy::keep_all().user_id(IdPolicy::Hash);
        builder.privacy(privacy.session_id(IdPolicy::Drop).hash_key([7; 32]))
    })
    .await;
    let phone = Phone::browser()
        .app_id("shop@1f")
        .session_id("tap-1")
        .user_id("zoe-1");
    let tap = phone.with_baggage().tap("GET", "/");
    let headers = text(gateway.tap(&tap).await).await;
    let hashed = "tracestate: rum=v2&browser&shop@1f&&hmac-";
    assert!(headers.contains(hashed), "{headers}");
    for raw in ["tap-1", "zoe-1"] {
        assert!(!headers.contains(raw), "{headers}");
    }
    gateway.close().await;
}

#[tokio::test]
async fn bodies_go_both_ways_as_they_come() {
    // What comes in goes out, chunk by chunk.
    let app = Router::new().fallback(|body: Body| async move { body });
    let upstream = Upstream::start(app).await;
    let gateway = Running::to(&upstream.url()).await;
    let tap = Phone::browser().tap("POST", "/");
    let (mut up, body) = Channel::<Bytes>::new(1);
    let request = gateway
        .request(&tap, "/")
        .body(body.boxed())
        .expect("a request");
    let answer = in_time(client().request(request)).await.expect("a head");
    let mut down = answer.into_body();
    for chunk in ["first", "second", "third"] {
        in_time(up.send_data(Bytes::from(chunk)))
            .await
            .expect("sent");
        // Before the next one is on its way.
        let frame = in_time(down.frame()).await.expect("a frame").expect("data");
        assert_eq!(frame.into_data().expect("data"), chunk);
        assert!(gateway.collector.spans().is_empty(), "it goes on");
    }
    drop(up);
    assert!(in_time(down.frame()).await.is_none());
    gateway.collector.wait_for_async(2).await;
    gateway.close().await;
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let app = Router::new().fallback(|body: Body| async move {
        let body = body.collect().await.expect("a body");
        let came = body
            .trailers()
            .and_then(|trailers| trailers.get("checksum"))
            .cloned();
        let trailers =
            came.map(|came| HeaderMap::from_iter([("checksum".parse().expect("a name"), came)]));
        // Of a length that nobody knows: trailers come after chunks.
        let chunk = futures_util::stream::iter([Ok::<_, std::io::Error>("answer")]);
        let body = Body::from_stream(chunk).with_trailers(async move { trailers.map(Ok) });
        ([("trailer", "checksum")], Body::new(body))
    });
    let upstream = Upstream::start(app).await;
    let gateway = Running::to(&upstream.url()).await;
    let tap = Phone::browser().tap("POST", "/");
    let (mut up, body) = Channel::<Bytes>::new(2);
    let request = gateway
        .request(&tap, "/")
        .header("te", "trailers")
        .header("trailer", "checksum");
    let request = request.body(body.boxed()).expect("a request");
    up.send(Frame::data(Bytes::from("question")))
        .await
        .expect("sent");
    let trailers = HeaderMap::from_iter([(
        "checksum".parse().expect("a name"),
        "42".parse().expect("a value"),
    )]);
    up.send(Frame::trailers(trailers)).await.expect("sent");
    drop(up);
    let answer = in_time(client().request(request)).await.expect("a head");
    let body = in_time(answer.into_body().collect()).await.expect("a body");
    let checksum = body
        .trailers()
        .and_then(|trailers| trailers.get("checksum"));
    assert_eq!(checksum.expect("a trailer"), "42");
    gateway.close().await;
}

#[tokio::test]
async fn an_upstream_that_is_not_there_or_does_not_answer() {
    // A port that is taken, and on which nobody listens.
    let nobody = TcpSocket::new_v4().expect("a socket");
    nobody
        .bind(([127, 0, 0, 1], 0).into())
        .expect("a free port");
    let nowhere = format!("http://{}", nobody.local_addr().expect("an address"));
    // One that takes connections and does not speak.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let silence = format!("http://{}", silent.local_addr().expect("an address"));
    let table = [
        (
            nowhere,
            StatusCode::BAD_GATEWAY,
            "connection_refused",
            "502",
        ),
        (silence, StatusCode::GATEWAY_TIMEOUT, "timeout", "504"),
    ];
    for (upstream, status, error, served_error) in table {
        let gateway = Running::with(&upstream, Duration::from_millis(100), |builder| builder).await;
        let tap = Phone::browser().tap("GET", "/");
        let answer = gateway.tap(&tap).await;
        assert_eq!(answer.status(), status);
        // Nothing of the inside.
        assert_eq!(
            text(answer).await,
            status.canonical_reason().expect("a reason")
        );
        let spans = gateway.collector.wait_for_async(2).await;
        spans_of(&spans, &SpanKind::Client).assert_attribute("error.type", error);
        spans_of(&spans, &SpanKind::Server).assert_attribute("error.type", served_error);
        gateway.close().await;
    }
}

#[tokio::test]
async fn a_client_that_goes_ends_the_call_too() {
    let (never, body) = tokio::sync::mpsc::channel::<Bytes>(1);
    let body = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let app = Router::new().fallback(move || {
        let mut body = body.lock().expect("a lock").take().expect("one request");
        let chunks = futures_util::stream::poll_fn(move |cx| body.poll_recv(cx));
        let chunks = futures_util::StreamExt::map(chunks, Ok::<_, std::convert::Infallible>);
        async move { Body::from_stream(chunks) }
    });
    let upstream = Upstream::start(app).await;
    let gateway = Running::to(&upstream.url()).await;
    never.send(Bytes::from("first")).await.expect("sent");
    let tap = Phone::browser().tap("GET", "/");
    let request = gateway
        .request(&tap, "/")
        .body(Empty::new().boxed())
        .expect("a request");
    let client = client();
    let answer = in_time(client.request(request)).await.expect("a head");
    let mut down = answer.into_body();
    in_time(down.frame()).await.expect("a frame").expect("data");
    assert!(gateway.collector.spans().is_empty(), "it goes on");
    drop((down, client));
    let spans = gateway.collector.wait_for_async(2).await;
    let gone = "client_disconnected_in_body";
    spans_of(&spans, &SpanKind::Server).assert_attribute("error.type", gone);
    spans_of(&spans, &SpanKind::Client).assert_attribute("error.type", "cancelled");
    in_time(never.closed()).await;
    gateway.close().await;
}

#[tokio::test]
async fn a_tunnel_is_refused_and_the_target_does_not_choose_the_upstream() {
    let upstream = Upstream::start(Router::new().fallback(echo)).await;
    let gateway = Running::to(&upstream.url()).await;
    for (request, status) in [
        (
            "CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n",
            "501",
        ),
        (
            "GET http://evil.example/x HTTP/1.1\r\nhost: evil.example\r\n",
            "200",
        ),
        ("OPTIONS * HTTP/1.1\r\nhost: shop.example\r\n", "200"),
    ] {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let stream = tokio::net::TcpStream::connect(gateway.address).await;
        let mut stream = stream.expect("connected");
        let request = format!("{request}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        in_time(stream.read_to_string(&mut answer))
            .await
            .expect("read");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    gateway.close().await;
}
