//! What a CLIENT span says, whose child it is, and where there is none.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{self, Poll};

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use awc::{Client, ws};
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use rum_trace_actix::RumTraceClient;
use rum_trace_core::{ActiveRequest, Instrumenter, RequestInfo};
use tokio::sync::mpsc;

use crate::peer::*;
use crate::support::*;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[actix_web::test]
async fn a_call_is_described_by_the_conventions() {
    let spans = Spans::new();
    let client = client(&spans);
    // method, URL, answer; name, url.full, server.address, server.port, status, error.type
    let table = [
        (
            "GET",
            "http://stock.internal:8080/items/42?q=1",
            OK,
            "GET",
            "http://stock.internal:8080/items/42?q=1",
            "stock.internal",
            "8080",
            "200",
            None,
        ),
        (
            "POST",
            "http://user:pw@pay.example/charge?sig=abc&a=b",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "POST",
            "http://REDACTED:REDACTED@pay.example/charge?sig=REDACTED&a=b",
            "pay.example",
            "80",
            "404",
            Some("404"),
        ),
        (
            "BREW",
            "http://[::1]/pot",
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno",
            "HTTP",
            "http://[::1]/pot",
            "::1",
            "80",
            "503",
            Some("503"),
        ),
    ];
    for (method, url, answer, name, full, address, port, status, error) in table {
        let peer = Peer::saying(answer).await;
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        // Wherever the URL points to, the peer is called.
        let request = client.request(method, url).address(peer.address);
        let span = call(&spans, request).await;
        let found = attributes(&span);
        let text = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(span.name, name);
        assert_eq!(span.span_kind, SpanKind::Client);
        assert_eq!(text("url.full"), Some(full));
        assert_eq!(text("server.address"), Some(address));
        assert_eq!(text("server.port"), Some(port));
        assert_eq!(text("http.response.status_code"), Some(status));
        assert_eq!(text("network.protocol.version"), Some("1.1"));
        assert_eq!(text("network.peer.address"), Some("127.0.0.1"));
        let port = peer.address.port().to_string();
        assert_eq!(text("network.peer.port"), Some(&*port));
        assert_eq!(text("http.request.resend_count"), None);
        assert_eq!(text("error.type"), error, "{url}");
        assert!(text("rum.response.time_to_first_byte").is_some());
        assert_eq!(span.status == Status::error(""), error.is_some());
    }
}

/// A service that is called, and calls.
fn calling(
    spans: &Spans,
    backend: String,
    calls: impl Fn() -> Client + Send + Clone + 'static,
) -> Server {
    Server::start(spans.trace(), move |config| {
        let handler = |client: web::Data<Client>, backend: web::Data<String>| async move {
            let mut response = client
                .get(backend.as_str())
                .send()
                .await
                .expect("a response");
            response.body().await.expect("a body")
        };
        config
            .app_data(web::Data::new(calls()))
            .app_data(web::Data::new(backend.clone()))
            .route("/checkout", web::get().to(handler));
    })
}

#[actix_web::test]
async fn a_handlers_call_is_the_child_of_its_request() {
    let (spans, peer) = (Spans::new(), Peer::saying(OK).await);
    let own = spans.clone();
    let server = calling(&spans, peer.url("/items"), move || client(&own));
    let headers = [
        &*format!("traceparent: {TRACEPARENT}"),
        &*format!("tracestate: {RUM}"),
        "baggage: shop=7",
    ];
    let answer = server.request("GET", "/checkout", &headers).await;
    assert!(answer.ends_with("ok"), "{answer}");

    let ended = spans.wait_for(2).await;
    let (call, request) = (&ended[0], &ended[1]);
    assert_eq!(call.span_kind, SpanKind::Client);
    assert_eq!(call.parent_span_id, request.span_context.span_id());
    assert_eq!(request.span_context.trace_id().to_string(), TRACE);
    assert_eq!(call.span_context.trace_id().to_string(), TRACE);
    let heads = peer.heads();
    let span_id = call.span_context.span_id();
    let parent = format!("00-{TRACE}-{span_id}-01");
    assert_eq!(header(&heads[0], "traceparent"), Some(&*parent));
    assert_eq!(header(&heads[0], "tracestate"), Some(RUM));
    assert_eq!(header(&heads[0], "baggage"), Some("shop=7"));
}

struct Inbound<'a>(&'a [(&'a str, &'a str)]);

impl RequestInfo for Inbound<'_> {
    fn method(&self) -> &str {
        "GET"
    }
    fn path(&self) -> &str {
        "/checkout"
    }
    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in self.0 {
            visit(name, value.as_bytes());
        }
    }
}

/// A request that is being handled: its context is current until the guard is dropped.
pub(crate) fn inbound(spans: &Spans, headers: &[(&str, &str)]) -> (ActiveRequest, ContextGuard) {
    let builder = Instrumenter::builder().tracer_provider(spans.provider());
    let instrumenter = builder.build().expect("settings are right");
    let request = instrumenter.start(&Inbound(headers));
    let guard = request.context().clone().attach();
    (request, guard)
}

#[actix_web::test]
async fn the_trace_goes_on_in_the_protocol_of_the_host() {
    let spans = Spans::new();
    let peer = Peer::saying(OK).await;
    let client = client_with(&spans, |builder| {
        builder.protocol_to("127.0.0.1", rum_trace_core::TraceProtocol::Sw8)
    });
    let (_request, guard) = inbound(&spans, &[("traceparent", TRACEPARENT)]);
    let url = peer.url("/").replace("http://", "http://user:secret@");
    let span = call(&spans, client.get(url)).await;
    drop(guard);
    let heads = peer.heads();
    assert_eq!(header(&heads[0], "traceparent"), None);
    let sw8 = header(&heads[0], "sw8").expect("sw8");
    // The address that is called, without credentials, is its last part.
    let address = sw8.rsplit('-').next().expect("parts");
    assert_eq!(address, base64(&peer.address.to_string()));
    assert_eq!(span.span_context.trace_id().to_string(), TRACE);
}

