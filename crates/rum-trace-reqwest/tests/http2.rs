//! HTTP/2: streams that are reset, and gRPC with its trailers.
#![cfg(feature = "http2")]

mod support;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use support::{Harness, OWN, http, in_time, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Answer = fn(SendResponse<Bytes>);

/// On a free port, for one connection, stopped when dropped.
struct Server {
    address: std::net::SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
            while let Some(Ok((request, respond))) = connection.accept().await {
                let _: Request<RecvStream> = request;
                answer(respond);
            }
        });
        Server { address, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn head() -> Response<()> {
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(()).expect("a head")
}

fn trailers(status: &'static str) -> HeaderMap {
    [("grpc-status", status)]
        .map(|(name, value)| {
            (
                name.parse().expect("a name"),
                value.parse().expect("a value"),
            )
        })
        .into_iter()
        .collect()
}

fn reset(mut respond: SendResponse<Bytes>) {
    respond.send_reset(Reason::INTERNAL_ERROR);
}

fn reset_in_body(mut respond: SendResponse<Bytes>) {
    let mut body = respond.send_response(head(), false).expect("sent");
    body.send_data(Bytes::from_static(b"half"), false)
        .expect("sent");
    body.send_reset(Reason::INTERNAL_ERROR);
}

fn fine(mut respond: SendResponse<Bytes>) {
    let mut body = respond.send_response(head(), false).expect("sent");
    body.send_data(Bytes::from_static(b"\0\0\0\0\0"), false)
        .expect("sent");
    body.send_trailers(trailers("0")).expect("sent");
}

fn not_found(mut respond: SendResponse<Bytes>) {
    let mut body = respond.send_response(head(), false).expect("sent");
    body.send_trailers(trailers("5")).expect("sent");
}

fn unavailable_at_once(mut respond: SendResponse<Bytes>) {
    let mut head = head();
    head.headers_mut().extend(trailers("14"));
    respond.send_response(head, true).expect("sent");
}

#[tokio::test]
async fn how_calls_end() {
    // gRPC or not, the answer; error.type, the status of gRPC
    let table: [(bool, Answer, Option<&str>, Option<&str>); 8] = [
        (false, reset, Some("connection_reset"), None),
        (false, reset_in_body, Some("connection_reset"), None),
        (false, fine, None, None),
        (true, reset, Some("connection_reset"), Some("UNAVAILABLE")),
        (
            true,
            reset_in_body,
            Some("connection_reset"),
            Some("UNAVAILABLE"),
        ),
        (true, fine, None, Some("OK")),
        (true, not_found, Some("NOT_FOUND"), Some("NOT_FOUND")),
        (
            true,
            unavailable_at_once,
            Some("UNAVAILABLE"),
            Some("UNAVAILABLE"),
        ),
    ];
    for (row, (is_grpc, answer, error, status)) in table.into_iter().enumerate() {
        let harness = Harness::new();
        let server = Server::start(answer).await;
        let http = http(server.address).http2_prior_knowledge();
        let client = rum_trace_reqwest::client(http, harness.instrumenter.clone());
        let url = format!("http://{OWN}:{}/shop.Stock/Get", server.address.port());
        let mut request = client.expect("a client").post(url).body("x");
        if is_grpc {
            request = request.header("content-type", "application/grpc");
        }
        let read = match in_time(request.send()).await {
            Ok(response) => in_time(response.bytes()).await.is_ok(),
            Err(_) => false,
        };
        assert_eq!(read, error != Some("connection_reset"), "{row}");
        let span = harness.one();
        assert_eq!(text(&span, "error.type").as_deref(), error, "{row}");
        let found = text(&span, "rpc.response.status_code");
        assert_eq!(found.as_deref(), status, "{row}");
        let is_http = text(&span, "http.request.method").is_some();
        assert_eq!(is_http, !is_grpc, "{row}");
    }
}

/// Takes a request, and says by a GOAWAY that it serves none: h2's own server would
/// say that it has served this one.
async fn goes_away(listener: TcpListener) -> TcpStream {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: [u8; 9] = [0, 0, 8, 7, 0, 0, 0, 0, 0];
    const LAST_STREAM_AND_INTERNAL_ERROR: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 2];
    const HEADERS: u8 = 1;
    let (mut stream, _) = listener.accept().await.expect("a connection");
    stream.write_all(&SETTINGS).await.expect("sent");
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.expect("a preface");
    let mut frame = [0; 9];
    while frame[3] != HEADERS {
        stream.read_exact(&mut frame).await.expect("a frame");
        let length = usize::from(frame[1]) << 8 | usize::from(frame[2]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.expect("its payload");
    }
    let goaway = [&GOAWAY[..], &LAST_STREAM_AND_INTERNAL_ERROR].concat();
    stream.write_all(&goaway).await.expect("sent");
    stream
}

#[tokio::test]
async fn a_connection_that_goes_away_is_closed() {
    let harness = Harness::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(goes_away(listener));
    let http = http(address).http2_prior_knowledge();
    let client = rum_trace_reqwest::client(http, harness.instrumenter.clone());
    let url = format!("http://{OWN}:{}/", address.port());
    let sent = in_time(client.expect("a client").get(url).send()).await;
    assert!(sent.is_err(), "{sent:?}");
    let stream = in_time(server).await.expect("no panic");
    let span = harness.one();
    assert_eq!(
        text(&span, "error.type").as_deref(),
        Some("connection_closed")
    );
    drop(stream); // open until then: it was said, and not seen
}
