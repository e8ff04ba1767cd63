//! HTTP/1.1 and HTTP/2 on the wire: connections, and what shares them.

use super::{CALLER, got};
use crate::Server;
use crate::expect::Expected;
use crate::service::{FRAME, TEXT};
use crate::wire::{Caller, Client, Protocol, Request, http1, http2};

/// Requests one after the other in one connection.
pub async fn keep_alive(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        for number in 0..5 {
            let caller = Caller::number(number);
            let target = format!("/users/{number}");
            let answer = client.ask(&Request::get(&*target).from(caller)).await;
            assert_eq!(answer.text(), TEXT);
            let expected = got(protocol, &target, "/users/{id}");
            server.expect(expected.from(caller)).await;
        }
    }
}

/// A client that asks for the connection's end.
pub async fn connection_close(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::get("/users/42").from(CALLER);
    let answer = client.send(&request.header("Connection", "close")).await;
    assert_eq!(answer.expect("an answer").text(), TEXT);
    assert!(client.is_closed().await);
    let expected = got(Protocol::Http1, "/users/42", "/users/{id}");
    server.expect(expected).await;
}

/// All requests at once, and the answers in their order.
pub async fn pipelined(server: &Server) {
    let table = [
        ("/users/1", Some("/users/{id}"), 200, TEXT.len()),
        ("/stream?frames=3", Some("/stream"), 200, 3 * FRAME.len()),
        (
            "/users/1/avatar",
            Some("/users/{id}/avatar"),
            404,
            TEXT.len(),
        ),
        ("/empty", Some("/empty"), 204, 0),
        ("/large?bytes=100000", Some("/large"), 200, 100_000),
        ("/error500", Some("/error500"), 500, TEXT.len()),
        ("/users/2", Some("/users/{id}"), 200, TEXT.len()),
    ];
    let caller = |i: usize| Caller::number(i as u64);
    let requests = table.iter().enumerate();
    let bytes: Vec<u8> = requests
        .flat_map(|(i, (target, ..))| http1::bytes(&Request::get(*target).from(caller(i))))
        .collect();
    let mut client = http1::Connection::open(server.address()).await;
    client.write(&bytes).await;
    let mut all = Vec::new();
    for (i, (target, route, status, length)) in table.into_iter().enumerate() {
        let answer = client.response("GET").await.expect("an answer");
        assert_eq!((answer.status(), answer.body.len()), (status, length));
        let mut expected = Expected::get(target).from(caller(i)).status(status);
        expected = route.map_or(expected.clone(), |route| expected.route(route));
        if status == 500 {
            expected = expected.error("500");
        }
        all.push(expected.receives(length));
    }
    server.expect_all(all).await;
}

/// A head that comes in three pieces.
pub async fn a_head_in_pieces(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    let bytes = http1::bytes(&Request::get("/users/42").from(CALLER));
    for piece in bytes.chunks(bytes.len() / 3 + 1) {
        client.write(piece).await;
        tokio::task::yield_now().await;
    }
    client.response("GET").await.expect("an answer");
    let expected = got(Protocol::Http1, "/users/42", "/users/{id}");
    server.expect(expected).await;
}

/// HTTP/1.0, which has no chunks: the connection's end is the body's.
pub async fn http_1_0(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    let bytes = http1::bytes(&Request::get("/stream?frames=2").from(CALLER));
    let text = String::from_utf8(bytes).expect("text");
    client
        .write(text.replace("HTTP/1.1", "HTTP/1.0").as_bytes())
        .await;
    let answer = client.response("GET").await.expect("an answer");
    assert_eq!(answer.body.len(), 2 * FRAME.len());
    let expected = got(Protocol::Http1, "/stream?frames=2", "/stream");
    let expected = expected.version("1.0").receives(2 * FRAME.len());
    server.expect(expected).await;
}

/// An absolute target, as a proxy sends it.
pub async fn absolute_target(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    let target = "http://other.example:81/users/42";
    let request = Request::get(target).from(CALLER);
    client.send(&request).await.expect("an answer");
    let expected = got(Protocol::Http1, "/users/42", "/users/{id}");
    let expected = expected.with("server.address", "other.example");
    server.expect(expected.with("server.port", "81")).await;
}

/// What is not HTTP reaches no layer: the server answers by itself.
pub async fn not_http(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    client.write(b"GET /users/42\r\nnot HTTP\r\n\r\n").await;
    let answer = client.response("GET").await.expect("an answer");
    assert_eq!(answer.status(), 400);
}

/// Streams of one connection, one of which stays open longest.
pub async fn http2_streams(server: &Server) {
    const PROTOCOL: Protocol = Protocol::Http2;
    let mut handler = server.signals().appoint(1);
    let mut client = http2::Connection::open(server.address()).await;
    let first = Request::get("/hang?key=1").from(Caller::number(0));
    let first = client.start(&first).await;
    handler.entered().await;
    let mut calls = Vec::new();
    let mut all = Vec::new();
    for number in 1..20 {
        let caller = Caller::number(number);
        let request = Request::get("/stream?frames=5").from(caller);
        calls.push(client.start(&request).await);
        let expected = got(PROTOCOL, "/stream?frames=5", "/stream");
        all.push(expected.from(caller).receives(5 * FRAME.len()));
    }
    for call in calls {
        let answer = call.head().await.expect("a head").rest().await;
        assert_eq!(answer.expect("an answer").body.len(), 5 * FRAME.len());
    }
    handler.release();
    let answer = first.head().await.expect("a head").rest().await;
    assert_eq!(answer.expect("an answer").text(), TEXT);
    all.push(got(PROTOCOL, "/hang?key=1", "/hang").from(Caller::number(0)));
    server.expect_all(all).await;
}

/// A connection that breaks with several streams in it: each is told.
pub async fn http2_connection_gone(server: &Server) {
    let mut client = http2::Connection::open(server.address()).await;
    let mut calls = Vec::new();
    let mut handlers = Vec::new();
    let mut all = Vec::new();
    for key in 1..4 {
        let caller = Caller::number(key);
        let target = format!("/hang?key={key}");
        let mut handler = server.signals().appoint(key);
        calls.push(client.start(&Request::get(&*target).from(caller)).await);
        handler.entered().await;
        handlers.push(handler);
        all.push(got(Protocol::Http2, &target, "/hang").from(caller));
    }
    client.hang_up().await;
    let notices = server.framework().notices_reset_streams();
    let all = all.into_iter().map(|expected| match notices {
        true => expected.no_status().error("client_disconnected"),
        false => expected.error("client_disconnected_in_body").receives(0),
    });
    let all = all.collect();
    if !notices {
        for handler in handlers {
            handler.release();
        }
    }
    server.expect_all(all).await;
}
