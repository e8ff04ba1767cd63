//! A user's own propagator, asked when no carrier of ours could be continued.

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

/// The context that the propagator finds in the request, if it finds a span.
pub(crate) fn extract(
    propagator: &dyn TextMapPropagator,
    base: &Context,
    request: &dyn RequestInfo,
) -> Option<Context> {
    let cx = propagator.extract_with_context(base, &Headers::collect(request));
    let found = {
        let span = cx.span();
        let span = span.span_context();
        // One that finds nothing gives the base back.
        span.is_valid() && span.is_remote() && span != base.span().span_context()
    };
    found.then_some(cx)
}
