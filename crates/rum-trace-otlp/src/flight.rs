//! A batch that is being sent.

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::exporter::Outcome;
use crate::spool::RecordId;
use crate::store::Payload;

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
    /// Whether its bytes are still here, whatever became of the attempt.
    pub(crate) fn can_go_again(&self) -> bool {
        match &self.from {
            Source::Memory { body, .. } => body.is_some(),
            Source::Spool(_) => true,
        }
    }

    /// The bytes of a batch from memory; what is on disk stays there.
    pub(crate) fn body(&self) -> Payload {
        match &self.from {
            Source::Memory { body, .. } => Payload::Encoded(body.clone().unwrap_or_default()),
            Source::Spool(_) => Payload::Encoded(Bytes::new()),
        }
    }

    /// Of a batch from memory.
    pub(crate) fn number(&self) -> Option<u64> {
        match self.from {
            Source::Memory { number, .. } => Some(number),
            Source::Spool(_) => None,
        }
    }
}
