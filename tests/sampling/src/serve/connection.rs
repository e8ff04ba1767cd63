//! A client's connection, which many requests go over.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::{Answer, PATIENCE, Tap};

/// More than any answer here has.
const MAX_ANSWER: usize = 1 << 20;

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    #[must_use]
    pub fn to(host: SocketAddr) -> Self {
        let stream = TcpStream::connect(host).expect("somebody listens");
        stream.set_nodelay(true).expect("a socket can");
        let timeout = stream.set_read_timeout(Some(PATIENCE));
        timeout.expect("more than no time");
        Connection {
            stream: BufReader::new(stream),
            host,
        }
    }

    /// Sends a request, and waits for the whole answer.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn call(&mut self, tap: &Tap) -> Answer {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\n",
            tap.method, tap.path, self.host
        );
        for (name, value) in &tap.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("content-length: 0\r\n\r\n");
        let written = self.stream.get_mut().write_all(head.as_bytes());
        written.expect("it reads");
        self.answer()
    }

    fn answer(&mut self) -> Answer {
        let head = self.line();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        let mut length = 0;
        loop {
            let line = self.line().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            assert!(
                !line.starts_with("transfer-encoding:"),
                "it tells its length"
            );
        }
        assert!(length <= MAX_ANSWER, "{length} bytes");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        Answer {
            status: status.expect("a status"),
            body: String::from_utf8(body).expect("text"),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        assert!(line.ends_with("\r\n"), "the answer broke off: {line:?}");
        line.truncate(line.len() - 2);
        line
    }
}
