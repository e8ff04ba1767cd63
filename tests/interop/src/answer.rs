//! What every service of the matrix answers: ours, and the peers' applications.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::counts::Counts;

/// The headers that a service reports, if it received them.
pub(crate) const REPORTED: [&str; 6] = [
    "traceparent",
    "tracestate",
    "baggage",
    "sw8",
    "sw8-correlation",
    "sw8-x",
];

/// The answer of one service, with that of the next in it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Answer {
    pub(crate) service: String,
    /// The trace headers as they came; the lines of one are joined by a comma.
    pub(crate) received: BTreeMap<String, String>,
    /// Only ours know, and tell, the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sampled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tracestate_lines: Option<usize>,
    /// Of all requests so far, this one among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) counts: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Box<Answer>>,
}

impl Answer {
    /// This service's answer and those behind it, in order.
    pub(crate) fn chain(&self) -> impl Iterator<Item = &Answer> {
        std::iter::successors(Some(self), |answer| answer.next.as_deref())
    }

    /// The answer of the service with this name.
    pub(crate) fn of(&self, service: &str) -> Option<&Answer> {
        self.chain().find(|answer| answer.service == service)
    }
}
