//! The response header that tells a page which trace its request was in.

use opentelemetry::trace::SpanContext;

/// The form of the `Server-Timing` response header that names the SERVER span,
/// for RUM products that look for it there.
///
/// A page that calls across origins sees the header only if
/// `Access-Control-Expose-Headers` names it, which is set along with it (a CORS
/// layer with a list of its own must name
/// [`CORS_RESPONSE_HEADERS`](crate::CORS_RESPONSE_HEADERS)), and
/// in its resource timings only if the service sends `Timing-Allow-Origin`,
/// which is its own decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerTiming {
    /// `traceparent;desc="00-{trace-id}-{span-id}-{flags}"`: what RUM products
    /// read today.
    Traceparent,
    /// `trace;desc=00-{trace-id}-{span-id}-{flags}`: as the editor's draft of
    /// W3C Trace Context has it.
    Trace,
}

impl ServerTiming {
    /// The header fields for a span. Nothing of the trace state: it names a
    /// session and a user.
    pub(crate) fn set(self, span: &SpanContext, set: &mut dyn FnMut(&'static str, &str)) {
        if !span.is_valid() {
            return;
        }
        let (trace, id) = (span.trace_id(), span.span_id());
        let flags = span.trace_flags().to_u8();
        let value = match self {
            ServerTiming::Traceparent => {
                format!("traceparent;desc=\"00-{trace}-{id}-{flags:02x}\"")
            }
            ServerTiming::Trace => format!("trace;desc=00-{trace}-{id}-{flags:02x}"),
        };
        set("server-timing", &value);
        set("access-control-expose-headers", "server-timing");
    }
}
