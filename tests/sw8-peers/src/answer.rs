//! What a decoder answers.

use serde::Deserialize;

use crate::{Fields, Headers};

/// What a decoder read in the headers.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// It raised an error.
    Refused {
        /// The error, in its words.
        error: String,
    },
    /// It did not.
    Read {
        /// Whether the agent itself finds the result valid, and so would
        /// continue the trace.
        valid: bool,
        /// The fields that it has.
        fields: Fields,
        /// What the agent then writes to the next service.
        onward: Option<Onward>,
    },
}

/// Headers that an agent wrote.
#[derive(Clone, Debug, Deserialize)]
pub struct Onward {
    /// The headers.
    pub headers: Headers,
    /// What the agent means by them.
    pub fields: Fields,
}
