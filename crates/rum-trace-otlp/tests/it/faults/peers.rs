//! What a pipeline may find at the other end.

use std::any::Any;
use std::net::SocketAddr;

use rum_trace_loopback::reserved;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::support::http::{HttpCollector, Reply};
use crate::support::{Inbox, Server};

/// The other end, as long as the value lives.
pub(super) struct Peer {
    pub(super) url: String,
    pub(super) inbox: Inbox,
    _servers: Vec<Box<dyn Any + Send>>,
}

impl Peer {
    pub(super) fn new(url: String, inbox: Inbox, server: impl Any + Send) -> Self {
        Peer {
            url,
            inbox,
            _servers: vec![Box::new(server)],
        }
    }

    /// An HTTP collector that answers the n-th request so.
    pub(super) fn http(answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let collector = HttpCollector::answering(answer);
        Peer::new(collector.url(), collector.inbox.clone(), collector)
    }

    /// Nobody listens there.
    pub(super) fn dead() -> Self {
        Peer::nobody(format!("http://{}", reserved()))
    }

    /// There is no such host: the name is reserved for that (RFC 2606).
    pub(super) fn unknown_host() -> Self {
        Peer::nobody("http://collector.invalid:4318".to_owned())
    }

    fn nobody(url: String) -> Self {
        Peer::new(url, Inbox::default(), ())
    }

    /// Takes connections, and says nothing.
    pub(super) fn silent() -> Self {
        let server = Server::start(0, |listener| async move {
            let mut connections = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.push(stream);
            }
        });
        Peer::new(http_url(server.address), Inbox::default(), server)
    }

    /// This one behind a proxy that spoils the first connection.
    pub(super) fn spoiled(mut self, first: Spoiled) -> Self {
        let target = self.url.trim_start_matches("http://").parse().unwrap();
        let inbox = self.inbox.clone();
        let proxy = Server::start(0, move |listener| proxy(listener, target, first, inbox));
        self.url = http_url(proxy.address);
        self._servers.push(Box::new(proxy));
        self
    }
}

fn http_url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// What happens to the first connection through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoiled {
    /// Reset within the request.
    Reset,
    /// Closed when the collector has got the request, before its answer.
    AnswerLost,
    /// Nothing goes through.
    Silent,
}

async fn proxy(listener: TcpListener, target: SocketAddr, first: Spoiled, inbox: Inbox) {
    let mut kept = Vec::new();
    let mut spoil = Some(first);
    while let Ok((mut client, _)) = listener.accept().await {
        match spoil.take() {
            Some(Spoiled::Reset) => {
                // Closed with bytes unread, it is reset.
                let _ = client.read_exact(&mut [0; 20]).await;
            }
            Some(Spoiled::AnswerLost) => drop(lose_the_answer(client, target, &inbox).await),
            Some(Spoiled::Silent) => kept.push(client),
            None => {
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(target).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await
                });
            }
        }
    }
}

/// Forwards the request and nothing of what comes back.
async fn lose_the_answer(
    mut client: TcpStream,
    target: SocketAddr,
    inbox: &Inbox,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    let forwarding = tokio::io::copy(&mut client, &mut server);
    let received = async {
        while inbox.all().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        copied = forwarding => copied.map(drop),
        () = received => Ok(()),
    }
}
