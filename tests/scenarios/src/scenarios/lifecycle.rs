//! Each end that a request can have: its span ends once, and says which it was.

use super::{CALLER, get, got};
use crate::Server;
use crate::expect::{Expected, time_to_first_byte};
use crate::metrics::DURATION;
use crate::service::{FRAME, TEXT};
use crate::wire::{Client, Cut, Protocol, Request, http1, http2};

/// The response is complete.
pub async fn finished(server: &Server) {
    for protocol in Protocol::ALL {
        let answer = get(server, protocol, "/users/42").await;
        assert_eq!((answer.status(), &*answer.text()), (200, TEXT));
        server
            .expect(got(protocol, "/users/42", "/users/{id}"))
            .await;
    }
}

/// The handler answers with a 5xx.
pub async fn response_error(server: &Server) {
    for protocol in Protocol::ALL {
        assert_eq!(get(server, protocol, "/error500").await.status(), 500);
        let expected = got(protocol, "/error500", "/error500");
        server.expect(expected.status(500).error("500")).await;
    }
}

/// The handler returns an error, which becomes a response.
pub async fn handler_error(server: &Server) {
    for protocol in Protocol::ALL {
        let answer = get(server, protocol, "/handler-error").await;
        assert_eq!(answer.status(), 500);
        let expected = got(protocol, "/handler-error", "/handler-error");
        server.expect(expected.status(500).error("500")).await;
    }
}

/// The handler returns an error that is the client's.
pub async fn handler_error_of_the_client(server: &Server) {
    for protocol in Protocol::ALL {
        let answer = get(server, protocol, "/handler-not-found").await;
        assert_eq!(answer.status(), 404);
        let expected = got(protocol, "/handler-not-found", "/handler-not-found");
        server.expect(expected.status(404)).await;
    }
}

/// A service between the layer and the handler fails, and something further
/// out makes an answer of it.
pub async fn service_error(server: &Server) {
    for protocol in Protocol::ALL {
        let answer = get(server, protocol, "/service-error").await;
        assert_eq!(answer.status(), 503);
        let expected = got(protocol, "/service-error", "/service-error");
        let expected = expected.error("handler_error").receives_unseen();
        let status = server.framework().status_of_a_failed_service();
        let expected = match status {
            Some(status) => expected.status(status),
            None => expected.no_status(),
        };
        server.expect(expected).await;
    }
}

/// The handler panics.
pub async fn panic(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let answer = client.send(&Request::get("/panic").from(CALLER)).await;
        assert_eq!(answer, Err(Cut { head: None }));
        let expected = got(protocol, "/panic", "/panic").no_status();
        server.expect(expected.error("panic")).await;
    }
}

/// The response's body panics.
pub async fn panic_in_body(server: &Server) {
    for protocol in Protocol::ALL {
        let target = "/stream-panic?frames=2";
        let mut client = Client::open(protocol, server.address()).await;
        let answer = client.send(&Request::get(target).from(CALLER)).await;
        assert!(answer.is_err(), "{answer:?}");
        let expected = got(protocol, target, "/stream-panic").error("panic");
        server.expect(expected.receives(2 * FRAME.len())).await;
    }
}

/// The response's body fails.
pub async fn body_error(server: &Server) {
    for protocol in Protocol::ALL {
        let target = "/stream-error?frames=2";
        let mut client = Client::open(protocol, server.address()).await;
        let answer = client.send(&Request::get(target).from(CALLER)).await;
        assert!(answer.is_err(), "{answer:?}");
        let expected = got(protocol, target, "/stream-error");
        let expected = expected.error("response_body_error");
        server.expect(expected.receives(2 * FRAME.len())).await;
    }
}

/// The client closes the connection while the handler works.
pub async fn client_gone_before_the_head(server: &Server) {
    let target = "/hang?key=1";
    let mut handler = server.signals().appoint(1);
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::get(target).from(CALLER);
    client.write(&http1::bytes(&request)).await;
    handler.entered().await;
    drop(client);
    let expected = got(Protocol::Http1, target, "/hang").no_status();
    server.expect(expected.error("client_disconnected")).await;
}

