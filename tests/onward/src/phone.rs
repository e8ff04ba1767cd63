//! A phone's connection, by hand: it can be broken off at any time.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::in_time;
use crate::taps::Tap;

/// A request that was sent. Dropped, it hangs up.
#[derive(Debug)]
pub struct Sent(TcpStream);

impl Sent {
    /// Sends it.
    ///
    /// # Panics
    ///
    /// If nobody is there.
    pub async fn new(address: SocketAddr, path: &str, tap: &Tap) -> Self {
        let mut head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        for (name, value) in &tap.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(head.as_bytes()).await.expect("it reads");
        Sent(stream)
    }

    /// The whole answer.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn answer(mut self) -> String {
        let mut answer = String::new();
        let read = in_time(self.0.read_to_string(&mut answer)).await;
        read.expect("an answer");
        answer
    }

    /// The phone has gone.
    pub fn hang_up(self) {
        drop(self);
    }
}
