//! HTTP/1.1, byte for byte.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Cut, HOST, Head, PORT, Request, Response};

/// A connection; it stays open as long as the server keeps it.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
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
        Connection {
            stream: BufReader::new(stream),
        }
    }

    /// Writes these bytes.
    ///
    /// # Panics
    ///
    /// If the connection is closed.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("it is open");
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// If the server breaks off.
    pub async fn send(&mut self, request: &Request) -> Result<Response, Cut> {
        self.write(&bytes(request)).await;
        self.response(request.method).await
    }

    /// Reads the answer to a request with this method.
    ///
    /// # Errors
    ///
    /// If the server breaks off.
    pub async fn response(&mut self, method: &str) -> Result<Response, Cut> {
        let head = self.head().await.map_err(|_| Cut { head: None })?;
        let bodiless = method == "HEAD" || matches!(head.status, 101 | 204 | 304);
        let body = if bodiless {
            Ok(Vec::new())
        } else {
            self.body(&head).await
        };
        match body {
            Ok(body) => Ok(Response {
                head,
                body,
                ..Response::default()
            }),
            Err(_) => Err(Cut { head: Some(head) }),
        }
    }

    /// Reads a response's head.
    ///
    /// # Errors
    ///
    /// If the server breaks off, or does not speak HTTP.
    pub async fn head(&mut self) -> io::Result<Head> {
        let start = self.line().await?;
        let status = start
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut head = Head {
            status: status.ok_or_else(|| bad(&start))?,
            ..Head::default()
        };
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(head);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad(&line))?;
            let field = (name.to_ascii_lowercase(), value.trim().to_owned());
            head.headers.push(field);
        }
    }

    /// Reads until these bytes have come, whatever came before them.
    ///
    /// # Panics
    ///
    /// If the server breaks off before.
    pub async fn until(&mut self, bytes: &[u8]) {
        let mut read = Vec::new();
        while !read.ends_with(bytes) {
            read.push(self.stream.read_u8().await.expect("more will come"));
        }
    }

    /// Breaks the connection off, without an orderly end.
    ///
    /// # Panics
    ///
    /// If the socket refuses.
    pub fn reset(self) {
        let lingers = self.stream.get_ref().set_zero_linger();
        lingers.expect("TCP has this option");
    }

    /// Whether the server closes the connection, and sends nothing before.
    pub async fn is_closed(&mut self) -> bool {
        // A reset closes it too.
        self.stream.read_u8().await.is_err()
    }

    async fn body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if head.lines("transfer-encoding") == ["chunked"] {
            while self.chunk(&mut body).await? {}
        } else if let [length] = head.lines("content-length")[..] {
            body.resize(length.parse().map_err(|_| bad(length))?, 0);
            self.stream.read_exact(&mut body).await?;
        } else {
            self.stream.read_to_end(&mut body).await?;
        }
        Ok(body)
    }

    /// Reads a chunk; false if it was the last one.
    async fn chunk(&mut self, body: &mut Vec<u8>) -> io::Result<bool> {
        let length = self.line().await?;
        let length = usize::from_str_radix(&length, 16).map_err(|_| bad(&length))?;
        let start = body.len();
        body.resize(start + length, 0);
        self.stream.read_exact(&mut body[start..]).await?;
        self.line().await?;
        Ok(length > 0)
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let end = line.strip_suffix("\r\n");
        Ok(end.ok_or(io::ErrorKind::UnexpectedEof)?.to_owned())
    }
}

/// The bytes of a request.
#[must_use]
pub fn bytes(request: &Request) -> Vec<u8> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n",
        request.method, request.target
    );
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !request.body.is_empty() {
        head += &format!("Content-Length: {}\r\n", request.body.len());
    }
    head += "\r\n";
    [head.as_bytes(), &request.body].concat()
}

fn bad(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {line:?}"))
}
