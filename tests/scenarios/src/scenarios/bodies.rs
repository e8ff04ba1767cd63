//! Bodies of each kind and size, in both directions.

use super::{CALLER, get, got};
use crate::Server;
use crate::expect::Expected;
use crate::service::FRAME;
use crate::wire::{Client, Protocol, Request, http1};

/// No body at all: 204, and an empty one.
pub async fn none(server: &Server) {
    for protocol in Protocol::ALL {
        assert_eq!(get(server, protocol, "/empty").await.status(), 204);
        let expected = got(protocol, "/empty", "/empty").status(204);
        server.expect(expected.receives(0)).await;
        assert_eq!(get(server, protocol, "/large?bytes=0").await.status(), 200);
        let expected = got(protocol, "/large?bytes=0", "/large");
        server.expect(expected.receives(0)).await;
    }
}

/// A large response.
pub async fn large_response(server: &Server) {
    const BYTES: usize = 16 << 20;
    let target = format!("/large?bytes={BYTES}");
    for protocol in Protocol::ALL {
        assert_eq!(get(server, protocol, &target).await.body.len(), BYTES);
        let expected = got(protocol, &target, "/large");
        server.expect(expected.receives(BYTES)).await;
    }
}

/// A large request, and the same back.
pub async fn large_request(server: &Server) {
    const BYTES: usize = 4 << 20;
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let request = Request::post("/echo", vec![b'x'; BYTES]).from(CALLER);
        assert_eq!(client.ask(&request).await.body, request.body);
        let expected = Expected::new("POST", "/echo").route("/echo").from(CALLER);
        let expected = expected.over(protocol).sends(BYTES).receives(BYTES);
        server.expect(expected).await;
    }
}

/// A request whose length nobody says: it is not guessed.
pub async fn chunked_request(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::new("POST", "/echo").from(CALLER);
    let request = request.header("Transfer-Encoding", "chunked");
    client.write(&http1::bytes(&request)).await;
    client.write(b"3\r\none\r\n").await;
    client.write(b"3\r\ntwo\r\n0\r\n\r\n").await;
    let answer = client.response("POST").await.expect("a whole answer");
    assert_eq!(answer.text(), "onetwo");
    let expected = Expected::new("POST", "/echo").route("/echo").from(CALLER);
    server.expect(expected.receives(6)).await;
}

/// A client that asks before it sends its body: the 100 is not the response.
pub async fn expect_continue(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::new("POST", "/echo").from(CALLER);
    let request = request
        .header("Content-Length", "4")
        .header("Expect", "100-continue");
    client.write(&http1::bytes(&request)).await;
    assert_eq!(client.head().await.expect("a head").status, 100);
    client.write(b"body").await;
    let answer = client.response("POST").await.expect("a whole answer");
    assert_eq!(answer.text(), "body");
    let expected = Expected::new("POST", "/echo").route("/echo").from(CALLER);
    server.expect(expected.sends(4).receives(4)).await;
}

/// Many frames, of a length that nobody says.
pub async fn streamed_response(server: &Server) {
    for protocol in Protocol::ALL {
        let target = "/stream?frames=1000";
        let bytes = 1000 * FRAME.len();
        assert_eq!(get(server, protocol, target).await.body.len(), bytes);
        let expected = got(protocol, target, "/stream");
        server.expect(expected.receives(bytes)).await;
    }
}

/// A stream that is at its end at once.
pub async fn empty_stream(server: &Server) {
    for protocol in Protocol::ALL {
        let target = "/stream?frames=0";
        assert_eq!(get(server, protocol, target).await.body.len(), 0);
        let expected = got(protocol, target, "/stream");
        server.expect(expected.receives(0)).await;
    }
}

/// A length that nobody can mean is not believed, and harms nothing.
pub async fn absurd_length(server: &Server) {
    for _ in 0..3 {
        let mut client = http1::Connection::open(server.address()).await;
        let request = Request::get("/users/42").from(CALLER);
        let request = request.header("Content-Length", "18446744073709551613");
        client.write(&http1::bytes(&request)).await;
        let answer = client.head().await.expect("a head");
        assert_eq!(answer.status, 200);
        drop(client);
        let expected = got(Protocol::Http1, "/users/42", "/users/{id}");
        server.expect(expected).await;
    }
}
