//! What came in, and what was refused for which reason.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::span::SpanFault;

/// Counters of all receivers together.
#[derive(Debug, Default)]
pub(crate) struct ReceiverStats {
    requests: AtomicU64,
    metrics: AtomicU64,
    logs: AtomicU64,
    refused_spans: [AtomicU64; SpanReason::ALL.len()],
    refused_requests: [AtomicU64; Reason::ALL.len()],
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// On the wire, or once decompressed or decoded.
    BodyTooLarge,
    Malformed,
    UnsupportedMediaType,
    UnsupportedEncoding,
    /// It names a host that this process does not answer to.
    Host,
    Method,
    NotFound,
    /// Its body took too long.
    Timeout,
    /// Too much was under way.
    Busy,
    /// Its sender went away.
    Aborted,
}

/// Why a span was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanReason {
    InvalidId,
    TooLarge,
}

/// A signal that is taken and thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ignored {
    Metrics,
    Logs,
}

/// All counters at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatsSnapshot {
    /// Export requests for traces that could be read, whatever came of their
    /// spans.
    pub(crate) requests: u64,
    pub(crate) refused: Refused,
    pub(crate) ignored: IgnoredRequests,
    /// Connections that were closed at once, since there were too many.
    pub(crate) connections_turned_away: u64,
}

/// By reason, as the status shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    pub(crate) spans: BTreeMap<&'static str, u64>,
    pub(crate) requests: BTreeMap<&'static str, u64>,
}

/// Export requests for signals that nothing here is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct IgnoredRequests {
    pub(crate) metrics: u64,
    pub(crate) logs: u64,
}

impl ReceiverStats {
    pub(crate) fn taken(&self) {
        add(&self.requests, 1);
    }

    pub(crate) fn refused(&self, reason: Reason) {
        if let Some(counter) = self.refused_requests.get(reason as usize) {
            add(counter, 1);
        }
    }

    pub(crate) fn refused_span(&self, fault: SpanFault) {
        let reason = SpanReason::from(fault);
        if let Some(counter) = self.refused_spans.get(reason as usize) {
            add(counter, 1);
        }
    }

    pub(crate) fn ignored(&self, signal: Ignored) {
        let counter = match signal {
            Ignored::Metrics => &self.metrics,
            Ignored::Logs => &self.logs,
        };
        add(counter, 1);
    }

    pub(crate) fn snapshot(&self) -> StatsSnapshot {
        let spans = SpanReason::ALL.iter().map(|reason| reason.name());
        let requests = Reason::ALL.iter().map(|reason| reason.name());
        StatsSnapshot {
            requests: read(&self.requests),
            refused: Refused {
                spans: spans.zip(self.refused_spans.iter().map(read)).collect(),
                requests: requests
                    .zip(self.refused_requests.iter().map(read))
                    .collect(),
            },
            ignored: IgnoredRequests {
                metrics: read(&self.metrics),
                logs: read(&self.logs),
            },
            // The servers' own count.
            connections_turned_away: 0,
        }
    }
}

impl Reason {
    /// In the order of their declaration, by which they are counted.
    const ALL: [Self; 10] = [
        Self::BodyTooLarge,
        Self::Malformed,
        Self::UnsupportedMediaType,
        Self::UnsupportedEncoding,
        Self::Host,
        Self::Method,
        Self::NotFound,
        Self::Timeout,
        Self::Busy,
        Self::Aborted,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::BodyTooLarge => "body_too_large",
            Self::Malformed => "malformed",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::Host => "host",
            Self::Method => "method",
            Self::NotFound => "not_found",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Aborted => "aborted",
        }
    }
}

impl SpanReason {
    const ALL: [Self; 2] = [Self::InvalidId, Self::TooLarge];

    const fn name(self) -> &'static str {
        match self {
            Self::InvalidId => "invalid_id",
            Self::TooLarge => "too_large",
        }
    }
}

impl From<SpanFault> for SpanReason {
    fn from(fault: SpanFault) -> Self {
        match fault {
            SpanFault::TraceId | SpanFault::SpanId | SpanFault::ParentId => Self::InvalidId,
            SpanFault::TooLarge => Self::TooLarge,
        }
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            let stats = ReceiverStats::default();
            stats.refused(*reason);
            let counted = stats.snapshot().refused.requests;
            assert_eq!(counted.values().sum::<u64>(), 1);
            assert_eq!(counted[reason.name()], 1);
            assert_eq!(counted.len(), Reason::ALL.len());
        }
        for (index, reason) in SpanReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
        }
    }

    #[test]
    fn what_is_counted_is_in_the_snapshot() {
        let stats = ReceiverStats::default();
        stats.taken();
        stats.refused_span(SpanFault::ParentId);
        stats.refused_span(SpanFault::TooLarge);
        stats.ignored(Ignored::Logs);
        let snapshot = stats.snapshot();
        assert_eq!(snapshot.requests, 1);
        let refused = BTreeMap::from([("invalid_id", 1), ("too_large", 1)]);
        assert_eq!(snapshot.refused.spans, refused);
        assert_eq!((snapshot.ignored.metrics, snapshot.ignored.logs), (0, 1));
    }
}
