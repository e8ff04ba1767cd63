//! The context of a queue's message.

use opentelemetry::Context;
use opentelemetry::propagation::Extractor;

use crate::Instrumenter;
use crate::baggage::with_baggage;
use crate::extract::Extraction;
use crate::fallback::Source;
use crate::headers::TraceHeaders;

impl Instrumenter {
    /// Takes up the trace that a message carries in its headers: what
    /// [`Injection`](crate::Injection) wrote there, or the OpenTelemetry SDK or
    /// SkyWalking agent of another producer.
    ///
    /// It reads what [`start`](Self::start) reads of a request, as strictly, and
    /// counts it in [`stats`](Self::stats). The context holds the producer's span,
    /// remote, the [`RumContext`](crate::RumContext) and baggage, on top of the
    /// current context; a message that tells nothing leaves that as it is. A
    /// header of more than 32 KiB is not read.
    ///
    /// The [trust policy](crate::TrustPolicy) is not asked: a message has neither peer
    /// nor proxies, and comes from a queue of one's own, where it was written by a
    /// service that asked its policy of the request before it. Where strangers can write
    /// to a queue, do not extract from their messages, or add a link to what you
    /// extracted in place of a parent.
    ///
    /// Any [`Extractor`] is a message's headers, for example a
    /// `HashMap<String, String>`. The producer, whose span is the active one:
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use opentelemetry::Context;
    /// use rum_trace_core::{Injection, TraceProtocol};
    ///
    /// fn message_headers() -> HashMap<String, String> {
    ///     let mut headers = HashMap::new();
    ///     Injection::to_own_service()
    ///         .protocol(TraceProtocol::W3c)
    ///         .inject(&Context::current(), &mut headers);
    ///     headers
    /// }
    /// # assert!(message_headers().is_empty());
    /// ```
    ///
    /// The consumer of single messages, whose CONSUMER span is the child of the
    /// producer's:
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use opentelemetry::{Context, ContextGuard, KeyValue};
    /// use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer};
    /// use rum_trace_core::Instrumenter;
    ///
    /// fn consume<T: Tracer>(
    ///     instrumenter: &Instrumenter,
    ///     tracer: &T,
    ///     headers: &HashMap<String, String>,
    /// ) -> Context
    /// where
    ///     T::Span: Send + Sync + 'static,
    /// {
    ///     let producer = instrumenter.extract(headers);
    ///     let span = tracer
    ///         .span_builder("process orders")
    ///         .with_kind(SpanKind::Consumer)
    ///         .with_attributes([
    ///             KeyValue::new("messaging.system", "kafka"),
    ///             KeyValue::new("messaging.operation.name", "process"),
    ///             KeyValue::new("messaging.operation.type", "process"),
    ///             KeyValue::new("messaging.destination.name", "orders"),
    ///         ])
    ///         .start_with_context(tracer, &producer);
    ///     producer.with_span(span) // `attach` it, or wrap a future in it
    /// }
    /// # let tracer = opentelemetry::trace::noop::NoopTracer::new();
    /// # consume(&Instrumenter::default(), &tracer, &HashMap::new());
    /// ```
    ///
    /// A batch has many producers, and its span can be the child of one: there
    /// OpenTelemetry's conventions want a link for each message. Work on a single
    /// one of them is then done in its own context, so that the session is known.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use opentelemetry::trace::{Link, SpanBuilder, SpanKind, TraceContextExt};
    /// use rum_trace_core::Instrumenter;
    ///
    /// fn batch_span(
    ///     instrumenter: &Instrumenter,
    ///     messages: &[HashMap<String, String>],
    /// ) -> SpanBuilder {
    ///     let producers = messages.iter().map(|headers| instrumenter.extract(headers));
    ///     let links = producers
    ///         .map(|producer| producer.span().span_context().clone())
    ///         .filter(|span_context| span_context.is_valid())
    ///         .map(Link::with_context);
    ///     SpanBuilder::from_name("process orders")
    ///         .with_kind(SpanKind::Consumer)
    ///         .with_links(links.collect())
    /// }
    /// # batch_span(&Instrumenter::default(), &[]);
    /// ```
    #[must_use = "the context is not made current"]
    pub fn extract(&self, carrier: &dyn Extractor) -> Context {
        self.extract_from(Context::current(), carrier, Source::Message(carrier))
    }

    pub(super) fn extract_from(
        &self,
        around: Context,
        carrier: &dyn Extractor,
        source: Source<'_>,
    ) -> Context {
        let inner = self.inner();
        let (headers, too_long) = TraceHeaders::of_carrier(carrier);
        inner.counters.over_limit(too_long);
        let mut extraction = Extraction::read(&headers, &inner.carriers);
        let hiding = inner.hiding(&headers);
        let rum = inner.rum_context(&headers, &mut extraction, hiding.as_ref());
        let around = with_baggage(around, &headers, hiding.as_ref());
        let base = inner.base_context(around, source, &mut extraction, rum, hiding.as_ref());
        inner.diagnose(&extraction);
        inner.caller(&base, &extraction)
    }
}