/// RFC 4648, with padding.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            let is_there = digit <= group.len();
            encoded.push(if is_there {
                char::from(DIGITS[value as usize])
            } else {
                '='
            });
        }
    }
    encoded
}

#[actix_web::test]
async fn an_unsampled_trace_goes_on_unsampled() {
    let peer = Peer::saying(OK).await;
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOff)
        .build();
    let builder = Instrumenter::builder().tracer_provider(&provider);
    let trace = RumTraceClient::from_builder(builder).expect("settings are right");
    let client = Client::builder().wrap(trace).finish();
    let mut response = client.get(peer.url("/")).send().await.expect("a response");
    assert_eq!(response.body().await.expect("a body"), "ok");
    let heads = peer.heads();
    let parent = header(&heads[0], "traceparent").expect("a trace");
    assert!(parent.ends_with("-00"), "{parent}");
}

#[actix_web::test]
async fn nothing_is_traced_where_telemetry_is_suppressed() {
    let (spans, peer) = (Spans::new(), Peer::saying(OK).await);
    let client = client(&spans);
    let (request, guard) = inbound(&spans, &[("traceparent", TRACEPARENT)]);
    let sent = {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        client.get(peer.url("/")).send()
    };
    let mut response = sent.await.expect("a response");
    assert_eq!(response.body().await.expect("a body"), "ok");
    assert_eq!(header(&peer.heads()[0], "traceparent"), None);
    drop((request, guard));
    // That of the request only.
    let span = spans.one().await;
    assert_eq!(span.span_kind, SpanKind::Server);
}

/// A request's body, read while awc sends it: it tells which span is active when it is
/// read, and when it is dropped.
struct Telling(mpsc::UnboundedSender<SpanId>);

impl Telling {
    fn tell(&self) {
        let id = Context::map_current(|cx| cx.span().span_context().span_id());
        self.0.send(id).expect("the test listens");
    }
}

impl futures_core::Stream for Telling {
    type Item = std::io::Result<web::Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        self.tell();
        Poll::Pending // the rest never comes
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.tell();
    }
}

#[actix_web::test]
async fn what_runs_within_a_call_is_its_child() {
    let (spans, peer) = (Spans::new(), Peer::saying(OK).await);
    let (sender, mut active) = mpsc::unbounded_channel();
    let request = client(&spans).post(peer.url("/"));
    let mut sent = request.send_stream(Telling(sender));
    let read = tokio::select! {
        _ = &mut sent => panic!("the request is not whole"),
        read = in_time(active.recv()) => read,
    };
    while active.try_recv().is_ok() {}
    drop(sent);
    let dropped = active.recv().await;
    let id = spans.one().await.span_context.span_id();
    assert_eq!((read, dropped), (Some(id), Some(id)));
}

#[actix_web::test]
async fn a_websocket_ends_its_span_at_the_101() {
    async fn echo(request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
        let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
        rt::spawn(async move {
            while let Some(Ok(message)) = messages.recv().await {
                if let actix_ws::Message::Text(text) = message {
                    session.text(text).await.expect("the client reads");
                }
            }
        });
        Ok(response)
    }
    let (spans, of_server) = (Spans::new(), Spans::new());
    let server = Server::start(of_server.trace(), |config| {
        config.route("/ws", web::get().to(echo));
    });
    let url = format!("ws://{}/ws", server.address);
    let connected = in_time(client(&spans).ws(&url).connect()).await;
    let (response, connection) = connected.expect("a connection");
    assert_eq!(response.status(), 101);
    let span = spans.one().await;
    assert_eq!(
        text(&span, "http.response.status_code").as_deref(),
        Some("101")
    );
    assert_eq!(text(&span, "url.full"), Some(url));
    assert_eq!(text(&span, "error.type"), None);
    let served = of_server.one().await;
    assert_eq!(served.parent_span_id, span.span_context.span_id());

    // The connection goes on after that.
    let mut connection = pin!(connection);
    let hey = ws::Message::Text("hey".into());
    connection.as_mut().write(hey).expect("written");
    let flushed = poll_fn(|cx| connection.as_mut().flush::<ws::Message>(cx));
    in_time(flushed).await.expect("sent");
    let frame = in_time(poll_fn(|cx| connection.as_mut().next_item(cx))).await;
    let frame = frame.expect("a frame").expect("a good frame");
    assert_eq!(frame, ws::Frame::Text("hey".into()));

    let refused = in_time(
        client(&spans)
            .ws(format!("ws://{}/none", server.address))
            .connect(),
    );
    assert!(refused.await.is_err());
    let span = spans.one().await;
    assert_eq!(text(&span, "error.type").as_deref(), Some("404"));
}

#[actix_web::test]
async fn calls_are_counted_by_their_instrumenter() {
    let (spans, peer) = (Spans::new(), Peer::saying(OK).await);
    let builder = Instrumenter::builder().tracer_provider(spans.provider());
    let instrumenter = builder.build().expect("settings are right");
    let client = Client::builder()
        .wrap(RumTraceClient::new(instrumenter.clone()))
        .finish();
    call(&spans, client.get(peer.url("/"))).await;
    let stats = instrumenter.stats();
    assert_eq!((stats.calls_traced, stats.calls_untraced), (1, 0));
}
