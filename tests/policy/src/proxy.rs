//! A proxy that adds what it knows at the right end of what came, as proxies do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::client::connect;

/// The longest head that it takes.
const MAX_HEAD: usize = 64 * 1024;

/// What a proxy writes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// An entry at the end of `X-Forwarded-For`; `X-Forwarded-Proto` and `-Host` as its
    /// own, in place of what came. Everything else as it came.
    XForwarded,
    /// The same in lines of its own, behind those that came.
    XForwardedLines,
    /// An element at the end of `Forwarded`. Everything else as it came.
    Forwarded,
}

/// A proxy on a free port of an address of its own, which speaks HTTP/1.1 with one
/// request to a connection. It stops when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts it in front of a service or of another proxy. It tells that clients reach
    /// it by `https`, as `shop.example`.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn start(at: Ipv4Addr, writes: Writes, next: SocketAddr) -> Self {
        let listener = TcpListener::bind((at, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let task = tokio::spawn(async move {
            while let Ok((client, peer)) = listener.accept().await {
                // What breaks off here is seen by the client.
                let _ = hand_on(client, peer, at, writes, next).await;
            }
        });
        Proxy { address, task }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hand_on(
    mut client: TcpStream,
    peer: SocketAddr,
    from: Ipv4Addr,
    writes: Writes,
    next: SocketAddr,
) -> io::Result<()> {
    let head = read_head(&mut client).await?;
    let head = writes.to(&head, peer);
    let mut server = connect(from, next).await?;
    server.write_all(head.as_bytes()).await?;
    tokio::io::copy(&mut server, &mut client).await?;
    client.shutdown().await
}

async fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(client.read_u8().await?);
    }
    String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into())
}

impl Writes {
    /// The head with what the proxy adds.
    fn to(self, head: &str, peer: SocketAddr) -> String {
        let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
        lines.retain(|line| !line.is_empty());
        let client = peer.ip().to_string();
        match self {
            Writes::XForwarded => {
                append(&mut lines, "x-forwarded-for", &client);
                set(&mut lines, "x-forwarded-proto", "https");
                set(&mut lines, "x-forwarded-host", "shop.example");
            }
            Writes::XForwardedLines => {
                lines.push(format!("X-Forwarded-For: {client}"));
                lines.push("X-Forwarded-Proto: https".to_owned());
                lines.push("X-Forwarded-Host: shop.example".to_owned());
            }
            Writes::Forwarded => {
                let port = peer.port();
                let element = format!("for=\"{client}:{port}\";proto=https;host=shop.example");
                append(&mut lines, "forwarded", &element);
            }
        }
        lines.join("\r\n") + "\r\n\r\n"
    }
}

fn has_name(line: &str, name: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
}

/// To the end of the last line of this name, or in one of its own.
fn append(lines: &mut Vec<String>, name: &str, value: &str) {
    match lines.iter_mut().rfind(|line| has_name(line, name)) {
        Some(line) => line.push_str(&format!(", {value}")),
        None => lines.push(format!("{name}: {value}")),
    }
}

fn set(lines: &mut Vec<String>, name: &str, value: &str) {
    lines.retain(|line| !has_name(line, name));
    lines.push(format!("{name}: {value}"));
}
