//! HTTP/1.1 and HTTP/2 on one socket, bounded in connections and in time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tower_service::Service as _;

use super::idle::{Answering, Requests};

/// How long an accept that failed, for want of file descriptors, is not repeated.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
/// How long a connection may take to close once it was asked to.
const FAREWELL: Duration = Duration::from_secs(2);
const MAX_HEADERS: u32 = 16 * 1024;
const MAX_HTTP1_BUFFER: usize = 64 * 1024;
/// How often HTTP/2 asks a connection with requests on it whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Requests at a time on one connection.
const MAX_STREAMS: u32 = 64;

/// What a server puts up with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Connections at a time; further ones are closed at once.
    pub(crate) connections: usize,
    /// How long a connection may take to its first request.
    pub(crate) first_request: Duration,
    /// How long it may then be without one.
    pub(crate) idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connections: 256,
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(120),
        }
    }
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Connections that are closed at once, since there are too many, are
    /// counted in `turned_away`.
    pub(crate) async fn start(
        address: SocketAddr,
        app: Router,
        patience: Patience,
        turned_away: &Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let acceptor = Acceptor {
            listener,
            app,
            patience,
            stopped,
            turned_away: Arc::clone(turned_away),
        };
        Ok(Self {
            address,
            stop,
            task: tokio::spawn(acceptor.run()),
        })
    }

    /// Where it listens, with the port that it got.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets requests under way end, and waits for
    /// them, for a short while.
    pub(crate) async fn stop(mut self) {
        // The receiver is gone only if the task is.
        let _ = self.stop.send(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Acceptor {
    listener: TcpListener,
    app: Router,
    patience: Patience,
    stopped: watch::Receiver<bool>,
    turned_away: Arc<AtomicU64>,
}

impl Acceptor {
    async fn run(self) {
        let places = Arc::new(Semaphore::new(self.patience.connections));
        // Connections end with the set.
        let mut connections = JoinSet::new();
        let mut stopped = self.stopped.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stopped.wait_for(|stopped| *stopped) => break,
                Some(_) = connections.join_next() => continue,
            };
            let Ok((stream, _)) = accepted else {
                sleep(AFTER_FAILURE).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                self.turned_away.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let served = serve(
                stream,
                self.app.clone(),
                self.patience,
                self.stopped.clone(),
            );
            connections.spawn(async move {
                served.await;
                drop(place);
            });
        }
        // Closed first: who connects now is told so at once.
        drop(self.listener);
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, all).await;
    }
}

async fn serve(
    stream: TcpStream,
    app: Router,
    patience: Patience,
    mut stopped: watch::Receiver<bool>,
) {
    // Answers are small: none waits for another.
    let _ = stream.set_nodelay(true);
    let requests = Requests::new();
    let service = service_fn(|request: Request<Incoming>| {
        let (mut app, under_way) = (app.clone(), requests.begin());
        async move {
            let response: Result<Response<Body>, Infallible> = app.call(request).await;
            response.map(|response| response.map(|body| Answering { body, under_way }))
        }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = requests.out_of(patience) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(FAREWELL, connection).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    (builder.http1())
        .timer(TokioTimer::new())
        // `Requests` knows of both versions, and of a connection that never
        // says which it is.
        .header_read_timeout(None)
        .max_buf_size(MAX_HTTP1_BUFFER);
    (builder.http2())
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEADERS)
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(KEEP_ALIVE);
    builder
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::routing::get;
    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::mpsc;

    use super::*;

    struct Events(mpsc::Receiver<Bytes>);

    impl futures_core::Stream for Events {
        type Item = Result<Frame<Bytes>, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            let next = self.0.poll_recv(cx);
            next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    /// On real time: long enough for many an idle time to pass.
    #[tokio::test]
    async fn an_answer_under_way_is_not_idle_and_a_connection_without_one_is() {
        let (events, receiver) = mpsc::channel(1);
        let receiver = std::sync::Mutex::new(Some(receiver));
        let receiver = Arc::new(receiver);
        let stream = move || {
            let taken = receiver.lock().unwrap().take().unwrap();
            async move { Response::new(Body::new(StreamBody::new(Events(taken)))) }
        };
        let patience = Patience {
            idle: Duration::from_millis(20),
            ..Patience::default()
        };
        let app = Router::new().route("/", get(stream));
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::start(address, app, patience, &Arc::default()).await;
        let server = server.unwrap();
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
        client.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        for _ in 0..10 {
            sleep(patience.idle).await;
            events.send(Bytes::from_static(b"tick")).await.unwrap();
        }
        drop(events);
        // Whole, and then closed, since it is idle.
        let read = client.read_to_end(&mut answer);
        timeout(Duration::from_secs(60), read)
            .await
            .unwrap()
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert_eq!(answer.matches("tick").count(), 10, "{answer}");
        assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
    }
}
