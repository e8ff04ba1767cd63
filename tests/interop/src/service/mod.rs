//! Our services: each answers what it received, and calls the next one if the
//! request names it. They run as processes of their own, as a user's would.

pub(crate) mod actix;
pub(crate) mod axum;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rum_trace::otlp::Pipeline;
use rum_trace::{Instrumenter, RumContext, Stats, TraceProtocol};
use serde::Deserialize;

use crate::BoxError;
use crate::answer::{Answer, REPORTED};
use crate::counts::Counts;

/// How long a call may take. A guard against hanging, no more.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer has a few hundred bytes.
const MAX_ANSWER: usize = 1 << 20;

/// How one of our services is set up.
#[derive(Args, Clone, Debug)]
pub(crate) struct Setup {
    /// Its `service.name`.
    #[arg(long)]
    name: String,
    /// The Collector's OTLP/HTTP endpoint.
    #[arg(long)]
    collector: String,
    /// The protocol in which it calls the next service.
    #[arg(long, value_enum, default_value_t = Onward::Same)]
    onward: Onward,
}

/// The protocol in which a trace goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Onward {
    /// The one that it came in.
    Same,
    W3c,
    Sw8,
}

impl Onward {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Onward::Same => "same",
            Onward::W3c => "w3c",
            Onward::Sw8 => "sw8",
        }
    }
}

/// The query of `/call`.
#[derive(Debug, Deserialize)]
struct Call {
    /// The whole URL of the next service.
    next: Option<String>,
}

impl Setup {
    fn pipeline(&self) -> Result<Pipeline, BoxError> {
        let pipeline = Pipeline::builder()
            .ignore_environment()
            .service_name(self.name.clone())
            .endpoint(self.collector.clone())
            .scheduled_delay(Duration::from_millis(100))
            .install()?;
        Ok(pipeline)
    }

    fn instrumenter(&self) -> Result<Instrumenter, BoxError> {
        let builder = Instrumenter::builder().service(&self.name, "1");
        let builder = match self.onward {
            Onward::Same => builder,
            Onward::W3c => builder.protocol_to("127.0.0.1", TraceProtocol::W3c),
            Onward::Sw8 => builder.protocol_to("127.0.0.1", TraceProtocol::Sw8),
        };
        Ok(builder.build()?)
    }
}

/// The answer, without what the next service said.
fn answer<'a>(
    name: &str,
    trace: (impl ToString, bool),
    rum: Option<&RumContext>,
    stats: &Stats,
    values: impl Fn(&str) -> Vec<&'a [u8]>,
) -> Answer {
    let (trace_id, sampled) = trace;
    Answer {
        service: name.to_owned(),
        tracestate_lines: Some(values("tracestate").len()),
        received: received(values),
        counts: Some(Counts::of(stats)),
        trace_id: Some(trace_id.to_string()),
        sampled: Some(sampled),
        session_id: rum.and_then(|rum| rum.session_id().map(str::to_owned)),
        ..Answer::default()
    }
}

/// The trace headers as they came.
pub(crate) fn received<'a>(values: impl Fn(&str) -> Vec<&'a [u8]>) -> BTreeMap<String, String> {
    let lines = |name: &&str| {
        let lines = values(name);
        let joined = lines.join(&b","[..]);
        let text = String::from_utf8_lossy(&joined).into_owned();
        (!lines.is_empty()).then(|| ((*name).to_owned(), text))
    };
    REPORTED.iter().filter_map(lines).collect()
}

/// What came of the call to the next service.
fn with_next(mut answer: Answer, next: Result<Answer, BoxError>) -> Answer {
    match next {
        Ok(next) => answer.next = Some(Box::new(next)),
        Err(error) => answer.error = Some(error.to_string()),
    }
    answer
}
