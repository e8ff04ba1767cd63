//! The collector over HTTP.

use std::convert::Infallible;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::{Inbox, Received, Server};

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    pub delay: Duration,
}

impl Reply {
    pub fn ok() -> Self {
        Self::status(200)
    }

    pub fn status(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            headers: Vec::new(),
            body: Bytes::new(),
            delay: Duration::ZERO,
        }
    }

    pub fn partial(rejected: i64, message: &str) -> Self {
        let response = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message: message.to_owned(),
            }),
        };
        Self {
            body: response.encode_to_vec().into(),
            ..Self::ok()
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Answer = dyn Fn(usize) -> Reply + Send + Sync;

/// A collector that takes OTLP over HTTP/1.1 with protobuf bodies.
pub struct HttpCollector {
    pub inbox: Inbox,
    server: Server,
    scheme: &'static str,
}

impl HttpCollector {
    /// Accepts everything.
    pub fn start() -> Self {
        Self::answering(|_| Reply::ok())
    }

    /// Answers the n-th request, from 0, with `answer(n)`.
    pub fn answering(answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::serving(0, Vec::new(), answer)
    }

    /// Accepts everything, over TLS.
    pub fn tls(acceptor: TlsAcceptor) -> Self {
        Self::serving(0, vec![acceptor], |_| Reply::ok())
    }

    /// Accepts everything, over TLS; the first connection with the first of
    /// these and all others with the second.
    pub fn tls_mended(first: TlsAcceptor, then: TlsAcceptor) -> Self {
        Self::serving(0, vec![first, then], |_| Reply::ok())
    }

    /// Accepts everything, at a port that another one had.
    pub fn on(port: u16) -> Self {
        Self::serving(port, Vec::new(), |_| Reply::ok())
    }

    fn serving(
        port: u16,
        tls: Vec<TlsAcceptor>,
        answer: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let inbox = Inbox::default();
        let scheme = if tls.is_empty() { "http" } else { "https" };
        let state = Arc::new(State {
            inbox: inbox.clone(),
            count: AtomicUsize::new(0),
            answer: Box::new(answer),
        });
        let server = Server::start(port, move |listener| async move {
            let mut acceptors = tls.iter();
            let mut acceptor = None;
            while let Ok((stream, _)) = listener.accept().await {
                // The last one serves for all that follow.
                acceptor = acceptors.next().or(acceptor);
                let (tls, state) = (acceptor.cloned(), Arc::clone(&state));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, state).await,
                        Some(tls) => match tls.accept(stream).into_fallible().await {
                            Ok(stream) => serve(stream, state).await,
                            // It does not trust us, or we do not trust it. Closed
                            // at once, the connection would be reset, and our
                            // alert might be lost with it.
                            Err((_, mut stream)) => {
                                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                            }
                        },
                    }
                });
            }
        });
        Self {
            inbox,
            server,
            scheme,
        }
    }

    /// `http://127.0.0.1:PORT`, or with https and the name `localhost`.
    pub fn url(&self) -> String {
        let port = self.server.address.port();
        match self.scheme {
            "https" => format!("https://localhost:{port}"),
            scheme => format!("{scheme}://127.0.0.1:{port}"),
        }
    }
}

struct State {
    inbox: Inbox,
    count: AtomicUsize,
    answer: Box<Answer>,
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(receive(request, &state).await) }
    });
    // A client may go away at any time.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn receive(request: Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    let reply = (state.answer)(state.count.fetch_add(1, Ordering::SeqCst));
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let encoding = head
        .headers
        .get("content-encoding")
        .map(|v| v.to_str().unwrap());
    let request = ExportTraceServiceRequest::decode(&*decompress(encoding, &body)).unwrap();
    state.inbox.push(Received {
        path: head.uri.to_string(),
        headers: head.headers,
        request,
    });
    tokio::time::sleep(reply.delay).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(reply.body)).unwrap()
}

fn decompress(encoding: Option<&str>, body: &[u8]) -> Vec<u8> {
    match encoding {
        None => body.to_vec(),
        Some("gzip") => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(body)
                .read_to_end(&mut plain)
                .unwrap();
            plain
        }
        Some("zstd") => zstd::decode_all(body).unwrap(),
        Some(other) => panic!("unknown encoding {other}"),
    }
}
