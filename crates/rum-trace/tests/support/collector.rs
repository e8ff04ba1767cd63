//! A collector: OTLP over HTTP/protobuf, which keeps the names of spans.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::PATIENCE;

/// It listens for as long as the test's process lives.
pub(crate) struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    spans: Vec<Span>,
    held: bool,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&theirs);
                thread::spawn(move || shared.serve(stream.expect("a connection")));
            }
        });
        Collector { address, shared }
    }

    /// One that answers nothing before `release`.
    pub(crate) fn start_held() -> Self {
        let collector = Self::start();
        collector.shared.change(|state| state.held = true);
        collector
    }

    pub(crate) fn release(&self) {
        self.shared.change(|state| state.held = false);
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has arrived.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.shared.change(|state| state.spans.clone())
    }

    /// Their names, in the order of the alphabet.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.spans().into_iter().map(|span| span.name).collect();
        names.sort();
        names
    }

    /// Waits until a span has arrived, whether or not it was answered.
    pub(crate) fn wait_for_a_span(&self) {
        self.shared.wait(|state| !state.spans.is_empty());
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        self.changed.notify_all();
        result
    }

    fn wait(&self, until: impl Fn(&State) -> bool) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !until(state));
        let waited = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.1.timed_out(), "the collector waited in vain");
    }

    fn serve(&self, stream: TcpStream) {
        let mut answers = stream.try_clone().expect("a second handle");
        let mut requests = BufReader::new(stream);
        while let Some(body) = read_request(&mut requests) {
            let request = ExportTraceServiceRequest::decode(&*body).expect("OTLP");
            let of_scopes = request.resource_spans.into_iter();
            let scopes = of_scopes.flat_map(|resource| resource.scope_spans);
            let spans = scopes.flat_map(|scope| scope.spans);
            self.change(|state| state.spans.extend(spans));
            self.wait(|state| !state.held);
            // An `ExportTraceServiceResponse` without fields has no bytes.
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
            if answers.write_all(answer.as_bytes()).is_err() {
                return; // The client's own failure tells more.
            }
        }
    }
}

/// The body of the next request; none at the end of the connection.
fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}