/// The same, with a reset instead of an orderly end.
pub async fn client_reset_before_the_head(server: &Server) {
    let target = "/hang?key=1";
    let mut handler = server.signals().appoint(1);
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::get(target).from(CALLER);
    client.write(&http1::bytes(&request)).await;
    handler.entered().await;
    client.reset();
    let expected = got(Protocol::Http1, target, "/hang").no_status();
    server.expect(expected.error("client_disconnected")).await;
}

/// The client resets its stream while the handler works.
pub async fn stream_reset_before_the_head(server: &Server) {
    let target = "/hang?key=1";
    let mut handler = server.signals().appoint(1);
    let mut client = http2::Connection::open(server.address()).await;
    let call = client.start(&Request::get(target).from(CALLER)).await;
    handler.entered().await;
    call.cancel();
    client.ping().await;
    let expected = got(Protocol::Http2, target, "/hang");
    if server.framework().notices_reset_streams() {
        let expected = expected.no_status().error("client_disconnected");
        server.expect(expected).await;
    } else {
        handler.release();
        let expected = expected.error("client_disconnected_in_body");
        server.expect(expected.receives(0)).await;
    }
}

/// The client closes the connection in the middle of the body.
pub async fn client_gone_in_the_body(server: &Server) {
    let target = "/stream-hang?frames=1&key=1";
    let _handler = server.signals().appoint(1);
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::get(target).from(CALLER);
    client.write(&http1::bytes(&request)).await;
    client.until(FRAME.as_bytes()).await;
    drop(client);
    let expected = got(Protocol::Http1, target, "/stream-hang");
    let expected = expected.error("client_disconnected_in_body");
    server.expect(expected.receives(FRAME.len())).await;
}

/// The client closes the connection while the server has ever more to send.
pub async fn client_gone_while_the_server_sends(server: &Server) {
    let target = "/stream?frames=1000000000";
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::get(target).from(CALLER);
    client.write(&http1::bytes(&request)).await;
    client.until(FRAME.as_bytes()).await;
    drop(client);
    let expected = got(Protocol::Http1, target, "/stream");
    let expected = expected.error("client_disconnected_in_body");
    server.expect(expected.receives_a_part()).await;
}

/// The client resets its stream in the middle of the body.
pub async fn stream_reset_in_the_body(server: &Server) {
    let target = "/stream-hang?frames=1&key=1";
    let handler = server.signals().appoint(1);
    let mut client = http2::Connection::open(server.address()).await;
    let call = client.start(&Request::get(target).from(CALLER)).await;
    let mut answer = call.head().await.expect("the head");
    answer.chunk().await.expect("the first frame");
    answer.cancel();
    client.ping().await;
    if !server.framework().notices_reset_streams() {
        handler.release();
    }
    let expected = got(Protocol::Http2, target, "/stream-hang");
    let expected = expected.error("client_disconnected_in_body");
    server.expect(expected.receives_a_part()).await;
}

/// The client goes away before the request's head is complete: there was no
/// request.
pub async fn client_gone_in_its_own_head(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    client
        .write(b"GET /users/42 HTTP/1.1\r\nHost: api.sh")
        .await;
    drop(client);
    get(server, Protocol::Http1, "/users/42").await;
    let expected = got(Protocol::Http1, "/users/42", "/users/{id}");
    server.expect(expected).await;
}

/// The client goes away before the request's body is complete: what the
/// framework answers is complete, though nobody reads it.
pub async fn client_gone_in_its_own_body(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::new("POST", "/echo").from(CALLER);
    let request = request.header("Content-Length", "100");
    client.write(&http1::bytes(&request)).await;
    client.write(b"0123456789").await;
    drop(client);
    let expected = Expected::new("POST", "/echo").route("/echo").from(CALLER);
    let expected = expected.status(server.framework().answer_to_half_a_body());
    server.expect(expected.sends(100).receives_a_part()).await;
}

