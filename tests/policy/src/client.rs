//! A client that writes its requests itself, so that it can send what no library
//! would.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rum_trace_testing::PhoneRequest;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

use crate::service::Address;

/// More than any answer here has: a test must not grow without bound.
const MAX_ANSWER: u64 = 1 << 20;

/// A GET to be sent, on a connection of its own.
#[derive(Clone, Debug)]
pub struct Call {
    target: String,
    lines: Vec<(String, String)>,
    from: Ipv4Addr,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What a phone or a page sends with its tap.
#[must_use]
pub fn tap(tap: &PhoneRequest) -> Call {
    let headers = tap.headers().iter();
    headers.fold(Call::get("/items/42"), |call, (name, value)| {
        call.header(name, value)
    })
}

impl Call {
    /// A GET for this path, from [`CLIENT`](crate::CLIENT), of the host `inner.example`.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Call {
            target: target.to_owned(),
            lines: Vec::new(),
            from: crate::CLIENT,
        }
    }

    /// One more header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.to_owned(), value.to_owned()));
        self
    }

    /// From this address.
    #[must_use]
    pub fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = address;
        self
    }

    /// Sends it to a service.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub async fn send(&self, to: &Address) -> Answer {
        match to {
            Address::Tcp(address) => self.send_to(*address).await,
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                self.exchange(stream.expect("somebody listens")).await
            }
        }
    }

    /// Sends it to whoever listens there.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub async fn send_to(&self, to: SocketAddr) -> Answer {
        let stream = connect(self.from, to).await;
        self.exchange(stream.expect("somebody listens")).await
    }

    async fn exchange(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Answer {
        let head = self.head();
        stream.write_all(head.as_bytes()).await.expect("it is open");
        let mut answer = Vec::new();
        let mut stream = stream.take(MAX_ANSWER);
        stream.read_to_end(&mut answer).await.expect("an answer");
        Answer::of(&String::from_utf8(answer).expect("text"))
    }

    fn head(&self) -> String {
        let lines = self.lines.iter();
        let lines = lines.map(|(name, value)| format!("{name}: {value}\r\n"));
        format!(
            "GET {} HTTP/1.1\r\nHost: inner.example\r\nConnection: close\r\n{}\r\n",
            self.target,
            lines.collect::<String>()
        )
    }
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        Answer {
            status: status.expect("a status"),
            body: body.to_owned(),
        }
    }

    /// The value of a line of the body: a header that the service would send on.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<&str> {
        let mut lines = self.body.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }
}

/// A connection from this address.
pub(crate) async fn connect(from: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}
