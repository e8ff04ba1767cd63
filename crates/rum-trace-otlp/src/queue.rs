//! The hand-over from the threads that end spans to the one that exports them.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crossbeam_queue::SegQueue;
use crossbeam_utils::CachePadded;
use tokio::sync::Notify;

use crate::ended::Ended;

/// Spans that have ended and wait for the export thread, bounded in number and
/// in bytes.
///
/// A thread pushes to the shard that is its own as long as there are not more
/// threads than shards, so that threads do not wait for each other: no lock,
/// one word that all of them write to.
pub(crate) struct Queue {
    shards: Box<[CachePadded<Shard>]>,
    load: CachePadded<AtomicU64>,
    limits: Limits,
    wake: Notify,
    /// The shard that is taken from first.
    first: AtomicUsize,
    /// Nothing gets in any more.
    closed: AtomicBool,
    /// The process whose export thread takes the spans.
    pid: u32,
    forked: AtomicBool,
}

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
    /// As many make a batch: the export thread is woken for them.
    pub(crate) batch: u64,
}

impl Limits {
    /// Whether a span of so many bytes is one at which the export thread is
    /// woken: the last of a batch, or the one that makes the queue half full.
    fn are_due(&self, before: Load, bytes: u64) -> bool {
        let spans = before.spans() + 1;
        let half_of_bytes = self.bytes / 2;
        let crosses = before.bytes() < half_of_bytes && before.bytes() + bytes >= half_of_bytes;
        spans % self.batch == 0 || spans == self.spans.div_ceil(2) || crosses
    }
}

/// How many spans each shard had let in at some moment.
#[derive(Debug)]
pub(crate) struct Mark(Box<[u64]>);

#[derive(Default)]
struct Shard {
    spans: SegQueue<Waiting>,
    started: AtomicU64,
    admitted: AtomicU64,
    taken: AtomicU64,
    full: AtomicU64,
    late: AtomicU64,
    forked: AtomicU64,
}

struct Waiting {
    span: Ended,
    bytes: u64,
}

/// What came to the door, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Door {
    /// Sampled spans that were started.
    pub(crate) started: u64,
    /// Spans that were let in.
    pub(crate) admitted: u64,
    /// Spans that found no place.
    pub(crate) full: u64,
    /// Spans that ended after the shutdown.
    pub(crate) late: u64,
    /// Spans that ended in a forked process.
    pub(crate) forked: u64,
}

impl Queue {
    /// The largest span that is told from a larger one.
    const MAX_BYTES: u64 = (1 << 39) - 1;
    const MAX_SHARDS: usize = 32;

