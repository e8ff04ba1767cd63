//! A batch that is being sent.

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::exporter::Outcome;
use crate::spool::RecordId;

/// A batch on its way. It is sent in a task of its own, so that a panic ends
/// the task and not this thread.
pub(crate) struct Flight {
    pub(crate) task: JoinHandle<Outcome>,
    pub(crate) spans: u64,
    pub(crate) from: Source,
}

/// Where a batch was taken from.
pub(crate) enum Source {
    /// With the handle of its bytes, if there are any, for the end.
    Memory {
        made: Instant,
        number: u64,
        body: Option<Bytes>,
    },
    Spool(RecordId),
}

impl Flight {
    /// Of a batch from memory.
    pub(crate) fn number(&self) -> Option<u64> {
        match self.from {
            Source::Memory { number, .. } => Some(number),
            Source::Spool(_) => None,
        }
    }
}
