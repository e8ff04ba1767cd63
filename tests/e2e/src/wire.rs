//! A client that writes header lines byte for byte: their order, the case of
//! their names and repeated names are what some tests are about.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use crate::mutate::Line;
use crate::{PATIENCE, http1};

/// A keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    #[must_use]
    pub fn open(to: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&to, PATIENCE)
            .unwrap_or_else(|error| panic!("connect to {to}: {error}"));
        for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
            set(&stream, Some(PATIENCE)).expect("the patience is not zero");
        }
        // Requests are small and wait for their answers.
        stream.set_nodelay(true).expect("TCP has this option");
        let stream = BufReader::new(stream);
        Connection { stream }
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Panics
    ///
    /// If the server does not answer, or not in HTTP.
    pub fn send(&mut self, method: &str, path: &str, headers: &[Line], body: &[u8]) -> Answer {
        let request = request(method, path, headers, body);
        let sent = self.stream.get_mut().write_all(&request);
        sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let message = http1::read(&mut self.stream)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
            .unwrap_or_else(|| panic!("{method} {path}: the server hung up"));
        let status = message.start.split(' ').nth(1);
        let status = status.and_then(|status| status.parse().ok());
        Answer {
            status: status.unwrap_or_else(|| panic!("{method} {path}: {}", message.start)),
            body: String::from_utf8_lossy(&message.body).into_owned(),
        }
    }
}

/// The bytes of a request. `Host` goes first and `Content-Length` last.
fn request(method: &str, path: &str, headers: &[Line], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: service.test\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
    bytes.extend(body);
    bytes
}
