//! Why a sampler cannot be built, or rules cannot be taken.

use std::path::PathBuf;

use rum_trace_core::BuildError;
use thiserror::Error;

/// A setting of a [`SessionSampler`](super::SessionSampler) that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// A ratio is no number from 0 to 1.
    #[error("{setting} is {ratio}, which is no ratio; give a number from 0 to 1")]
    InvalidRatio {
        /// The builder's method.
        setting: &'static str,
        /// What it was given.
        ratio: f64,
    },
    /// A cap lets nothing through.
    #[error(
        "{setting} is 0, which would sample nothing; leave it out for no cap, or give 1 or more"
    )]
    ZeroCap {
        /// The builder's method.
        setting: &'static str,
    },
    /// [`Keep`](super::Keep) has no condition.
    #[error("nothing would be kept: say which spans, with Keep::errors or Keep::slower_than")]
    KeepsNothing,
    /// A trusted caller's network cannot be read.
    #[error("trusted_callers: {0}")]
    Network(#[from] BuildError),
    /// The rules' file cannot be used.
    #[error("the rules in {path:?} cannot be used: {source}")]
    RulesFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: RulesError,
    },
    /// The thread that looks after the rules' file cannot be started.
    #[error("the thread that reads the rules again cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// Why rules cannot be taken. It quotes nothing of the rules but names of fields and
/// kinds of values, since they may hold the ids of users and sessions.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RulesError {
    /// The text is no rules.
    #[error("line {line}, column {column}: {problem}")]
    Invalid {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// The file is too large for rules.
    #[error("it has {bytes} bytes, and rules may have {max}")]
    TooLarge {
        /// What it has.
        bytes: u64,
        /// What it may have.
        max: u64,
    },
}
