//! One row with one pipeline.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::{AbortHandle, JoinHandle};

use crate::BoxError;
use crate::child::{self, End, Service};
use crate::collector::{Collector, Received};
use crate::load::{self, Latencies};
use crate::report::Books;
use crate::rows::{Ending, Row, Weather};
use crate::service::{Kind, Setup, Transport};

/// How long a restarted service may take to send what is on disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    pub(crate) latencies: Latencies,
    pub(crate) received: Received,
    pub(crate) created: u64,
    pub(crate) end: End,
    /// What was on disk when the service was killed.
    pub(crate) spooled: u64,
    /// The last words of a service that was started again on the same spool.
    pub(crate) second: Option<End>,
    /// What the books said under load.
    pub(crate) looks: Looks,
}

/// Of the books, from the beginning of the load to its end, outages included.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Looks {
    /// How often.
    pub(crate) times: u64,
    /// How often spans were in no count.
    pub(crate) wrong: u64,
    /// The most that were on disk.
    pub(crate) spooled: u64,
    /// At the last look.
    pub(crate) exported: u64,
}

pub(crate) async fn run(row: &Row, kind: Kind) -> Result<Outcome, BoxError> {
    let directory = tempfile::tempdir()?;
    let mut collector = Collector::new(delay(row), row.transport);
    let setup = setup(row, kind, &collector, directory.path());
    if row.collector != Weather::Away {
        come(&mut collector).await?;
    }
    let service = Service::start(&setup)?;
    let load = tokio::spawn(load::send(service.port, row.load));
    let looks = tokio::spawn(look(service.port, load.abort_handle()));
    let mut outcome = match row.end {
        Ending::TerminatedUnderLoad { .. } => end_under_load(row, service, load).await?,
        _ => end_after_load(row, service, load, &mut collector).await?,
    };
    outcome.looks = looks.await?;
    if setup.spool.is_some() {
        outcome.second = Some(start_again(&setup, &mut collector).await?);
    }
    outcome.received = tokio::task::block_in_place(|| collector.received());
    outcome.kind = kind;
    tokio::task::block_in_place(|| collector.go());
    Ok(outcome)
}

fn delay(row: &Row) -> Duration {
    match row.collector {
        Weather::Slow(delay) => delay,
        _ => Duration::ZERO,
    }
}

fn setup(row: &Row, kind: Kind, collector: &Collector, directory: &Path) -> Setup {
    let spool = row.spool && kind == Kind::Ours;
    Setup {
        kind,
        collector: collector.url(),
        spans: row.spans,
        grpc: row.transport == Transport::Grpc,
        gzip: row.transport == Transport::HttpGzip,
        max_queue_size: row.max_queue_size,
        max_kept_bytes: row.max_kept_bytes,
        spool: spool.then(|| directory.to_owned()),
        panic_at: row.panic_at,
        no_signal_handler: row.end == Ending::TerminatedUnderLoad { sdk_handler: false },
    }
}

/// A runtime is made and unmade in it.
async fn come(collector: &mut Collector) -> Result<(), BoxError> {
    tokio::task::block_in_place(|| collector.come())?;
    Ok(())
}

type Sending = JoinHandle<Result<Latencies, BoxError>>;

async fn end_after_load(
    row: &Row,
    service: Service,
    load: Sending,
    collector: &mut Collector,
) -> Result<Outcome, BoxError> {
    if let Weather::Outage { after, lasts } = row.collector {
        tokio::time::sleep(after).await;
        tokio::task::block_in_place(|| collector.go());
        tokio::time::sleep(lasts).await;
        come(collector).await?;
    }
    let latencies = load.await??;
    let spooled = match row.end {
        Ending::Killed => settled(&service).await?.spooled,
        _ => 0,
    };
    let end = tokio::task::block_in_place(|| match row.end {
        Ending::Killed => service.kill(),
        _ => service.terminate(),
    })?;
    Ok(outcome(row, latencies, end, spooled))
}

async fn end_under_load(
    row: &Row,
    service: Service,
    sending: Sending,
) -> Result<Outcome, BoxError> {
    tokio::time::sleep(row.load.lasts * 2 / 3).await;
    let end = tokio::task::block_in_place(|| service.terminate())?;
    Ok(outcome(row, sending.await??, end, 0))
}

fn outcome(row: &Row, latencies: Latencies, end: End, spooled: u64) -> Outcome {
    // A service that died without a word made what it answered for.
    let answered = latencies.answered() * row.spans as u64;
    let created = end
        .farewell
        .as_ref()
        .map_or(answered, |it| it.books.created);
    Outcome {
        kind: Kind::Nothing,
        latencies,
        received: Received::default(),
        created,
        end,
        spooled,
        second: None,
        looks: Looks::default(),
    }
}

/// Looks at the books as long as the load runs. A service that has ended shows
/// none.
async fn look(port: u16, load: AbortHandle) -> Looks {
    let mut looks = Looks::default();
    while !load.is_finished() {
        if let Ok(books) = child::books(port).await {
            // What is answered after the load says nothing of it.
            if load.is_finished() {
                break;
            }
            looks.see(&books);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    looks
}

impl Looks {
    fn see(&mut self, books: &Books) {
        self.times += 1;
        self.wrong += u64::from(books.in_no_count() != 0);
        self.spooled = self.spooled.max(books.spooled);
        self.exported = books.exported;
    }
}

/// The books when nothing moves any more: all in memory that will go to the
/// disk has gone there.
async fn settled(service: &Service) -> Result<Books, BoxError> {
    let end = Instant::now() + PATIENCE;
    let mut before = service.books().await?;
    loop {
        // Longer than the longest wait between two batches.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let books = service.books().await?;
        if books == before || Instant::now() > end {
            return Ok(books);
        }
        before = books;
    }
}

/// The same service once more, with the collector there, until the spool is
/// empty.
async fn start_again(setup: &Setup, collector: &mut Collector) -> Result<End, BoxError> {
    tokio::task::block_in_place(|| collector.go());
    come(collector).await?;
    let service = Service::start(setup)?;
    let end = Instant::now() + PATIENCE;
    while service.books().await?.spooled > 0 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::task::block_in_place(|| service.terminate())
}
