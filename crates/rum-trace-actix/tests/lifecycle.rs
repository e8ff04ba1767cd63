//! When a span ends, and what it says then: over real sockets.

mod support;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Service;
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, rt, test, web};
use opentelemetry::trace::Status;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Chunks, and then nothing more, not even the end: whoever has read as much
/// as was declared has read it all.
struct Unending {
    chunks: std::slice::Iter<'static, &'static str>,
    size: BodySize,
}

impl MessageBody for Unending {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        match self.chunks.next() {
            Some(chunk) => Poll::Ready(Some(Ok(Bytes::from_static(chunk.as_bytes())))),
            None => Poll::Pending,
        }
    }
}

fn unending(size: BodySize) -> Unending {
    Unending {
        chunks: ["one ", "two ", "three"].iter(),
        size,
    }
}

fn services(config: &mut ServiceConfig) {
    let streamed = || async { HttpResponse::Ok().streaming(chunks(["one ", "two ", "three"])) };
    let declared = || async {
        let mut response = HttpResponse::Ok();
        response.no_chunking(13);
        response.streaming(chunks(["one ", "two ", "three"]))
    };
    let empty = || async { HttpResponse::Ok().streaming(chunks([])) };
    let known = || async { HttpResponse::Ok().body(unending(BodySize::Sized(13))) };
    let declared_unending = || async {
        let mut response = HttpResponse::Ok();
        response.no_chunking(13);
        response.body(unending(BodySize::Stream))
    };
    // What no client is sent, and so nobody needs to come to the end of.
    let unread = |status: StatusCode| async move {
        HttpResponse::build(status).body(unending(BodySize::Sized(14)))
    };
    config
        .route("/text", web::to(|| async { "text" }))
        .route("/streamed", web::to(streamed))
        .route("/declared", web::to(declared))
        .route("/empty-text", web::to(|| async { "" }))
        .route("/empty-stream", web::to(empty))
        .route("/known", web::to(known))
        .route("/declared-unending", web::to(declared_unending))
        .route("/no-content", web::to(HttpResponse::NoContent))
        .route("/ok-unread", web::to(move || unread(StatusCode::OK)))
        .route(
            "/204-unread",
            web::to(move || unread(StatusCode::NO_CONTENT)),
        )
        .route(
            "/205-unread",
            web::to(move || unread(StatusCode::RESET_CONTENT)),
        )
        .route(
            "/304-unread",
            web::to(move || unread(StatusCode::NOT_MODIFIED)),
        )
        .route("/fails", web::to(HttpResponse::InternalServerError))
        .default_service(web::to(|request: HttpRequest| async move {
            match *request.method() {
                Method::CONNECT => HttpResponse::Ok().body(unending(BodySize::Stream)),
                _ => HttpResponse::NotFound().finish(),
            }
        }));
}

#[actix_web::test]
async fn each_response_ends_its_span_once() {
    let table = [
        ("GET", "/text", "200", "text"),
        ("HEAD", "/text", "200", ""),
        ("GET", "/streamed", "200", "5\r\nthree\r\n0\r\n\r\n"),
        ("HEAD", "/streamed", "200", ""),
        ("GET", "/declared", "200", "one two three"),
        ("HEAD", "/declared", "200", ""),
        ("GET", "/empty-text", "200", ""),
        ("GET", "/empty-stream", "200", "0\r\n\r\n"),
        ("GET", "/no-content", "204", ""),
        ("GET", "/fails", "500", ""),
        ("HEAD", "/fails", "500", ""),
        ("GET", "/none", "404", ""),
    ];
    let spans = Spans::new();
    let server = Server::start(spans.trace(), services);
    for (method, path, status, body) in table {
        let response = server.request(method, path, &[]).await;
        let ends = response.ends_with(&format!("\r\n\r\n{body}")) || response.ends_with(body);
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")) && ends,
            "{method} {path}: {response}"
        );
        let span = spans.one().await;
        let found = attributes(&span);
        assert_eq!(
            found["http.response.status_code"], status,
            "{method} {path}"
        );
        let failed = (status == "500").then_some("500");
        let error_type = found.get("error.type").map(String::as_str);
        assert_eq!(error_type, failed, "{method} {path}");
        let expected = failed.map_or(Status::Unset, |_| Status::error(""));
        assert_eq!(span.status, expected, "{method} {path}");
    }
}

/// Opens a connection, sends a request, and reads until `seen` has come.
async fn ask(server: &Server, request: &str, seen: &str) -> TcpStream {
    let mut stream = server.connect().await;
    stream.write_all(request.as_bytes()).await.expect("sent");
    read_until(&mut stream, seen).await;
    stream
}

