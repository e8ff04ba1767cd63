//! A client that speaks HTTP to the byte, and can break off anywhere.

pub mod http1;
pub mod http2;

use std::net::SocketAddr;

/// The host that requests ask for.
pub const HOST: &str = "api.shop.example";
/// The port that they ask for, which is not the socket's.
pub const PORT: u16 = 8443;

/// A protocol that both frameworks speak on the same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

impl Protocol {
    /// Both.
    pub const ALL: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

    /// Its version as the conventions write it.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Protocol::Http1 => "1.1",
            Protocol::Http2 => "2",
        }
    }
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The header lines in order, without `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body; if it is empty there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        Request {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(target: impl Into<String>) -> Self {
        Request::new("GET", target)
    }

    /// A POST.
    #[must_use]
    pub fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Request {
            body: body.into(),
            ..Request::new("POST", target)
        }
    }

    /// One more header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// As a request for a WebSocket.
    #[must_use]
    pub fn upgrade(self) -> Self {
        self.header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    /// As from this caller.
    #[must_use]
    pub fn from(self, caller: Caller) -> Self {
        self.header("traceparent", caller.traceparent())
    }
}

/// The span of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Caller {
    trace: u128,
    span: u64,
}

impl Caller {
    /// A caller with ids of its own, by its number.
    #[must_use]
    pub const fn number(number: u64) -> Self {
        Caller {
            trace: (0xca11_0000_0000_0000_u128 << 64) | (number as u128 + 1),
            span: 0xca11_e200_0000_0000 | (number + 1),
        }
    }

    /// The trace's id in hex.
    #[must_use]
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The span's id in hex.
    #[must_use]
    pub fn span_id(self) -> String {
        format!("{:016x}", self.span)
    }

    /// The header, sampled.
    #[must_use]
    pub fn traceparent(self) -> String {
        format!("00-{}-{}-01", self.trace_id(), self.span_id())
    }
}

/// A response's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The header lines in order, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The values of all lines with this name.
    #[must_use]
    pub fn lines(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(found, _)| found == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }
}

/// A whole response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Its head.
    pub head: Head,
    /// Its body.
    pub body: Vec<u8>,
    /// Its trailers.
    pub trailers: Vec<(String, String)>,
}

impl Response {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The body, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The server broke off: before the head, or in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The head, if it came.
    pub head: Option<Head>,
}

/// A connection in one of the protocols.
#[derive(Debug)]
pub enum Client {
    /// HTTP/1.1.
    Http1(http1::Connection),
    /// HTTP/2.
    Http2(http2::Connection),
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    pub async fn open(protocol: Protocol, to: SocketAddr) -> Self {
        match protocol {
            Protocol::Http1 => Client::Http1(http1::Connection::open(to).await),
            Protocol::Http2 => Client::Http2(http2::Connection::open(to).await),
        }
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// If the server breaks off.
    pub async fn send(&mut self, request: &Request) -> Result<Response, Cut> {
        match self {
            Client::Http1(connection) => connection.send(request).await,
            Client::Http2(connection) => connection.send(request).await,
        }
    }

    /// The same, when the answer must be whole.
    ///
    /// # Panics
    ///
    /// If the server breaks off.
    pub async fn ask(&mut self, request: &Request) -> Response {
        let answer = self.send(request).await;
        answer.unwrap_or_else(|cut| panic!("{request:?} was answered with {cut:?}"))
    }
}
