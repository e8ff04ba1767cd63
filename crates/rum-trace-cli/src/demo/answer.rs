//! What the services answer: which trace they were in. The phone of an unsampled
//! tap learns from it that its trace went on, since nothing is exported then.

use rum_trace::axum::CurrentTrace;
use serde::{Deserialize, Serialize};

/// The answer of the shop.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Answer {
    pub(crate) shop: Seen,
    /// What the stock service answered, if the shop called it.
    pub(crate) stock: Option<Seen>,
}

/// The trace that a service was in.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Seen {
    /// 32 hex digits.
    pub(crate) trace_id: String,
    pub(crate) sampled: bool,
}

impl From<CurrentTrace> for Seen {
    fn from(trace: CurrentTrace) -> Self {
        Self {
            trace_id: trace.trace_id.to_string(),
            sampled: trace.sampled,
        }
    }
}