async fn read_until(stream: &mut TcpStream, seen: &str) -> Vec<u8> {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(seen) {
            let more = stream.read_buf(&mut read).await.expect("read");
            assert_ne!(more, 0, "closed after {:?}", String::from_utf8_lossy(&read));
        }
    };
    rt::time::timeout(PATIENCE, reading).await.expect("in time");
    read
}

#[actix_web::test]
async fn a_response_is_complete_when_the_client_has_it() {
    const HEAD: &str = "\r\n\r\n";
    // The last declared byte, or the head where no body goes out. The body
    // itself is never at its end, and the connection is open all the while.
    let table = [
        ("GET /known", "one two three", "200"),
        ("GET /declared-unending", "one two three", "200"),
        ("HEAD /ok-unread", HEAD, "200"),
        ("GET /204-unread", HEAD, "204"),
        ("GET /205-unread", HEAD, "205"),
        ("GET /304-unread", HEAD, "304"),
        ("CONNECT shop.example:443", HEAD, "200"),
    ];
    let spans = Spans::new();
    let server = Server::start(spans.trace(), services);
    for (target, seen, status) in table {
        let request = format!("{target} HTTP/1.1\r\nhost: h\r\n\r\n");
        let stream = ask(&server, &request, seen).await;
        let found = attributes(&spans.one().await);
        assert_eq!(found["http.response.status_code"], status, "{target}");
        assert_eq!(found.get("error.type"), None, "{target}");
        drop(stream);
    }
}

#[actix_web::test]
async fn a_span_is_open_until_the_last_byte() {
    let spans = Spans::new();
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<&'static str>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let handler = move || {
        let mut receiver = receiver.lock().expect("no panic").take().expect("once");
        let stream = FromFn(move |cx: &mut Context<'_>| {
            let chunk = std::task::ready!(receiver.poll_recv(cx));
            Poll::Ready(
                chunk.map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes()))),
            )
        });
        async move { HttpResponse::Ok().streaming(stream) }
    };
    let server = Server::start(spans.trace(), move |config| {
        config.route("/", web::to(handler.clone()));
    });
    sender.send("first").expect("the handler is there");
    let request = "GET / HTTP/1.1\r\nhost: h\r\n\r\n";
    let mut stream = ask(&server, request, "first").await;
    assert!(spans.all().is_empty(), "it has ended in the middle");
    sender.send("second").expect("the handler is there");
    read_until(&mut stream, "second").await;
    assert!(spans.all().is_empty(), "it has ended before the end");
    drop(sender);
    read_until(&mut stream, "0\r\n\r\n").await;
    assert_eq!(attributes(&spans.one().await).get("error.type"), None);
}

/// A stream of what a function gives.
struct FromFn<F>(F);

impl<F, T> futures_core::Stream for FromFn<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<T>> + Unpin,
{
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        (self.0)(cx)
    }
}

#[actix_web::test]
async fn a_body_that_fails_is_told_apart() {
    let spans = Spans::new();
    let handler = || async {
        let chunks = [
            Ok(Bytes::from_static(b"one")),
            Err(std::io::Error::other("broken")),
        ];
        HttpResponse::Ok().streaming(Items(chunks.into_iter()))
    };
    let server = Server::start(spans.trace(), move |config| {
        config.route("/", web::to(handler));
    });
    server.request("GET", "/", &[]).await;
    let span = spans.one().await;
    let found = attributes(&span);
    assert_eq!(found["error.type"], "response_body_error");
    assert_eq!(found["http.response.status_code"], "200");
    assert_eq!(found["http.route"], "/");
    assert_eq!(span.status, Status::error(""));
}

#[actix_web::test]
async fn a_client_that_goes_away_is_told_apart() {
    let never = |started: HttpRequest| async move {
        drop(started);
        std::future::pending::<&'static str>().await
    };
    let endless = || async {
        let chunk = || Some(Ok::<_, Infallible>(Bytes::from(vec![b'x'; 65_536])));
        HttpResponse::Ok().streaming(Items(std::iter::from_fn(chunk)))
    };
    let stuck = || async { HttpResponse::Ok().body(unending(BodySize::Sized(14))) };
    let spans = Spans::new();
    let server = Server::start(spans.trace(), move |config| {
        config
            .route("/never", web::to(never))
            .route("/endless", web::to(endless))
            .route("/stuck", web::to(stuck));
    });
    let table = [
        // The handler is called before this goes out.
        ("/never", "100 Continue", None, "client_disconnected"),
        (
            "/endless",
            "xxx",
            Some("200"),
            "client_disconnected_in_body",
        ),
        (
            "/stuck",
            "three",
            Some("200"),
            "client_disconnected_in_body",
        ),
    ];
    for (path, seen, status, error_type) in table {
        let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\n\r\n");
        drop(ask(&server, &request, seen).await);
        let span = spans.one().await;
        let found = attributes(&span);
        assert_eq!(found["error.type"], error_type, "{path}");
        let found_status = found.get("http.response.status_code").map(String::as_str);
        assert_eq!(found_status, status, "{path}");
        assert_eq!(found["http.route"], path);
        assert_eq!(span.status, Status::error(""), "{path}");
    }
}