    pub(crate) fn new(limits: Limits) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = threads.next_power_of_two().min(Self::MAX_SHARDS);
        Queue {
            shards: (0..shards).map(|_| CachePadded::default()).collect(),
            load: CachePadded::default(),
            limits,
            wake: Notify::new(),
            first: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            pid: std::process::id(),
            forked: AtomicBool::new(false),
        }
    }

    /// Counts a sampled span that begins.
    pub(crate) fn started(&self) {
        self.shard().started.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes in a sampled span that has ended, or counts why not. Never waits.
    pub(crate) fn push(&self, span: Ended) {
        let shard = self.shard();
        if self.closed.load(Ordering::Acquire) {
            let count = if self.forked.load(Ordering::Relaxed) {
                &shard.forked
            } else {
                &shard.late
            };
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let bytes = span.size();
        let before = Load(self.load.fetch_add(Load::of(1, bytes).0, Ordering::Relaxed));
        if before.spans() >= self.limits.spans || before.bytes() + bytes > self.limits.bytes {
            self.load.fetch_sub(Load::of(1, bytes).0, Ordering::Relaxed);
            shard.full.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let admitted = shard.admitted.fetch_add(1, Ordering::Release);
        shard.spans.push(Waiting { span, bytes });
        // In a forked process nobody wakes, and whoever was about to may have
        // left a lock behind.
        if self.limits.are_due(before, bytes) && !self.is_forked() {
            self.wake.notify_one();
        }
        // A look at the process id is a system call: now and then is enough.
        if admitted % 64 == 63 {
            self.is_forked();
        }
    }

    /// Takes up to `max` spans. The order within a thread is kept. Only the
    /// export thread takes; each time another shard goes first, so that none
    /// waits for ever behind a busy one.
    pub(crate) fn take(&self, max: usize) -> Vec<Ended> {
        let mut taken = Vec::new();
        let mut load = 0;
        let first = self.first.fetch_add(1, Ordering::Relaxed);
        for number in first..first + self.shards.len() {
            let shard = &self.shards[number & (self.shards.len() - 1)];
            let before = taken.len();
            while taken.len() < max {
                let Some(waiting) = shard.spans.pop() else {
                    break;
                };
                load += Load::of(1, waiting.bytes).0;
                taken.push(waiting.span);
            }
            let count = (taken.len() - before) as u64;
            shard.taken.fetch_add(count, Ordering::Relaxed);
        }
        self.load.fetch_sub(load, Ordering::Relaxed);
        taken
    }

    /// All that was let in so far.
    pub(crate) fn mark(&self) -> Mark {
        let admitted = |shard: &CachePadded<Shard>| shard.admitted.load(Ordering::Acquire);
        Mark(self.shards.iter().map(admitted).collect())
    }

    /// Whether all that was let in before the mark has been taken.
    pub(crate) fn has_passed(&self, mark: &Mark) -> bool {
        let passed = |(shard, admitted): (&CachePadded<Shard>, &u64)| {
            shard.taken.load(Ordering::Relaxed) >= *admitted
        };
        self.shards.iter().zip(&mark.0).all(passed)
    }

    /// Whether there is a batch, or so much that it should not wait for one.
    pub(crate) fn is_due(&self) -> bool {
        let load = Load(self.load.load(Ordering::Relaxed));
        let Limits {
            spans,
            bytes,
            batch,
        } = self.limits;
        load.spans() >= batch.min(spans.div_ceil(2)) || load.bytes() >= bytes / 2
    }

    /// How many spans wait.
    pub(crate) fn len(&self) -> u64 {
        Load(self.load.load(Ordering::Relaxed)).spans()
    }

    /// Ready when a batch is full, or the queue half full.
    pub(crate) async fn full_batch(&self) {
        self.wake.notified().await;
    }

    /// Lets nothing in any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether this is another process than the one that the export thread is
    /// in: a fork copies memory, and not threads. Noticed, it is said once, and
    /// what ends from then on is counted for it.
    pub(crate) fn is_forked(&self) -> bool {
        if std::process::id() == self.pid {
            return false;
        }
        if !self.forked.swap(true, Ordering::Relaxed) {
            self.close();
            tracing::error!(
                parent = self.pid,
                "this process was forked after the pipeline was built, and has no export \
                 thread: its spans are dropped and counted; build the pipeline after the fork"
            );
        }
        true
    }

    /// What came to the door. Read after what was taken, it is never less.
    pub(crate) fn door(&self) -> Door {
        let mut door = Door::default();
        for shard in &self.shards {
            door.admitted += shard.admitted.load(Ordering::Acquire);
            door.full += shard.full.load(Ordering::Relaxed);
            door.late += shard.late.load(Ordering::Relaxed);
            door.forked += shard.forked.load(Ordering::Relaxed);
        }
        // Last, so that no span has ended that has not begun.
        for shard in &self.shards {
            door.started += shard.started.load(Ordering::Relaxed);
        }
        door
    }

    fn shard(&self) -> &Shard {
        // The mask is below the length, which is a power of two and not zero.
        &self.shards[thread_number() & (self.shards.len() - 1)]
    }
}

impl Door {
    /// Sampled spans that have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.admitted + self.full + self.late + self.forked
    }
}

/// A number of spans and one of bytes in one word, so that one addition takes
/// both: spans in the upper 24 bits, bytes in the lower 40.
#[derive(Clone, Copy)]
struct Load(u64);

impl Load {
    fn of(spans: u64, bytes: u64) -> Self {
        Load((spans << 40) | bytes.min(Queue::MAX_BYTES))
    }

    fn spans(self) -> u64 {
        self.0 >> 40
    }

    fn bytes(self) -> u64 {
        self.0 & ((1 << 40) - 1)
    }
}

/// Threads are numbered in the order in which they first end a span.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let number = || NEXT.fetch_add(1, Ordering::Relaxed);
    // A thread that is ending may have lost its number.
    NUMBER
        .try_with(|own| {
            let number = own.get().unwrap_or_else(number);
            own.set(Some(number));
            number
        })
        .unwrap_or(0)
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("limits", &self.limits)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use opentelemetry::KeyValue;
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

    use super::*;

    /// A span with a text of so many bytes.
    fn span(bytes: usize) -> SpanData {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let mut span = provider.tracer("test").start("span");
        span.set_attribute(KeyValue::new("text", "x".repeat(bytes)));
        span.end();
        exporter.get_finished_spans().unwrap().remove(0)
    }

    fn queue(spans: u64, bytes: u64) -> Queue {
        Queue::new(Limits {
            spans,
            bytes,
            batch: 10,
        })
    }

    #[test]
    fn so_many_spans_and_no_more() {
        let queue = queue(3, 1 << 30);
        let span = span(1);
        (0..5).for_each(|_| queue.push(span.clone().into()));
        let door = queue.door();
        assert_eq!((door.admitted, door.full, door.ended()), (3, 2, 5));
        assert_eq!(queue.take(2).len(), 2);
        assert_eq!(queue.len(), 1);
        queue.push(span.into());
        assert_eq!(queue.take(10).len(), 2);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn so_many_bytes_and_no_more() {
        let one = Ended::from(span(10_000)).size();
        assert!(one >= 10_000);
        let queue = queue(1_000, one * 5 / 2);
        let span = span(10_000);
        (0..4).for_each(|_| queue.push(span.clone().into()));
        assert_eq!((queue.door().admitted, queue.door().full), (2, 2));
        // The bytes come back with the spans.
        queue.take(10);
        queue.push(span.into());
        assert_eq!(queue.door().admitted, 3);
    }

    #[test]
    fn closed_it_counts_and_keeps_nothing() {
        let queue = queue(10, 1 << 30);
        queue.close();
        queue.push(span(1).into());
        assert_eq!((queue.door().late, queue.len()), (1, 0));
    }

    #[test]
    fn another_process_is_noticed_and_its_spans_are_counted() {
        let queue = Queue {
            pid: std::process::id() + 1,
            ..queue(1_000, 1 << 30)
        };
        let span = span(1);
        (0..100).for_each(|_| queue.push(span.clone().into()));
        let door = queue.door();
        // When a batch is full; else after 64.
        assert_eq!((door.admitted, door.forked), (10, 90));
        assert!(queue.is_forked());
    }

    #[test]
    fn what_many_threads_push_is_all_there_once() {
        let queue = queue(1_000_000, 1 << 38);
        let span = span(1);
        let taken = Mutex::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5_000).for_each(|_| queue.push(span.clone().into())));
            }
            scope.spawn(|| {
                while *taken.lock().unwrap() < 20_000 {
                    *taken.lock().unwrap() += queue.take(64).len();
                    std::thread::yield_now();
                }
            });
        });
        assert_eq!((queue.door().admitted, queue.len()), (20_000, 0));
        assert!(queue.take(10).is_empty());
    }
}
