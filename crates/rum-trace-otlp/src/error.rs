//! What can go wrong, and what to do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::stats::Stats;

/// Where a setting came from: a method of the builder or an environment
/// variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// The method of [`PipelineBuilder`](crate::PipelineBuilder) with this name.
    Code(&'static str),
    /// The environment variable with this name.
    Variable(&'static str),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(name) => write!(f, "`{name}`"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// Why a pipeline could not be built.
///
/// The message names the setting and what is allowed. It never holds an
/// endpoint's path, a header's value or a token.
///
/// ```
/// use rum_trace_otlp::{Pipeline, PipelineError, Setting};
///
/// let error = Pipeline::builder()
///     .ignore_environment()
///     .max_queue_size(0)
///     .build()
///     .unwrap_err();
/// assert!(matches!(
///     error,
///     PipelineError::Invalid { setting: Setting::Code("max_queue_size"), .. }
/// ));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A value that cannot be used.
    #[error("{setting}: {problem}")]
    #[non_exhaustive]
    Invalid {
        /// The setting with the value.
        setting: Setting,
        /// What is wrong with it and what is allowed.
        problem: String,
    },
    /// A value that needs a Cargo feature which is not turned on.
    #[error("{setting}: needs the Cargo feature `{feature}` of rum-trace-otlp")]
    #[non_exhaustive]
    MissingFeature {
        /// The setting with the value.
        setting: Setting,
        /// The feature to turn on.
        feature: &'static str,
    },
    /// An `https` endpoint, but no certificate authority to trust.
    #[error(
        "the endpoint is https, but no trusted certificate authority was found ({problem}): \
         install the system's root certificates (package ca-certificates) or give the \
         collector's own by `ca_certificate_pem` or OTEL_EXPORTER_OTLP_CERTIFICATE"
    )]
    #[non_exhaustive]
    NoRootCertificates {
        /// What the system's certificate store answered.
        problem: String,
    },
    /// The TLS library refused its set-up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[source] rustls::Error),
    /// The spool on disk cannot be used.
    #[error("`spool`: {problem}")]
    #[non_exhaustive]
    Spool {
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// The export thread could not be started.
    #[error("the export thread could not be started: {0}")]
    Worker(#[source] io::Error),
}

impl PipelineError {
    pub(crate) fn invalid(setting: Setting, problem: impl Into<String>) -> Self {
        Self::Invalid {
            setting,
            problem: problem.into(),
        }
    }

    /// The setting to correct, where it is one.
    #[must_use]
    pub fn setting(&self) -> Option<Setting> {
        match self {
            Self::Invalid { setting, .. } | Self::MissingFeature { setting, .. } => Some(*setting),
            _ => None,
        }
    }
}

/// Why [`Pipeline::flush`](crate::Pipeline::flush) did not deliver everything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// Spans were lost during the flush: refused, rejected, or dropped.
    #[error("{spans} spans were not delivered: {cause}")]
    #[non_exhaustive]
    NotDelivered {
        /// How many spans were lost during this flush.
        spans: u64,
        /// What the last failure was.
        cause: String,
    },
    /// The flush took too long. What was not delivered is kept and tried on.
    #[error("the flush did not end within {0:?}; the export goes on in the background")]
    Timeout(Duration),
    /// This process was forked from the one that exports.
    #[error(
        "this process was forked after the pipeline was built, and exports nothing: build the \
         pipeline after the fork"
    )]
    Forked,
    /// The pipeline, or its tracer provider, has been shut down.
    #[error("the pipeline has been shut down")]
    AfterShutdown,
    /// A processor added by `span_processor` failed, or the SDK did.
    #[error("a span processor could not flush: {0}")]
    Processor(String),
}

/// Why [`Pipeline::shutdown`](crate::Pipeline::shutdown) is not all well.
///
/// The pipeline is shut down in any case; this says what was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// Spans were lost during the life of the pipeline.
    #[error("{} of {} ended spans were not delivered ({stats}){}", stats.lost(), stats.ended(), Cause(cause))]
    #[non_exhaustive]
    Lost {
        /// The final count.
        stats: Box<Stats>,
        /// What the last failure of an export was, if one failed.
        cause: Option<String>,
    },
    /// The deadline passed before everything was sent. What was still queued
    /// or in flight is lost and part of [`Stats::lost`].
    #[error(
        "the deadline of {deadline:?} passed: {} of {} ended spans were not delivered ({stats}){}",
        stats.lost(), stats.ended(), Cause(cause)
    )]
    #[non_exhaustive]
    DeadlineExceeded {
        /// The deadline that was given.
        deadline: Duration,
        /// The count at the deadline.
        stats: Box<Stats>,
        /// What the last failure of an export was, if one failed.
        cause: Option<String>,
    },
    /// Every span was delivered, but a processor added by `span_processor`
    /// could not shut down.
    #[error("a span processor could not shut down: {0}")]
    Processor(String),
}

impl ShutdownError {
    /// The count of spans, where spans were lost.
    #[must_use]
    pub fn stats(&self) -> Option<&Stats> {
        match self {
            Self::Lost { stats, .. } | Self::DeadlineExceeded { stats, .. } => Some(stats),
            Self::Processor(_) => None,
        }
    }

    /// How many spans were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.stats().map_or(0, Stats::lost)
    }
}

struct Cause<'a>(&'a Option<String>);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cause) => write!(f, "; the last failure: {cause}"),
            None => Ok(()),
        }
    }
}

/// Why one batch was not delivered, in words without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ExportError(pub(crate) String);