/// A WebSocket: the span ends at the 101, and the connection goes on.
pub async fn upgrade(server: &Server) {
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::get("/ws").from(CALLER).upgrade();
    client.write(&http1::bytes(&request)).await;
    let head = client.head().await.expect("a head");
    assert_eq!(head.status, 101);
    let expected = Expected::get("/ws").route("/ws").from(CALLER).status(101);
    server.expect(expected).await;

    // One frame with the text `hi`; a client's is masked, here with zeros.
    client.write(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await;
    client.until(&[0x81, 2, b'h', b'i']).await;
    // A close frame, and the server's.
    client.write(&[0x88, 0x82, 0, 0, 0, 0, 3, 232]).await;
    client.until(&[0x88, 2, 3, 232]).await;
}

/// A WebSocket that is refused: there is no key.
pub async fn upgrade_refused(server: &Server) {
    let mut request = Request::get("/ws").from(CALLER).upgrade();
    let lines = &mut request.headers;
    lines.retain(|(name, _)| name != "Sec-WebSocket-Key");
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    let answer = client.ask(&request).await;
    assert_eq!(answer.status(), 400);
    let expected = Expected::get("/ws").route("/ws").from(CALLER).status(400);
    server.expect(expected.receives(answer.body.len())).await;
}

/// Server-sent events: the span lasts to the last byte.
pub async fn sse(server: &Server) {
    for protocol in Protocol::ALL {
        to_the_last_byte(server, protocol, "/sse", 3).await;
    }
}

/// A long stream: the span lasts to the last byte.
pub async fn long_stream(server: &Server) {
    for protocol in Protocol::ALL {
        to_the_last_byte(server, protocol, "/stream-hang", 2_000).await;
    }
}

/// All frames but the last one come, and the span is still open; then the last
/// one comes.
async fn to_the_last_byte(server: &Server, protocol: Protocol, route: &'static str, frames: usize) {
    let target = format!("{route}?frames={frames}&key=1");
    let request = Request::get(&*target).from(CALLER);
    let handler = server.signals().appoint(1);
    let before = server.telemetry().spans().ended().len();
    let still_open = || {
        assert_eq!(server.telemetry().spans().started(), before + 1);
        assert_eq!(server.telemetry().spans().ended().len(), before);
        handler.release();
    };
    match protocol {
        Protocol::Http1 => {
            let mut client = http1::Connection::open(server.address()).await;
            client.write(&http1::bytes(&request)).await;
            for _ in 0..frames {
                client.until(FRAME.as_bytes()).await;
            }
            still_open();
            client.until(FRAME.as_bytes()).await;
            client.until(b"\r\n0\r\n\r\n").await;
        }
        Protocol::Http2 => {
            let mut client = http2::Connection::open(server.address()).await;
            let mut answer = client.start(&request).await.head().await.expect("a head");
            let mut received = 0;
            while received < frames * FRAME.len() {
                let chunk = answer.chunk().await.expect("a frame");
                received += chunk.expect("a frame").len();
            }
            still_open();
            let rest = answer.rest().await.expect("the last frame");
            assert_eq!(rest.text(), FRAME);
        }
    }
    let expected = got(protocol, &target, route);
    let span = server
        .expect(expected.receives((frames + 1) * FRAME.len()))
        .await;
    // The client released the handler after the first byte had come.
    assert!(time_to_first_byte(&span) < duration(server, protocol, route));
}

/// The whole duration of the only request of this route and protocol. Not the
/// span's: it is by the clock on the wall, which may be set back.
fn duration(server: &Server, protocol: Protocol, route: &str) -> f64 {
    let mut series = server
        .telemetry()
        .metrics()
        .get(DURATION)
        .series
        .into_iter();
    let its = series.find(|(labels, _)| {
        labels["http.route"] == route && labels["network.protocol.version"] == protocol.version()
    });
    let (_, point) = its.expect("it has ended");
    assert_eq!(point.count, 1);
    point.sum
}
