//! Requests at a steady rate over connections that are kept open, and how long
//! each took.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How much, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) per_second: u32,
    pub(crate) lasts: Duration,
}

/// How long the requests took, in microseconds, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies {
    sorted: Vec<u32>,
    /// Requests that got no answer.
    pub(crate) failed: u64,
}

impl Latencies {
    pub(crate) fn answered(&self) -> u64 {
        self.sorted.len() as u64
    }

    /// The one that so many of a thousand do not exceed.
    pub(crate) fn per_mille(&self, part: usize) -> u32 {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get(last * part / 1_000).copied().unwrap_or(0)
    }
}

/// Sends the load to a service on this port. A request that gets no answer ends
/// its connection: the service has gone.
pub(crate) async fn send(port: u16, load: Load) -> Result<Latencies, BoxError> {
    let connections = load.per_second.min(16);
    let period = Duration::from_secs(1) * connections / load.per_second;
    let mut tasks = JoinSet::new();
    let start = Instant::now() + Duration::from_millis(10);
    for number in 0..connections {
        let client = connect(port).await?;
        let first = start + period * number / connections;
        let requests = load.lasts.as_micros() / period.as_micros();
        tasks.spawn(steadily(client, first, period, requests));
    }
    let mut all = Latencies::default();
    while let Some(done) = tasks.join_next().await {
        let (took, failed) = done?;
        all.sorted.extend(took);
        all.failed += failed;
    }
    all.sorted.sort_unstable();
    Ok(all)
}

/// What a GET of this path is answered.
pub(crate) async fn get(port: u16, path: &str) -> Result<Bytes, BoxError> {
    let mut client = connect(port).await?;
    request(&mut client, path).await
}

async fn connect(port: u16) -> Result<SendRequest<Empty<Bytes>>, BoxError> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let (client, connection) = handshake(TokioIo::new(stream)).await?;
    // Its end is seen by the requests.
    tokio::spawn(connection);
    Ok(client)
}

async fn request(client: &mut SendRequest<Empty<Bytes>>, path: &str) -> Result<Bytes, BoxError> {
    client.ready().await?;
    let request = hyper::Request::get(path)
        .header("host", "127.0.0.1")
        .body(Empty::new())?;
    let response = client.send_request(request).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

async fn steadily(
    mut client: SendRequest<Empty<Bytes>>,
    first: Instant,
    period: Duration,
    requests: u128,
) -> (Vec<u32>, u64) {
    let mut ticks = interval_at(first.into(), period);
    // Late ones are made up for, as users do not wait for each other.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut took = Vec::new();
    for _ in 0..requests {
        ticks.tick().await;
        let sent = Instant::now();
        if request(&mut client, "/work").await.is_err() {
            return (took, 1);
        }
        took.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    (took, 0)
}
