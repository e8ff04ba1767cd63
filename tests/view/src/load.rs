//! Spans at a fixed rate, over several connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tokio::time::{Instant, sleep_until};
use tonic::transport::Channel;

use crate::LoadError;
use crate::spans::{SPANS_OF_A_TRACE, export};

const CONNECTIONS: u32 = 4;
/// In one request: about an SDK's batch.
const TRACES: u64 = 100;

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Amount {
    Time(Duration),
    Spans(u64),
}

/// What was sent, and answered as taken.
pub(crate) struct Sent {
    pub(crate) spans: u64,
    pub(crate) requests: u64,
    pub(crate) took: Duration,
}

#[derive(Default)]
struct Counters {
    next: AtomicU64,
    spans: AtomicU64,
    requests: AtomicU64,
}

/// When a connection sends no more.
#[derive(Clone, Copy, Debug)]
enum End {
    At(Instant),
    /// All of them together, with this many.
    Trace(u64),
}

impl End {
    fn is_here(self, due: Instant, counters: &Counters) -> bool {
        match self {
            End::At(until) => due.max(Instant::now()) >= until,
            End::Trace(last) => counters.next.load(Ordering::Relaxed) >= last,
        }
    }
}

pub(crate) async fn send(url: String, rate: u32, amount: Amount) -> Result<Sent, LoadError> {
    let counters = Arc::new(Counters::default());
    let start = Instant::now();
    let end = match amount {
        Amount::Time(time) => End::At(start + time),
        Amount::Spans(spans) => End::Trace(spans / SPANS_OF_A_TRACE),
    };
    let spans = u32::try_from(TRACES.saturating_mul(SPANS_OF_A_TRACE)).unwrap_or(u32::MAX);
    // Of one connection.
    let pause = Duration::from_secs(1) * spans * CONNECTIONS / rate;
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..CONNECTIONS {
        let client = TraceServiceClient::connect(url.clone()).await;
        let client = client.map_err(|error| LoadError::Grpc(error.to_string()))?;
        let first = start + pause * number / CONNECTIONS;
        senders.spawn(one(client, first, pause, end, Arc::clone(&counters)));
    }
    while let Some(ended) = senders.join_next().await {
        ended.map_err(|error| LoadError::Grpc(error.to_string()))??;
    }
    Ok(Sent {
        spans: counters.spans.load(Ordering::Relaxed),
        requests: counters.requests.load(Ordering::Relaxed),
        took: start.elapsed(),
    })
}

/// By a timetable: who is late sends at once what is due, so that a slow answer
/// lowers no rate unless it cannot be caught up.
async fn one(
    mut client: TraceServiceClient<Channel>,
    first: Instant,
    pause: Duration,
    end: End,
    counters: Arc<Counters>,
) -> Result<(), LoadError> {
    let mut due = first;
    while !end.is_here(due, &counters) {
        sleep_until(due).await;
        due += pause;
        let first = counters.next.fetch_add(TRACES, Ordering::Relaxed);
        // No trace has the number 0, and with it no id.
        let first = first.saturating_add(1);
        let answer = client.export(export(first, TRACES, now())).await;
        let answer = answer.map_err(|status| LoadError::Grpc(status.to_string()))?;
        if let Some(partial) = answer.into_inner().partial_success {
            return Err(LoadError::Grpc(partial.error_message));
        }
        counters.requests.fetch_add(1, Ordering::Relaxed);
        counters
            .spans
            .fetch_add(TRACES.saturating_mul(SPANS_OF_A_TRACE), Ordering::Relaxed);
    }
    Ok(())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}
