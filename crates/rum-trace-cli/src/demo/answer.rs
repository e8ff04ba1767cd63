//! What the services answer: which trace they were in. The phone of an unsampled
//! tap learns from it that its trace went on, since nothing is exported then.

use rum_trace::{actix, axum};
use serde::{Deserialize, Serialize};

/// The answer that the phone gets.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Answer {
    /// Added on the way back: the shop knows nothing of a gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gateway: Option<Seen>,
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

impl From<axum::CurrentTrace> for Seen {
    fn from(trace: axum::CurrentTrace) -> Self {
        Self {
            trace_id: trace.trace_id.to_string(),
            sampled: trace.sampled,
        }
    }
}

impl From<actix::CurrentTrace> for Seen {
    fn from(trace: actix::CurrentTrace) -> Self {
        Self {
            trace_id: trace.trace_id.to_string(),
            sampled: trace.sampled,
        }
    }
}
