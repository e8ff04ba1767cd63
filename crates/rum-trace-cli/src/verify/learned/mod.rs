//! What became of a request at the service, by whichever way it is learned.

mod candidate;
pub(super) mod source;
mod spans;
mod timing;
mod view;

use std::collections::{BTreeMap, HashSet};

use rum_trace_propagation::{SpanId, TraceId};

pub(crate) use timing::Timing;

/// The SERVER span that a request of ours led to, as a collector knows it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) service: String,
    pub(crate) parent: Option<SpanId>,
    /// The collector has the parent, too: a gateway's.
    pub(crate) parent_is_known: bool,
    /// Its attributes, as far as they tell of app, session and user.
    pub(crate) rum: BTreeMap<&'static str, String>,
}

/// What a collector knows of a trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// The service's: a gateway may have a SERVER span of its own further out.
    pub(crate) entry: Option<Entry>,
    /// Whosoever's.
    pub(crate) spans: HashSet<SpanId>,
}

/// What is asked of a collector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) trace: TraceId,
    /// The phone's span, if that is its trace.
    pub(crate) phone: Option<SpanId>,
    /// The SERVER span that the service named.
    pub(crate) named: Option<SpanId>,
}
