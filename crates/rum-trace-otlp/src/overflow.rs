//! Where batches go that memory would lose: to the spool on disk, or nowhere.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::encode;
use crate::protocol::Compression;
use crate::spool::{Encoding, Format, Put, Record, RecordId, Spool};
use crate::stats::{Accounts, DropReason, Place, Spooled};
use crate::store::{Batch, Payload};

pub(crate) struct Overflow {
    spool: Option<Spool>,
    accounts: Arc<Accounts>,
    /// How batches are compressed at present.
    compression: Compression,
    /// How long the last batch took to be written.
    time_for_one: Duration,
}

/// What writing a batch is taken for before one was written.
const FIRST_GUESS: Duration = Duration::from_millis(5);

impl Overflow {
    pub(crate) fn new(
        spool: Option<Spool>,
        accounts: Arc<Accounts>,
        compression: Compression,
    ) -> Self {
        let overflow = Overflow {
            spool,
            accounts,
            compression,
            time_for_one: FIRST_GUESS,
        };
        if let Some(spool) = &overflow.spool {
            // What an earlier process left, and a smaller cap cost.
            let found = spool.spans() + spool.evicted().spans;
            overflow.accounts.recovered(found, spooled(spool));
            if spool.batches() > 0 || spool.unreadable() > 0 {
                tracing::info!(
                    batches = spool.batches(),
                    spans = spool.spans(),
                    bytes = spool.bytes(),
                    unreadable = spool.unreadable(),
                    "batches of an earlier process are in the spool and will be sent"
                );
            }
        }
        overflow
    }

    /// Whether there is a disk to go to.
    pub(crate) fn is_there(&self) -> bool {
        self.spool.is_some()
    }

    /// How long writing a batch takes, if there is a disk to go to.
    pub(crate) fn time_for_one(&self) -> Option<Duration> {
        self.spool.as_ref().map(|_| self.time_for_one)
    }

    /// Whether there is something to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.spool.as_ref().is_none_or(|spool| spool.batches() == 0)
    }

    /// Gives the directory back. What is on disk stays there.
    pub(crate) fn close(&mut self) {
        self.spool = None;
    }

    /// Takes a batch that memory gives up, or counts it as lost for `reason`.
    pub(crate) fn take(&mut self, batch: Batch, from: Place, reason: DropReason) {
        let (Some(spool), Payload::Encoded(body)) = (&mut self.spool, batch.payload) else {
            return self.accounts.lost(batch.spans, from, reason, None);
        };
        let age = batch.made.elapsed();
        let record = Record {
            created: SystemTime::now()
                .checked_sub(age)
                .unwrap_or(SystemTime::UNIX_EPOCH),
            spans: batch.spans,
            encoding: encoding(self.compression),
            format: Format::OtlpTraces,
            body,
        };
        let start = Instant::now();
        let put = spool.put(&record);
        self.time_for_one = start.elapsed();
        match put {
            Put::Stored {
                evicted_spans,
                evicted_batches,
            } => {
                made_room(evicted_spans, evicted_batches);
                self.accounts.spooled(batch.spans, from, spooled(spool));
            }
            Put::Refused {
                reason,
                evicted_spans,
                evicted_batches,
            } => {
                made_room(evicted_spans, evicted_batches);
                self.accounts.sync(spooled(spool));
                let cause = reason.to_string();
                let full = DropReason::SpoolFull;
                self.accounts.lost(batch.spans, from, full, Some(&cause));
            }
        }
    }

    /// The oldest batch on disk, as it is to be sent now.
    pub(crate) fn oldest(&mut self) -> Option<(RecordId, u64, Payload)> {
        let spool = self.spool.as_mut()?;
        let found = spool.oldest();
        self.accounts.sync(spooled(spool));
        let (id, record) = found?;
        let spans = record.spans;
        match encode::recompress(compression(record.encoding), self.compression, record.body) {
            Ok(body) => Some((id, spans, Payload::Encoded(body))),
            Err(error) => {
                let cause = format!("a spooled batch cannot be compressed anew: {error}");
                tracing::warn!(cause, spans, "a spooled batch is dropped");
                self.gone(id, spans, DropReason::SpoolDamaged, &cause);
                None
            }
        }
    }

    /// A batch from the disk was acknowledged.
    pub(crate) fn delivered(&mut self, id: RecordId, spans: u64, rejected: u64, reason: &str) {
        if let Some(spool) = &mut self.spool {
            let held = spool.remove(id);
            self.accounts
                .delivered_from_spool(spans, rejected, reason, held, spooled(spool));
        }
    }

    /// A batch from the disk is lost.
    pub(crate) fn gone(&mut self, id: RecordId, spans: u64, reason: DropReason, cause: &str) {
        if let Some(spool) = &mut self.spool {
            // If it was evicted meanwhile it is counted there.
            let spans = if spool.remove(id) { spans } else { 0 };
            self.accounts
                .lost_from_spool(spans, reason, cause, spooled(spool));
        }
    }
}

/// The losses themselves are told with all others.
fn made_room(spans: u64, batches: u64) {
    if batches > 0 {
        tracing::debug!(spans, batches, "the oldest spooled batches made room");
    }
}

fn spooled(spool: &Spool) -> Spooled {
    Spooled {
        held: spool.spans(),
        evicted: spool.evicted().spans,
        damaged: spool.set_aside_count().spans + spool.vanished_count().spans,
    }
}

fn encoding(compression: Compression) -> Encoding {
    match compression {
        Compression::None => Encoding::None,
        Compression::Gzip => Encoding::Gzip,
        Compression::Zstd => Encoding::Zstd,
    }
}

fn compression(encoding: Encoding) -> Compression {
    match encoding {
        Encoding::None => Compression::None,
        Encoding::Gzip => Compression::Gzip,
        Encoding::Zstd => Compression::Zstd,
    }
}

impl fmt::Debug for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overflow")
            .field("spool", &self.spool.is_some())
            .finish_non_exhaustive()
    }
}
