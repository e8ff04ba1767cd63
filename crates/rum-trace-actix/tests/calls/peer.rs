//! What is called: servers that say what a test tells them to, byte by byte.

use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;

use actix_web::rt;
use awc::{Client, ClientRequest};
use opentelemetry_sdk::trace::SpanData;
use rum_trace_actix::RumTraceClient;
use rum_trace_core::{Instrumenter, InstrumenterBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::*;

/// A server on a free port of the loopback interface, stopped when dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    heads: Rc<RefCell<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Serves each connection by itself.
    pub(crate) async fn serving<F>(serve: impl Fn(TcpStream) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                rt::spawn(serve(stream));
            }
        });
        Peer {
            address,
            heads: Rc::default(),
            task,
        }
    }

    /// Answers each request by its head, and then closes the connection.
    pub(crate) async fn answering(answer: impl Fn(&str) -> String + 'static) -> Self {
        let heads = Rc::<RefCell<Vec<String>>>::default();
        let (answer, seen) = (Rc::new(answer), heads.clone());
        let mut peer = Peer::serving(move |mut stream| {
            let (answer, seen) = (answer.clone(), seen.clone());
            async move {
                let head = read_head(&mut stream).await;
                let text = answer(&head).replacen("\r\n", "\r\nconnection: close\r\n", 1);
                seen.borrow_mut().push(head);
                stream.write_all(text.as_bytes()).await.expect("sent");
                // Whatever body there is, so that the connection closes in peace.
                stream.shutdown().await.expect("closed");
                while stream.read_u8().await.is_ok() {}
            }
        })
        .await;
        peer.heads = heads;
        peer
    }

    /// Answers each request with the same.
    pub(crate) async fn saying(answer: &'static str) -> Self {
        Peer::answering(move |_| answer.to_owned()).await
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.take()
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Of one request; of its body nothing is read.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).expect("text")
}

/// The value of a header line.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let (_, value) = lines.find(|(found, _)| *found == name)?;
    Some(value)
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    let any = ([127, 0, 0, 1], 0).into();
    socket.bind(any).expect("a free port");
    let address = socket.local_addr().expect("an address");
    // Taken as long as the tests run, so that no other one listens there.
    std::mem::forget(socket);
    address
}

/// A client whose spans can be seen.
pub(crate) fn client(spans: &Spans) -> Client {
    client_with(spans, |builder| builder)
}

pub(crate) fn client_with(
    spans: &Spans,
    set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
) -> Client {
    Client::builder().wrap(tracing(spans, set)).finish()
}

pub(crate) fn tracing(
    spans: &Spans,
    set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
) -> RumTraceClient {
    let builder = set(Instrumenter::builder().tracer_provider(spans.provider()));
    RumTraceClient::from_builder(builder).expect("settings are right")
}

/// The span of a request that is sent, and whose response is read.
pub(crate) async fn call(spans: &Spans, request: ClientRequest) -> SpanData {
    let mut response = in_time(request.send()).await.expect("a response");
    in_time(response.body()).await.expect("a body");
    spans.one().await
}

/// A failure, should it hang.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    let outcome = rt::time::timeout(PATIENCE, future).await;
    outcome.expect("in time")
}

pub(crate) fn text(span: &SpanData, name: &str) -> Option<String> {
    attributes(span).remove(name)
}
