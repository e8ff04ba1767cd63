//! A collector over HTTP/1.1 that answers as it is told, and can be away.

use std::net::{Ipv4Addr, SocketAddr};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::answer::{Answer, Fate, Log, Request};

/// The header in which a pipeline says which life it is.
pub(super) const LIFE: &str = "x-life";

pub(super) struct Collector {
    pub(super) address: SocketAddr,
    answer: watch::Sender<Answer>,
    log: Log,
    /// Keeps the port for us while nobody listens.
    _anchor: TcpSocket,
    /// There while the collector is.
    serving: Option<JoinHandle<()>>,
    /// Last: what is above lives in it.
    runtime: Runtime,
}

impl Collector {
    pub(super) fn start(log: Log) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(crate::support::COLLECTOR_THREAD)
            .enable_all()
            .build()
            .unwrap();
        let anchor = socket((Ipv4Addr::LOCALHOST, 0).into());
        let mut collector = Self {
            address: anchor.local_addr().unwrap(),
            answer: watch::Sender::new(Answer::Accepted),
            log,
            _anchor: anchor,
            serving: None,
            runtime,
        };
        collector.come_back();
        collector
    }

    pub(super) fn answer(&self) -> Answer {
        *self.answer.borrow()
    }

    /// Whoever is kept waiting is cut off.
    pub(super) fn set_answer(&self, answer: Answer) {
        self.answer.send_replace(answer);
    }

    pub(super) fn is_away(&self) -> bool {
        self.serving.is_none()
    }

    /// Closes the listener and every connection. Who connects is refused.
    pub(super) fn go_away(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = self.runtime.block_on(serving);
        }
    }

    pub(super) fn come_back(&mut self) {
        if !self.is_away() {
            return;
        }
        let _runtime = self.runtime.enter();
        let listener = socket(self.address).listen(128).unwrap();
        let (answer, log) = (self.answer.subscribe(), self.log.clone());
        self.serving = Some(self.runtime.spawn(accept(listener, answer, log)));
    }
}

/// One of several that may have the same address: who asks for any free port
/// does not get it, also while none of them listens.
fn socket(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// The connections end with it.
async fn accept(listener: TcpListener, answer: watch::Receiver<Answer>, log: Log) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, answer.clone(), log.clone()));
    }
}

/// Until the client goes or an answer wants the connection cut.
async fn serve(mut stream: TcpStream, mut answer: watch::Receiver<Answer>, log: Log) -> Option<()> {
    loop {
        let mut first = [0; 16];
        stream.read_exact(&mut first).await.ok()?;
        if *answer.borrow_and_update() == Answer::Reset {
            return None; // with bytes unread: a reset
        }
        let (life, spans) = read(&mut stream, &first).await?;
        stream.writable().await.ok()?;
        let now = *answer.borrow_and_update();
        // No `await` from here on: what is answered is in the log, also if this
        // task is ended at any time.
        let cut = {
            let mut log = log.lock();
            let (bytes, cut) = bytes_of(now);
            let written = stream.try_write(&bytes).is_ok_and(|n| n == bytes.len());
            let fate = if written {
                now.fate(spans.len() as u64)
            } else {
                Fate::Open
            };
            log.push(Request { life, spans, fate });
            cut
        };
        if now == Answer::Hold {
            answer.changed().await.ok()?;
        }
        if cut {
            return None;
        }
    }
}

/// What is sent, and whether the connection is closed then.
fn bytes_of(answer: Answer) -> (Vec<u8>, bool) {
    let whole = |status: &str, headers: &str, body: &[u8]| {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
        ([head.as_bytes(), body].concat(), false)
    };
    match answer {
        Answer::Accepted => whole("200 OK", "", b""),
        Answer::Partial(rejected) => whole("200 OK", "", &partial(rejected)),
        Answer::Warning => whole("200 OK", "", &partial(0)),
        Answer::CutInBody => {
            let text = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc";
            (text.to_vec(), true)
        }
        Answer::BadRequest => whole("400 Bad Request", "", b""),
        Answer::TooLarge => whole("413 Content Too Large", "", b""),
        Answer::ServerError => whole("500 Internal Server Error", "", b""),
        Answer::Unavailable => whole("503 Service Unavailable", "", b""),
        Answer::Throttled => whole("429 Too Many Requests", "retry-after: 0\r\n", b""),
        Answer::CutInHead => (b"HTTP/1.1 20".to_vec(), true),
        Answer::CutBefore | Answer::Reset | Answer::Hold => (Vec::new(), true),
    }
}

fn partial(rejected_spans: u64) -> Vec<u8> {
    let partial = ExportTracePartialSuccess {
        rejected_spans: rejected_spans as i64,
        error_message: "as the model wants it".to_owned(),
    };
    ExportTraceServiceResponse {
        partial_success: Some(partial),
    }
    .encode_to_vec()
}

/// The rest of a request: whose it is, and the names of its spans. `None` if
/// the client went away.
async fn read(stream: &mut TcpStream, first: &[u8]) -> Option<(usize, Vec<String>)> {
    let mut bytes = first.to_vec();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..end].to_vec())
        .unwrap()
        .to_lowercase();
    let number = |name: &str| -> usize {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap()
            .trim_start_matches(':')
            .trim()
            .parse()
            .unwrap()
    };
    let length = number("content-length");
    while bytes.len() < end + length {
        more(stream, &mut bytes).await?;
    }
    Some((number(LIFE), names(&bytes[end..])))
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(bytes).await.ok()?;
    (read > 0).then_some(())
}

/// The names of the spans in an OTLP request.
pub(super) fn names(body: &[u8]) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|r| r.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    spans.map(|span| span.name).collect()
}
