//! The export thread: it takes spans from the queue, keeps them as batches, and
//! sends those until each of them has a fate.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use opentelemetry::Context;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use crate::config::batch::Batch as BatchConfig;
use crate::ended::Ended;
use crate::flight::{Flight, Source};
use crate::overflow::Overflow;
use crate::pace::Pace;
use crate::queue::{Mark, Queue};
use crate::report::Report;
use crate::stats::{Accounts, DropReason, Place};
use crate::store::{Batch, Payload, Store};
use crate::transport::{Delivery, Failure, Retry};
use crate::way::Way;

const THREAD_NAME: &str = "rum-trace-otlp";

const AFTER_PANIC: Duration = Duration::from_millis(100);

/// A span that was counted at the door and is not yet in is there by then.
const ON_THE_STEP: Duration = Duration::from_millis(1);

/// What the pipeline asks of the thread. The answer is that it is done.
#[derive(Debug)]
pub(crate) enum Command {
    /// Send what has ended so far.
    Flush(SyncSender<()>),
    /// Send what is left, until then, and end.
    Shutdown(Instant, SyncSender<()>),
}

/// The state of the export, which survives a panic of the thread's.
pub(crate) struct Exporter {
    queue: Arc<Queue>,
    accounts: Arc<Accounts>,
    way: Arc<Way>,
    commands: UnboundedReceiver<Command>,
    config: BatchConfig,
    store: Store,
    overflow: Overflow,
    pace: Pace,
    report: Report,
    flight: Option<Flight>,
    flushes: Vec<Flush>,
    /// All that came before this is made into batches without waiting for more.
    due: Option<Mark>,
    ending: Option<(Instant, SyncSender<()>)>,
    /// The number of the next batch.
    next: u64,
    /// When spans that do not fill a batch are sent.
    tick: Instant,
}

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    Delivered(Delivery),
    /// It may be tried again with what is handed back.
    Failed(Failure, Payload),
    /// It is lost.
    Lost(DropReason, String),
}

/// What woke the thread.
enum Event {
    Landed(Outcome),
    Command(Option<Command>),
    Time,
    /// There is more to make a batch of.
    More,
    /// Somebody says that there may be.
    Woken,
}

/// Somebody who waits until all that came before has a fate.
struct Flush {
    mark: Mark,
    /// Once all that is taken: the number of the first batch that is too late.
    before: Option<u64>,
    done: SyncSender<()>,
}

impl Exporter {
    pub(crate) fn new(
        queue: Arc<Queue>,
        accounts: Arc<Accounts>,
        way: Way,
        overflow: Overflow,
        commands: UnboundedReceiver<Command>,
        config: BatchConfig,
    ) -> Self {
        Exporter {
            report: Report::new(),
            store: Store::new(config.max_kept_bytes, config.keep_for),
            way: Arc::new(way),
            overflow,
            pace: Pace::new(),
            flight: None,
            flushes: Vec::new(),
            due: None,
            ending: None,
            next: 0,
            tick: Instant::now(),
            queue,
            accounts,
            commands,
            config,
        }
    }

