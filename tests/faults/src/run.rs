//! One row with one pipeline.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::BoxError;
use crate::child::{End, Service};
use crate::collector::{Collector, Received};
use crate::load::{self, Latencies, Load};
use crate::report::Books;
use crate::rows::{Ending, Row, Weather};
use crate::service::{Kind, Setup};

/// So little that the spool is needed, in bytes.
const LITTLE_MEMORY: u64 = 2 << 20;
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
    /// How often the books were looked at under load, and were wrong.
    pub(crate) looks: u64,
    pub(crate) wrong: u64,
}

pub(crate) async fn run(row: &Row, kind: Kind) -> Result<Outcome, BoxError> {
    let directory = tempfile::tempdir()?;
    let mut collector = Collector::new(delay(row))?;
    let setup = setup(row, kind, &collector, directory.path());
    if row.collector != Weather::Away {
        come(&mut collector).await?;
    }
    let service = Service::start(&setup)?;
    let load = tokio::spawn(load::send(service.port, row.load));
    let mut outcome = match row.end {
        Ending::TerminatedUnderLoad => end_under_load(row.load, service, load).await?,
        _ => end_after_load(row, service, load, &mut collector).await?,
    };
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
        spans: 10,
        max_queue_size: row.max_queue_size,
        max_kept_bytes: spool.then_some(LITTLE_MEMORY),
        spool: spool.then(|| directory.to_owned()),
        panic_at: row.panic_at,
        no_signal_handler: row.end == Ending::TerminatedUnderLoad,
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
    let (looks, wrong) = look(&service, &load).await;
    let latencies = load.await??;
    let spooled = match row.end {
        Ending::Killed => settled(&service).await?.spooled,
        _ => 0,
    };
    let end = tokio::task::block_in_place(|| match row.end {
        Ending::Killed => service.kill(),
        _ => service.terminate(),
    })?;
    Ok(outcome(latencies, end, spooled, looks, wrong))
}

async fn end_under_load(
    load: Load,
    service: Service,
    sending: Sending,
) -> Result<Outcome, BoxError> {
    tokio::time::sleep(load.lasts * 2 / 3).await;
    let end = tokio::task::block_in_place(|| service.terminate())?;
    Ok(outcome(sending.await??, end, 0, 0, 0))
}

fn outcome(latencies: Latencies, end: End, spooled: u64, looks: u64, wrong: u64) -> Outcome {
    // A service that died without a word made what it answered for.
    let answered = latencies.answered() * 10;
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
        looks,
        wrong,
    }
}

/// Looks at the books as long as the load runs.
async fn look(service: &Service, load: &Sending) -> (u64, u64) {
    let (mut looks, mut wrong) = (0, 0);
    while !load.is_finished() {
        if let Ok(books) = service.books().await {
            looks += 1;
            wrong += u64::from(books.in_no_count() != 0);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (looks, wrong)
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
