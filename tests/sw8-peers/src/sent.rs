//! Headers as we write them, and what we mean by them.

use std::collections::{BTreeMap, HashMap};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use rum_trace_core::{Injection, TraceProtocol};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Field;

/// Headers of one request.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Headers {
    /// The one that carries the trace.
    pub sw8: String,
    /// SkyWalking's baggage.
    #[serde(rename = "sw8-correlation", skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
}

/// What we wrote, and what we mean by it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What it is an example of.
    pub case: String,
    /// The headers.
    pub headers: Headers,
    /// What each decoder must read.
    pub meant: Meant,
}

/// What a header says.
#[derive(Clone, Debug)]
pub struct Meant {
    /// Whether the trace is sampled.
    pub sampled: bool,
    /// The trace id's text.
    pub trace_id: String,
    /// The segment id: one that maps back to our span.
    pub segment_id: String,
    /// Our service.
    pub service: Text,
    /// Our service instance.
    pub instance: Text,
    /// What of our service makes the call.
    pub endpoint: Text,
    /// The address that is called.
    pub peer: Text,
    /// The pairs of `sw8-correlation`.
    pub correlation: BTreeMap<String, String>,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// As it is.
    Whole(String),
    /// The beginning of a name that is too long: not empty, and not all of it.
    BeginningOf(String),
}

impl Text {
    /// This name, as it is.
    #[must_use]
    pub fn whole(text: impl Into<String>) -> Self {
        Text::Whole(text.into())
    }

    /// Whether `text` is what is meant.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        match self {
            Text::Whole(whole) => text == whole,
            Text::BeginningOf(long) => {
                !text.is_empty() && text.len() < long.len() && long.starts_with(text)
            }
        }
    }
}

impl Meant {
    /// For a trace of our own: its id is the hex digits.
    ///
    /// The segment id is put together by the rule, from numbers: it shares no
    /// code with the encoder.
    #[must_use]
    pub fn by(span: &SpanContext) -> Self {
        let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
        let span_id = u64::from_be_bytes(span.span_id().to_bytes());
        let upper = u64::try_from(trace_id >> 64).expect("the upper half of it");
        Meant {
            sampled: span.is_sampled(),
            trace_id: format!("{trace_id:032x}"),
            segment_id: format!("{upper:016x}{:016x}", upper ^ span_id),
            // What stands for a name that nobody gave.
            service: Text::whole("unknown"),
            instance: Text::whole("unknown"),
            endpoint: Text::whole("/"),
            peer: Text::whole("0.0.0.0"),
            correlation: BTreeMap::new(),
        }
    }

    /// Whether a name had to be cut, so that the header is as long as it may be.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let names = [&self.service, &self.instance, &self.endpoint, &self.peer];
        names
            .iter()
            .any(|name| matches!(name, Text::BeginningOf(_)))
    }

    /// Whether a decoder's value of a field is what is meant.
    #[must_use]
    pub fn is(&self, field: Field, value: &Value) -> bool {
        let name = |text: &Text| value.as_str().is_some_and(|value| text.is(value));
        match field {
            Field::Sample => value == &Value::from(self.sampled),
            Field::TraceId => value == self.trace_id.as_str(),
            Field::SegmentId => value == self.segment_id.as_str(),
            Field::SpanId => value == &Value::from(0),
            Field::Service => name(&self.service),
            Field::Instance => name(&self.instance),
            Field::Endpoint => name(&self.endpoint),
            Field::Peer => name(&self.peer),
            Field::Correlation => value == &serde_json::json!(self.correlation),
        }
    }
}

impl Sent {
    /// What is written for the span that is active in `cx`.
    ///
    /// # Panics
    ///
    /// If no `sw8` is written.
    #[must_use]
    pub fn new(
        case: impl Into<String>,
        cx: &Context,
        injection: Injection<'_>,
        meant: Meant,
    ) -> Self {
        let case = case.into();
        let mut headers = HashMap::new();
        injection
            .protocol(TraceProtocol::Sw8)
            .inject(cx, &mut headers);
        let sw8 = headers.remove("sw8");
        let headers = Headers {
            sw8: sw8.unwrap_or_else(|| panic!("{case}: no sw8 is written")),
            correlation: headers.remove("sw8-correlation"),
        };
        Sent {
            case,
            headers,
            meant,
        }
    }
}

/// A context with a span of these ids.
pub(crate) fn context(trace_id: u128, span_id: u64, sampled: bool) -> Context {
    let flags = opentelemetry::TraceFlags::default().with_sampled(sampled);
    let state = opentelemetry::trace::TraceState::NONE;
    let span = SpanContext::new(trace_id.into(), span_id.into(), flags, false, state);
    Context::new().with_remote_span_context(span)
}

/// What is meant by the span that is active in `cx`.
pub(crate) fn meant(cx: &Context) -> Meant {
    Meant::by(cx.span().span_context())
}