    /// Starts the thread, with the runtime that its connections live in.
    pub(crate) fn spawn(mut self, runtime: Runtime) -> std::io::Result<()> {
        std::thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || {
                // Instrumented HTTP libraries must not make spans about the
                // export of spans.
                let _suppressed = Context::enter_telemetry_suppressed_scope();
                while let Err(panic) =
                    catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.run())))
                {
                    self.recover(&*panic);
                    // What panics each time must not take a whole core.
                    std::thread::sleep(AFTER_PANIC);
                }
                // Not a plain drop: that waits for a name lookup in progress.
                runtime.shutdown_background();
            })?;
        Ok(())
    }

    /// After a panic outside of an attempt, which is a mistake of ours: count
    /// what is not known any more, and go on.
    fn recover(&mut self, panic: &(dyn std::any::Any + Send)) {
        let cause = panic_text(panic);
        tracing::error!(cause, "the export thread panicked and goes on");
        self.flight = None;
        self.accounts.lost_all_in_flight(&cause);
    }

    async fn run(&mut self) {
        self.tick = Instant::now() + self.config.scheduled_delay;
        loop {
            match self.next_event().await {
                Event::Landed(outcome) => self.landed(outcome),
                Event::Command(command) => self.command(command),
                Event::Time => self.on_time(),
                Event::More => self.gather(),
                Event::Woken => {}
            }
            self.tidy();
            self.launch();
            self.answer_flushes();
            if self.is_over() {
                self.finish();
                return;
            }
        }
    }

    async fn next_event(&mut self) -> Event {
        let wake = self.wake_at();
        let more = self.has_more();
        let flight = self.flight.as_mut();
        let landing = async {
            match flight {
                Some(flight) => (&mut flight.task).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            landed = landing => Event::Landed(match landed {
                Ok(outcome) => outcome,
                Err(error) => Outcome::Lost(DropReason::ExporterPanic, task_error(error)),
            }),
            command = self.commands.recv(), if self.ending.is_none() => Event::Command(command),
            // After the connections had their turn: when spans end faster than
            // they are encoded there is always more.
            () = yield_now(), if more => Event::More,
            () = self.queue.full_batch(), if !more => Event::Woken,
            () = sleep_until(wake) => Event::Time,
        }
    }

    /// Whether to make a batch now. One at a time, so that sending, limits and
    /// deadlines never wait for the queue to be empty.
    fn has_more(&self) -> bool {
        self.queue.is_due() || self.due.is_some()
    }

    /// The next moment at which there is something to do.
    fn wake_at(&self) -> Instant {
        let attempt = self
            .pace
            .not_before()
            .filter(|_| self.flight.is_none() && self.has_work());
        let deadline = self.ending.as_ref().map(|(deadline, _)| *deadline);
        [Some(self.tick), attempt, self.store.expiry(), deadline]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.tick)
    }

    fn has_work(&self) -> bool {
        !self.store.is_empty() || (self.ending.is_none() && !self.overflow.is_empty())
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        if self.tick <= now {
            self.tick = now + self.config.scheduled_delay;
            self.make_due();
        }
    }

    /// What is in the queue now does not wait for its batch to be full. Of two
    /// such moments the later one counts: it holds the earlier.
    fn make_due(&mut self) {
        let mark = self.queue.mark();
        self.due = (!self.queue.has_passed(&mark)).then_some(mark);
    }

    fn command(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Flush(done)) => self.flushes.push(Flush {
                mark: self.queue.mark(),
                before: None,
                done,
            }),
            Some(Command::Shutdown(deadline, done)) => {
                self.queue.close();
                let deadline = deadline - self.time_to_spool(deadline);
                self.ending = Some((deadline, done));
            }
            // The pipeline is gone without a shutdown: nobody waits.
            None => {
                let (done, _) = std::sync::mpsc::sync_channel(1);
                self.ending = Some((Instant::now(), done));
            }
        }
        self.make_due();
    }

    /// What of the time to a deadline is kept for writing to the disk: as much
    /// as what is here would take, but no more than most of it.
    fn time_to_spool(&self, deadline: Instant) -> Duration {
        let Some(for_one) = self.overflow.time_for_one() else {
            return Duration::ZERO;
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let queued = self.queue.len() / self.config.max_export_batch_size as u64 + 2;
        let batches = self.store.len() as u64 + queued;
        let needed = for_one.saturating_mul(u32::try_from(batches).unwrap_or(u32::MAX));
        let least = (left / 5).min(Duration::from_secs(1));
        needed.max(least).min(left / 5 * 4)
    }

    /// Makes one batch of what waits in the queue.
    fn gather(&mut self) {
        let spans = self.queue.take(self.config.max_export_batch_size);
        if spans.is_empty() {
            // Counted at the door, and not yet in.
            std::thread::sleep(ON_THE_STEP);
        } else {
            self.keep(spans);
        }
        if self
            .due
            .as_ref()
            .is_some_and(|due| self.queue.has_passed(due))
        {
            self.due = None;
        }
    }

    /// At the end, for the disk: nothing gets in any more.
    fn gather_all(&mut self) {
        loop {
            let spans = self.queue.take(self.config.max_export_batch_size);
            if spans.is_empty() {
                return;
            }
            self.keep(spans);
        }
    }

    fn keep(&mut self, spans: Vec<Ended>) {
        let count = spans.len() as u64;
        self.accounts.taken(count);
        let payload = catch_unwind(AssertUnwindSafe(|| self.way.prepare(spans)));
        match payload {
            Ok(Ok(payload)) => {
                let number = self.next;
                self.next += 1;
                self.store.push(Batch {
                    payload,
                    spans: count,
                    made: Instant::now(),
                    number,
                });
            }
            Ok(Err(error)) => {
                self.accounts.sending(count);
                self.accounts
                    .lost_in_flight(count, DropReason::Refused, &error.0);
            }
            Err(panic) => {
                self.accounts.sending(count);
                let cause = panic_text(&*panic);
                self.accounts
                    .lost_in_flight(count, DropReason::ExporterPanic, &cause);
            }
        }
    }

    /// Lets go of what is too old or too much, and says so.
    fn tidy(&mut self) {
        let now = Instant::now();
        while let Some(batch) = self.store.pop_expired(now) {
            self.overflow
                .take(batch, Place::Waiting, DropReason::RetryExpired);
        }
        while let Some(batch) = self.store.pop_over_limit() {
            self.overflow
                .take(batch, Place::Waiting, DropReason::QueueFull);
        }
        self.report.losses(&self.accounts, now);
    }

    /// Sends the oldest batch, if none is on its way and it may be tried.
    fn launch(&mut self) {
        let now = Instant::now();
        let too_early = self.pace.not_before().is_some_and(|moment| moment > now);
        if self.flight.is_some() || too_early {
            return;
        }
        self.flight = match self.store.pop() {
            Some(batch) => Some(self.send_kept(batch)),
            // What is fresh goes first, so that it is not seen late as well.
            None if self.ending.is_none() => self.send_spooled(),
            None => None,
        };
    }

    fn send_kept(&self, batch: Batch) -> Flight {
        self.accounts.sending(batch.spans);
        let from = Source::Memory {
            made: batch.made,
            number: batch.number,
            body: batch.payload.body(),
        };
        Flight {
            task: Way::deliver(&self.way, batch.payload),
            spans: batch.spans,
            from,
        }
    }

    fn send_spooled(&mut self) -> Option<Flight> {
        let (id, spans, payload) = self.overflow.oldest()?;
        Some(Flight {
            task: Way::deliver(&self.way, payload),
            spans,
            from: Source::Spool(id),
        })
    }

    fn landed(&mut self, outcome: Outcome) {
        let Some(flight) = self.flight.take() else {
            return;
        };
        match outcome {
            Outcome::Delivered(delivery) => self.delivered(&flight, &delivery),
            Outcome::Failed(failure, payload) => self.failed(&flight, &failure, payload),
            Outcome::Lost(DropReason::ExporterPanic, cause) if flight.can_go_again() => {
                let body = flight.body();
                self.failed(&flight, &Failure::new(cause, Retry::Backoff), body);
            }
            Outcome::Lost(reason, cause) => {
                self.lost(&flight, reason, &cause);
                self.report.failure(&self.accounts, &cause);
            }
        }
    }

    fn delivered(&mut self, flight: &Flight, delivery: &Delivery) {
        self.pace.succeeded();
        let (spans, rejected) = (flight.spans, delivery.rejected);
        match flight.from {
            Source::Memory { .. } => self.accounts.delivered(spans, rejected, &delivery.message),
            Source::Spool(id) => {
                self.overflow
                    .delivered(id, spans, rejected, &delivery.message);
            }
        }
        self.report.delivery(&self.accounts, delivery);
    }

    fn lost(&mut self, flight: &Flight, reason: DropReason, cause: &str) {
        match flight.from {
            Source::Memory { .. } => self.accounts.lost_in_flight(flight.spans, reason, cause),
            Source::Spool(id) => self.overflow.gone(id, flight.spans, reason, cause),
        }
    }

    fn failed(&mut self, flight: &Flight, failure: &Failure, payload: Payload) {
        self.report.failure(&self.accounts, &failure.message);
        let now = Instant::now();
        if failure.retry == Retry::Never {
            // The next batch may fare better, but not in a busy loop.
            self.pace.failed(Retry::Backoff, now);
            return self.lost(flight, DropReason::Refused, &failure.message);
        }
        self.pace.failed(failure.retry, now);
        // What is on disk stays there.
        if let Source::Memory { made, number, .. } = flight.from {
            self.accounts.put_back(flight.spans, &failure.message);
            self.store.put_back(Batch {
                payload,
                spans: flight.spans,
                made,
                number,
            });
        }
    }

    /// A flush is done when every batch from before it has a fate.
    fn answer_flushes(&mut self) {
        let in_flight = self.flight.as_ref().and_then(Flight::number);
        let oldest = in_flight.or_else(|| self.store.oldest());
        let queue = &self.queue;
        let next = self.next;
        self.flushes.retain_mut(|flush| {
            if flush.before.is_none() && queue.has_passed(&flush.mark) {
                flush.before = Some(next);
            }
            let Some(before) = flush.before else {
                return true;
            };
            let waits = oldest.is_some_and(|oldest| oldest < before);
            if !waits {
                // Whoever asked may have stopped waiting.
                let _ = flush.done.try_send(());
            }
            waits
        });
    }

    fn is_over(&self) -> bool {
        let Some((deadline, _)) = &self.ending else {
            return false;
        };
        let done = self.flight.is_none() && self.store.is_empty() && self.due.is_none();
        done || *deadline <= Instant::now()
    }

    fn finish(&mut self) {
        if self.overflow.is_there() {
            self.gather_all();
        }
        if let Some(flight) = self.flight.take() {
            flight.task.abort();
            self.spool_flight(flight);
        }
        while let Some(batch) = self.store.pop() {
            self.overflow
                .take(batch, Place::Waiting, DropReason::ShutdownDeadline);
        }
        self.accounts.close();
        if let Some((deadline, done)) = self.ending.take() {
            let left = deadline.saturating_duration_since(Instant::now());
            self.way.shutdown(left);
            // Whoever waits may open the directory again at once.
            self.overflow.close();
            let _ = done.try_send(());
        }
    }

    /// Nobody knows whether the collector has got it: at least once.
    fn spool_flight(&mut self, flight: Flight) {
        if let Source::Memory {
            made,
            number,
            body: Some(body),
        } = flight.from
        {
            let batch = Batch {
                payload: Payload::Encoded(body),
                spans: flight.spans,
                made,
                number,
            };
            self.overflow
                .take(batch, Place::InFlight, DropReason::ShutdownDeadline);
        }
    }
}

fn task_error(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic_text(&*panic),
        Err(error) => error.to_string(),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("the exporter panicked: {text}")
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// How long the thread may take beyond a deadline to say that it is done.
pub(crate) const GRACE: Duration = Duration::from_millis(500);
