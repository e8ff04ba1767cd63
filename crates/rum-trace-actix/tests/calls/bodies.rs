//! A call ends with its response's body.

use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpResponse, web};
use awc::http::Method;
use tokio::sync::mpsc;

use crate::failures::next;
use crate::peer::*;
use crate::support::*;

#[actix_web::test]
async fn a_response_without_a_body_ends_its_call() {
    let table = [
        ("HEAD", "200 OK\r\ncontent-length: 20"),
        ("GET", "200 OK\r\ncontent-length: 0"),
        ("GET", "200 OK"),
        ("GET", "204 No Content"),
        ("GET", "304 Not Modified"),
        // What it must not have is not waited for.
        ("GET", "204 No Content\r\ncontent-length: 20"),
        ("GET", "304 Not Modified\r\ncontent-length: 20"),
    ];
    let spans = Spans::new();
    let client = client(&spans);
    for (method, head) in table {
        let peer = Peer::answering(move |_| format!("HTTP/1.1 {head}\r\n\r\n")).await;
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let sent = client.request(method, peer.url("/")).send();
        let response = in_time(sent).await.expect("a response");
        // While the response is there, and nobody has read it.
        let span = spans.one().await;
        let status = response.status().as_u16().to_string();
        assert_eq!(
            text(&span, "http.response.status_code"),
            Some(status),
            "{head}"
        );
        assert_eq!(text(&span, "error.type"), None, "{head}");
    }
}

#[actix_web::test]
async fn a_body_ends_its_call_with_its_last_byte() {
    // Body, chunks; whether the last byte is known to be the last.
    let table = [
        ("content-length: 8\r\n\r\none two ", "one two ", true),
        (
            "transfer-encoding: chunked\r\n\r\n4\r\none \r\n4\r\ntwo \r\n0\r\n\r\n",
            "one two ",
            false,
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n6\r\nlonger\r\n0\r\n\r\n",
            "longer",
            false,
        ),
        (
            "connection: close\r\ncontent-length: 3\r\n\r\none",
            "one",
            true,
        ),
    ];
    let spans = Spans::new();
    let client = client(&spans);
    for (answer, body, is_known) in table {
        let peer = Peer::answering(move |_| format!("HTTP/1.1 200 OK\r\n{answer}")).await;
        let sent = client.get(peer.url("/")).send();
        let mut response = in_time(sent).await.expect("a response");
        let mut read = Vec::new();
        while read.len() < body.len() {
            assert!(spans.all().is_empty(), "{answer}");
            let chunk = in_time(next(&mut response)).await.expect("a chunk");
            read.extend_from_slice(&chunk.expect("a good chunk"));
        }
        assert_eq!(read, body.as_bytes());
        assert_eq!(spans.all().len(), usize::from(is_known), "{answer}");
        assert!(in_time(next(&mut response)).await.is_none());
        let span = spans.one().await;
        assert_eq!(text(&span, "error.type"), None);
    }
}

#[actix_web::test]
async fn a_stream_is_read_as_it_comes() {
    let (sender, receiver) = mpsc::unbounded_channel::<&'static str>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let (spans, of_server) = (Spans::new(), Spans::new());
    let server = Server::start(of_server.trace(), move |config| {
        let receiver = receiver.clone();
        let handler = move || {
            let receiver = receiver.lock().expect("no panic").take().expect("once");
            async move { HttpResponse::Ok().streaming(Received(receiver)) }
        };
        config.route("/", web::get().to(handler));
    });
    let sent = client(&spans)
        .get(format!("http://{}/", server.address))
        .send();
    let mut response = in_time(sent).await.expect("a response");
    // A handler that passes it on takes the payload out of the response.
    let mut payload = response.take_payload();
    drop(response);
    for chunk in ["one", "two"] {
        sender.send(chunk).expect("the handler is there");
        let read = in_time(next(&mut payload)).await.expect("a chunk");
        assert_eq!(read.expect("a good chunk"), chunk);
        assert!(spans.all().is_empty(), "it has ended in the middle");
    }
    drop(sender);
    assert!(in_time(next(&mut payload)).await.is_none());
    let span = spans.one().await;
    assert_eq!(text(&span, "error.type"), None);
    let served = of_server.one().await;
    assert_eq!(served.parent_span_id, span.span_context.span_id());
}

struct Received(mpsc::UnboundedReceiver<&'static str>);

impl futures_core::Stream for Received {
    type Item = std::io::Result<Bytes>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let chunk = self.0.poll_recv(cx);
        chunk.map(|chunk| chunk.map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))))
    }
}

/// `[1,2,3]`, by gzip.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x8b, 0x36, 0xd4, 0x31, 0xd2, 0x31,
    0x8e, 0x05, 0x00, 0xe9, 0xb3, 0x6d, 0xfd, 0x07, 0x00, 0x00, 0x00,
];

#[actix_web::test]
async fn a_compressed_body_is_decoded_further_out() {
    let (spans, of_server) = (Spans::new(), Spans::new());
    let server = Server::start(of_server.trace(), |config| {
        let zipped = || async {
            HttpResponse::Ok()
                .content_type("application/json")
                .insert_header(("content-encoding", "gzip"))
                .body(GZIP)
        };
        config.route("/", web::get().to(zipped));
    });
    let client = client(&spans);
    let url = format!("http://{}/", server.address);
    let mut response = in_time(client.get(&url).send()).await.expect("a response");
    assert_eq!(
        response.headers().get("content-encoding").expect("zipped"),
        "gzip"
    );
    let numbers: Vec<u32> = in_time(response.json()).await.expect("numbers");
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(text(&spans.one().await, "error.type"), None);

    let raw = client.get(&url).no_decompress().send();
    let mut response = in_time(raw).await.expect("a response");
    assert_eq!(in_time(response.body()).await.expect("a body"), GZIP);
    assert_eq!(text(&spans.one().await, "error.type"), None);
}
