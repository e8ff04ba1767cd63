//! SERVER spans that are kept although sampling said no.

use std::time::Duration;

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{KeyValue, Value};

use super::cap::{Bucket, Time};
use crate::processor::Ending;

/// Which SERVER spans are exported although they were not sampled: those that ended in
/// an error, or took too long. Their children were never recorded, so they come alone,
/// and say so: `rum.sampling.kept_alone` is `error` or `slow`. One that a rule left out is
/// kept, too: what it should not do is to fail.
///
/// To be looked at when it ends, every SERVER span has then to be recorded, and costs
/// nearly what a sampled one does. It needs a [`Pipeline`](crate::Pipeline): other
/// export processors leave out what is not sampled.
#[derive(Clone, Debug)]
#[must_use]
pub struct Keep {
    pub(super) errors: bool,
    pub(super) slower_than: Option<Duration>,
    pub(super) at_most: u32,
}

impl Keep {
    /// Nothing so far.
    pub const fn new() -> Self {
        Keep {
            errors: false,
            slower_than: None,
            at_most: 10,
        }
    }

    /// Those whose status is an error: answers of 500 and more, by the conventions.
    pub const fn errors(mut self) -> Self {
        self.errors = true;
        self
    }

    /// Those that took longer, from the request's head to the end of the response's
    /// body. A connection that is meant to last, as a stream of events, does too.
    pub const fn slower_than(mut self, limit: Duration) -> Self {
        self.slower_than = Some(limit);
        self
    }

    /// How many a second, 10 by default: who can cause errors must not fill the
    /// storage. 0 is an error of [`build`](super::SessionSamplerBuilder::build).
    pub const fn at_most(mut self, spans_per_second: u32) -> Self {
        self.at_most = spans_per_second;
        self
    }
}

impl Default for Keep {
    fn default() -> Self {
        Keep::new()
    }
}

/// Why a span is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Error,
    Slow,
}

impl Kept {
    pub(super) fn attribute(self) -> KeyValue {
        let why = match self {
            Kept::Error => "error",
            Kept::Slow => "slow",
        };
        KeyValue::new("rum.sampling.kept_alone", Value::from(why))
    }
}

/// Looks at spans that have ended.
#[derive(Debug)]
pub(super) struct Keeper {
    errors: bool,
    slower_than: Option<Duration>,
    bucket: Bucket,
}

impl Keeper {
    pub(super) fn new(keep: &Keep, time: &Time) -> Option<Self> {
        Some(Keeper {
            errors: keep.errors,
            slower_than: keep.slower_than,
            bucket: Bucket::new(keep.at_most, time)?,
        })
    }

    /// Why the span would be kept.
    pub(super) fn wants(&self, span: &Ending<'_>) -> Option<Kept> {
        if *span.kind != SpanKind::Server {
            return None;
        }
        if self.errors && matches!(span.status, Status::Error { .. }) {
            return Some(Kept::Error);
        }
        let took = span.end.duration_since(span.start);
        let took = took.unwrap_or_default();
        let is_slow = self.slower_than.is_some_and(|limit| took > limit);
        is_slow.then_some(Kept::Slow)
    }

    pub(super) fn has_room(&self) -> bool {
        self.bucket.take().is_ok()
    }
}
