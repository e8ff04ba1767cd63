//! HTTP/2 with prior knowledge.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Ping, PingPong, Reason, RecvStream, SendStream};
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::{Cut, HOST, Head, PORT, Request, Response};

/// A connection.
#[derive(Debug)]
pub struct Connection {
    send: SendRequest<Bytes>,
    ping: PingPong,
    driver: JoinHandle<()>,
    /// The same socket once more.
    socket: TcpStream,
}

/// A request on its way.
#[derive(Debug)]
pub struct Call {
    request: SendStream<Bytes>,
    response: ResponseFuture,
}

/// A response of which the head has come.
#[derive(Debug)]
pub struct Answer {
    /// The head.
    pub head: Head,
    request: SendStream<Bytes>,
    body: RecvStream,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    pub async fn open(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.expect("the server listens");
        stream.set_nodelay(true).expect("TCP has this option");
        let (stream, socket) = twice(stream);
        // The client does not mind many small frames.
        let mut client = h2::client::Builder::new();
        let client = client.data_frame_budget(usize::MAX);
        let handshake = client.handshake(stream).await;
        let (send, mut connection) = handshake.expect("the server speaks HTTP/2");
        let ping = connection.ping_pong().expect("it is taken once");
        // How it ends is seen on the requests.
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        Connection {
            send,
            ping,
            driver,
            socket,
        }
    }

    /// Sends a request, and does not wait.
    ///
    /// # Panics
    ///
    /// If the connection is closed.
    pub async fn start(&mut self, request: &Request) -> Call {
        let mut send = self.send.clone().ready().await.expect("it is open");
        let head = head_of(request);
        let ends = request.body.is_empty();
        let (response, mut stream) = send.send_request(head, ends).expect("it is open");
        if !ends {
            let body = Bytes::from(request.body.clone());
            stream.send_data(body, true).expect("the stream is open");
        }
        Call {
            request: stream,
            response,
        }
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// If the server breaks off.
    pub async fn send(&mut self, request: &Request) -> Result<Response, Cut> {
        let call = self.start(request).await;
        call.head().await?.rest().await
    }

    /// Closes the connection, and waits until the server has closed it too.
    pub async fn hang_up(mut self) {
        self.driver.abort();
        // Also when it had ended before.
        let _ = (&mut self.driver).await;
        // A server that resets it has closed it too.
        let _ = self.socket.shutdown().await;
        let _ = self.socket.read_to_end(&mut Vec::new()).await;
    }

    /// Waits until the server has seen everything that was sent so far.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub async fn ping(&mut self) {
        self.ping.ping(Ping::opaque()).await.expect("a pong");
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Call {
    /// Waits for the head of the answer.
    ///
    /// # Errors
    ///
    /// If the server breaks off.
    pub async fn head(self) -> Result<Answer, Cut> {
        let response = self.response.await.map_err(|_| Cut { head: None })?;
        let (parts, body) = response.into_parts();
        Ok(Answer {
            head: Head {
                status: parts.status.as_u16(),
                headers: lines(&parts.headers),
            },
            request: self.request,
            body,
        })
    }

    /// Goes away.
    pub fn cancel(mut self) {
        self.request.send_reset(Reason::CANCEL);
    }
}

impl Answer {
    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    ///
    /// If the server breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Cut> {
        let cut = || Cut {
            head: Some(self.head.clone()),
        };
        let Some(chunk) = self.body.data().await else {
            return Ok(None);
        };
        let chunk = chunk.map_err(|_| cut())?;
        let returned = self.body.flow_control().release_capacity(chunk.len());
        returned.map_err(|_| cut())?;
        Ok(Some(chunk))
    }

    /// The rest of the answer.
    ///
    /// # Errors
    ///
    /// If the server breaks off.
    pub async fn rest(mut self) -> Result<Response, Cut> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        let trailers = self.body.trailers().await;
        let Ok(trailers) = trailers else {
            return Err(Cut {
                head: Some(self.head),
            });
        };
        Ok(Response {
            head: self.head,
            body,
            trailers: trailers.as_ref().map(lines).unwrap_or_default(),
        })
    }

    /// Goes away.
    pub fn cancel(mut self) {
        self.request.send_reset(Reason::CANCEL);
    }
}

/// A socket and its duplicate.
fn twice(stream: TcpStream) -> (TcpStream, TcpStream) {
    let stream = stream.into_std().expect("nothing is pending");
    let copy = stream.try_clone().expect("a file descriptor");
    let again = |stream| TcpStream::from_std(stream).expect("it does not block");
    (again(stream), again(copy))
}

fn head_of(request: &Request) -> http::Request<()> {
    let uri = format!("http://{HOST}:{PORT}{}", request.target);
    let mut head = http::Request::builder().method(request.method).uri(uri);
    for (name, value) in &request.headers {
        head = head.header(name, value);
    }
    if !request.body.is_empty() {
        head = head.header("content-length", request.body.len());
    }
    head.body(()).expect("a valid request")
}

fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}
