//! The user's fallback propagator, asked when no carrier of ours could be
//! continued.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;

use crate::RequestInfo;

/// The headers in the shape that a propagator wants. Only built when one is
/// asked, since it allocates.
struct Headers<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Headers<'a> {
    fn collect(request: &'a dyn RequestInfo) -> Self {
        let mut headers = Vec::new();
        request.for_each_header(&mut |name, value| {
            if let Ok(value) = std::str::from_utf8(value) {
                headers.push((name, value));
            }
        });
        Headers(headers)
    }

    fn values<'b>(&'b self, key: &'b str) -> impl Iterator<Item = &'a str> + 'b {
        self.0
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| *value)
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.values(key).next()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<&str> = self.values(key).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// What a trace comes in with, for the propagator to look at.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Request(&'a dyn RequestInfo),
    Message(&'a dyn Extractor),
    /// A propagator of ours reads it. It asks no other: one that asks
    /// OpenTelemetry's global propagator would be asked again by ours.
    Propagator,
}

impl Source<'_> {
    pub(crate) const fn is_request(self) -> bool {
        matches!(self, Source::Request(_))
    }

    /// The context that the propagator finds, if it finds a span.
    pub(crate) fn extract(
        self,
        propagator: &dyn TextMapPropagator,
        base: &Context,
    ) -> Option<Context> {
        let cx = match self {
            Source::Request(request) => {
                propagator.extract_with_context(base, &Headers::collect(request))
            }
            Source::Message(carrier) => propagator.extract_with_context(base, carrier),
            Source::Propagator => return None,
        };
        found_span(&cx, base).then_some(cx)
    }
}

/// One that finds nothing gives the base back.
fn found_span(cx: &Context, base: &Context) -> bool {
    let span = cx.span();
    let span = span.span_context();
    span.is_valid() && span.is_remote() && span != base.span().span_context()
}
