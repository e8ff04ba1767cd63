//! A server without a framework, and its adapter in two pieces: what a request
//! is ([`RequestInfo`]), and where its span begins and ends.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rum_trace::{Failure, Instrumenter, RequestInfo, RumContext};

/// The longest request head that is read.
const MAX_HEAD: usize = 16 * 1024;

/// What the adapter needs of a request.
struct Request<'a> {
    method: &'a str,
    target: &'a str,
    headers: &'a [httparse::Header<'a>],
    peer: Option<SocketAddr>,
}

impl RequestInfo for Request<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or("/")
    }

    fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    // Every line, in order: a gateway may have split the tracestate.
    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for header in self.headers {
            visit(header.name, header.value);
        }
    }

    fn protocol_version(&self) -> Option<&'static str> {
        Some("1.1")
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}

/// Serves connections, one request each, until accepting one fails.
///
/// # Errors
///
/// The listener's error. A connection's own errors end that connection.
pub fn serve(listener: &TcpListener, instrumenter: &Instrumenter) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept()?;
        // A client that breaks off is its span's business, not the server's.
        let _ = serve_one(stream, peer, instrumenter);
    }
}

/// Serves one request on a connection.
///
/// # Errors
///
/// The connection's error; the span has told it by then.
pub fn serve_one(
    mut stream: TcpStream,
    peer: SocketAddr,
    instrumenter: &Instrumenter,
) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let head = read_head(&mut stream)?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(&head).map_err(io::Error::other)?;
    let request = Request {
        method: parsed.method.unwrap_or_default(),
        target: parsed.path.unwrap_or("/"),
        headers: parsed.headers,
        peer: Some(peer),
    };

    // The span begins here …
    let mut active = instrumenter.start(&request);
    let (status, body) = {
        // … is current while the handler runs …
        let _scope = active.scope();
        handle(&request)
    };
    active.set_route("/hello");
    active.on_response(&status);
    // … and ends with the last byte, or with what came instead.
    match respond(&mut stream, status, &body) {
        Ok(()) => active.finish(),
        Err(error) => {
            active.fail(Failure::ClientGone);
            return Err(error);
        }
    }
    Ok(())
}

fn handle(_request: &Request<'_>) -> (u16, String) {
    let rum = RumContext::current();
    (
        200,
        format!("hello, session {}\n", rum.session_id().unwrap_or("unknown")),
    )
}

fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut chunk)?;
        if read == 0 || head.len() > MAX_HEAD {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "no request head",
            ));
        }
        head.extend_from_slice(chunk.get(..read).unwrap_or_default());
    }
    Ok(head)
}

fn respond(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