#[actix_web::test]
async fn a_panic_is_told_apart() {
    let handler = || async {
        if true {
            panic!("in the handler");
        }
        "never"
    };
    let spans = Spans::new();
    let server = Server::start(spans.trace(), move |config| {
        config.route("/", web::to(handler));
    });
    server.request("GET", "/", &[]).await;
    let span = spans.one().await;
    assert_eq!(attributes(&span)["error.type"], "panic");
    assert_eq!(span.status, Status::error(""));
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
    let spans = Spans::new();
    let server = Server::start(spans.trace(), |config| {
        config.route("/ws", web::get().to(echo));
    });
    let request = "GET /ws HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut stream = ask(&server, request, "\r\n\r\n").await;
    let span = spans.one().await;
    let found = attributes(&span);
    assert_eq!(span.name, "GET /ws");
    assert_eq!(found["http.response.status_code"], "101");
    assert_eq!(found.get("error.type"), None);

    // The frames go on after that: `hey`, masked with zeros (RFC 6455, §5.2).
    let frame = b"\x81\x83\0\0\0\0hey";
    stream.write_all(frame).await.expect("sent");
    read_until(&mut stream, "hey").await;
    drop(stream);
    assert!(spans.all().is_empty());
}

#[actix_web::test]
async fn a_middleware_outside_may_take_the_body_whole() {
    let spans = Spans::new();
    let app = App::new()
        .configure(services)
        .wrap(spans.trace())
        .wrap_fn(|request, service| {
            let response = service.call(request);
            // Boxing asks for all bytes at once, and takes them if there are.
            async { Ok(response.await?.map_into_boxed_body()) }
        });
    let app = test::init_service(app).await;
    for (path, body) in [("/text", "text"), ("/streamed", "one two three")] {
        let request = test::TestRequest::with_uri(path).to_request();
        assert_eq!(test::call_and_read_body(&app, request).await, body);
        let found = attributes(&spans.one().await);
        assert_eq!(found.get("error.type"), None, "{path}");
        assert_eq!(found["http.response.status_code"], "200", "{path}");
    }
}

#[actix_web::test]
async fn requests_without_a_path_are_served_too() {
    let spans = Spans::new();
    let server = Server::start(spans.trace(), services);
    for (target, name) in [
        ("OPTIONS *", "OPTIONS"),
        ("CONNECT shop.example:443", "CONNECT"),
    ] {
        let request = format!("{target} HTTP/1.1\r\nhost: h\r\n\r\n");
        let stream = ask(&server, &request, "\r\n\r\n").await;
        let span = spans.one().await;
        assert_eq!(span.name, name);
        assert_eq!(attributes(&span).get("http.route"), None, "{target}");
        drop(stream);
    }
}

#[actix_web::test]
async fn one_connection_serves_many() {
    let spans = Spans::new();
    let server = Server::start(spans.trace(), services);
    // All at once; the request objects are pooled and used again.
    let get = |path| format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n");
    let requests: String = ["/text", "/streamed", "/none", "/known"].map(get).concat();
    let stream = ask(&server, &requests, "one two three").await;
    let names: Vec<_> = spans
        .wait_for(4)
        .await
        .iter()
        .map(|span| span.name.to_string())
        .collect();
    assert_eq!(names, ["GET /text", "GET /streamed", "GET", "GET /known"]);
    drop(stream);
}

/// A length is declared, and the body ends before it: the client gets an error.
#[actix_web::test]
async fn a_body_that_ends_too_soon_did_not_complete() {
    let spans = Spans::new();
    let short = || async {
        let mut response = HttpResponse::Ok();
        response.no_chunking(20);
        response.streaming(chunks(["one ", "two ", "three"]))
    };
    let app = App::new()
        .route("/short", web::to(short))
        .wrap(spans.trace());
    let app = test::init_service(app).await;
    let request = test::TestRequest::with_uri("/short").to_request();
    let response = app.call(request).await.expect("a response");
    let body = actix_web::body::to_bytes(response.into_body()).await;
    assert_eq!(body.expect("all that there is").len(), 13);
    let found = attributes(&spans.one().await);
    assert_eq!(found["error.type"], "response_body_error");
}
