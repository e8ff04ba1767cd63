//! What is called: it keeps every byte of every request, and answers 200.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::OWN_HOST;

type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

/// It stops when this is dropped.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    kept: Kept,
    task: JoinHandle<()>,
}

impl Peer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((OWN_HOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let kept = Kept::default();
        let task = tokio::spawn(serve(listener, Arc::clone(&kept)));
        Peer {
            address,
            kept,
            task,
        }
    }

    pub(super) fn requests(&self) -> Vec<Vec<u8>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, kept: Kept) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&kept)));
    }
}

async fn answer(mut stream: TcpStream, kept: Kept) -> Option<()> {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut buffer = [0; 8_192];
        let read = stream.read(&mut buffer).await.ok()?;
        if read == 0 {
            break;
        }
        request.extend_from_slice(&buffer[..read]);
    }
    // Before the answer: whoever has that finds this.
    kept.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).await.ok()
}

/// With as much of a body as it says.
fn is_whole(request: &[u8]) -> bool {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name == "content-length").then(|| value.trim().parse().ok())?
    });
    request.len() >= end + 4 + length.unwrap_or(0_usize)
}
