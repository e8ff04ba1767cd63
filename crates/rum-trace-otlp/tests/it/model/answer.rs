//! What a collector answers, and its log: the side of the truth that the
//! pipeline does not write.

use std::sync::{Arc, Mutex, MutexGuard};

use rum_trace_otlp::DropReason;

/// How every request is answered from now on. An exporter of the user's knows
/// three of the outcomes: it succeeds, fails or panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    /// 200, and so many of the batch's spans are rejected.
    Partial(u64),
    /// 200 with a warning: nothing is rejected.
    Warning,
    /// 200, and the connection is cut in the body: that it was 200 counts.
    CutInBody,
    /// 400.
    BadRequest,
    /// 413.
    TooLarge,
    /// 500.
    ServerError,
    /// 503.
    Unavailable,
    /// 429 with `Retry-After: 0`.
    Throttled,
    /// The request was read, and the connection is closed.
    CutBefore,
    /// The connection is closed in the status line.
    CutInHead,
    /// The connection is reset while the request is on its way.
    Reset,
    /// No answer until it changes.
    Hold,
}

impl Answer {
    /// Whether batch after batch is taken without a pause.
    pub(super) fn accepts(self) -> bool {
        matches!(self.fate(0), Fate::Exported(_))
    }

    /// Of a batch of so many spans.
    pub(super) fn fate(self, spans: u64) -> Fate {
        match self {
            Answer::Accepted | Answer::Warning | Answer::CutInBody => Fate::Exported(0),
            Answer::Partial(rejected) => Fate::Exported(rejected.min(spans)),
            Answer::BadRequest | Answer::TooLarge | Answer::ServerError => {
                Fate::Lost(DropReason::Refused)
            }
            _ => Fate::Open,
        }
    }
}

/// What became of the spans of one request, by its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// But for so many that were rejected.
    Exported(u64),
    Lost(DropReason),
    /// The batch is still the pipeline's.
    Open,
}

/// One request as the collector saw it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Which life of the pipeline sent it.
    pub(super) life: usize,
    pub(super) spans: Vec<String>,
    pub(super) fate: Fate,
}

/// All requests, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Request>>>);

impl Log {
    /// What is answered under the lock is in the log before anybody can have
    /// counted it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap()
    }

    /// Those of one life.
    pub(super) fn of(&self, life: usize) -> Vec<Request> {
        let all = self.lock();
        let of = all.iter().filter(|request| request.life == life);
        of.cloned().collect()
    }
}

/// Requests, added up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) exported: u64,
    pub(super) rejected: u64,
    lost: Vec<(DropReason, u64)>,
}

impl Tally {
    pub(super) fn of(requests: &[Request]) -> Self {
        let mut tally = Tally::default();
        for request in requests {
            let spans = request.spans.len() as u64;
            match request.fate {
                Fate::Exported(rejected) => {
                    tally.exported += spans - rejected;
                    tally.rejected += rejected;
                }
                Fate::Lost(reason) => tally.lost.push((reason, spans)),
                Fate::Open => {}
            }
        }
        tally
    }

    pub(super) fn lost(&self, reason: DropReason) -> u64 {
        let of = self.lost.iter().filter(|(lost, _)| *lost == reason);
        of.map(|(_, spans)| spans).sum()
    }

    /// For whatever reason.
    pub(super) fn all_lost(&self) -> u64 {
        self.lost.iter().map(|(_, spans)| spans).sum()
    }
}
