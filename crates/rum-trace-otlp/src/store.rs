//! Batches that are kept until somebody has them.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_sdk::trace::SpanData;
use tokio::time::Instant;

/// Some spans on their way.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) payload: Payload,
    pub(crate) spans: u64,
    /// When its last span was taken from the queue.
    pub(crate) made: Instant,
    /// Rising from batch to batch.
    pub(crate) number: u64,
}

/// What is handed over.
#[derive(Debug)]
pub(crate) enum Payload {
    /// An OTLP request, encoded and compressed: sending it again costs no copy.
    Encoded(Bytes),
    /// For an exporter of the user's, which takes them once. With what they
    /// weigh.
    Spans(Vec<SpanData>, u64),
}

impl Payload {
    /// A further handle of the bytes, if it has some.
    pub(crate) fn body(&self) -> Option<Bytes> {
        match self {
            Payload::Encoded(bytes) => Some(bytes.clone()),
            Payload::Spans(..) => None,
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Payload::Encoded(bytes) => bytes.len() as u64,
            Payload::Spans(_, bytes) => *bytes,
        }
    }
}

/// The batches that wait, the oldest first, bounded in bytes and in age.
#[derive(Debug)]
pub(crate) struct Store {
    batches: VecDeque<Batch>,
    bytes: u64,
    max_bytes: u64,
    max_age: Duration,
}

impl Store {
    pub(crate) fn new(max_bytes: u64, max_age: Duration) -> Self {
        Store {
            batches: VecDeque::new(),
            bytes: 0,
            max_bytes,
            max_age,
        }
    }

    pub(crate) fn push(&mut self, batch: Batch) {
        self.bytes += batch.payload.bytes();
        self.batches.push_back(batch);
    }

    /// Puts back what could not be delivered, before all others.
    pub(crate) fn put_back(&mut self, batch: Batch) {
        self.bytes += batch.payload.bytes();
        self.batches.push_front(batch);
    }

    /// The oldest batch.
    pub(crate) fn pop(&mut self) -> Option<Batch> {
        let batch = self.batches.pop_front()?;
        self.bytes -= batch.payload.bytes();
        Some(batch)
    }

    /// The oldest batch, if there are too many bytes.
    pub(crate) fn pop_over_limit(&mut self) -> Option<Batch> {
        (self.bytes > self.max_bytes).then(|| self.pop())?
    }

    /// The oldest batch, if it was kept too long.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<Batch> {
        (self.expiry()? <= now).then(|| self.pop())?
    }

    /// When the oldest batch will have been kept too long.
    pub(crate) fn expiry(&self) -> Option<Instant> {
        self.batches.front()?.made.checked_add(self.max_age)
    }

    /// The number of the oldest batch.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.batches.front().map(|batch| batch.number)
    }

    pub(crate) fn len(&self) -> usize {
        self.batches.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}
