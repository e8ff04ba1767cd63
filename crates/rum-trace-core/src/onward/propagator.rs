//! A propagator for code that uses OpenTelemetry's global one.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use super::{Injection, TraceProtocol};
use crate::Instrumenter;
use crate::fallback::Source;

/// A [`TextMapPropagator`] for code that uses OpenTelemetry's global one: clients
/// and consumers that others have instrumented.
///
/// ```
/// use opentelemetry::global;
/// use rum_trace_core::RumTracePropagator;
///
/// global::set_text_map_propagator(RumTracePropagator::default());
/// ```
///
/// It extracts what [`Instrumenter::extract`] does, as strictly, and injects what
/// [`Injection`] does. But a propagator does not know the host that is called, so
/// that it treats all as third parties: RUM members and baggage stay out, unless
/// [`with_rum`](Self::with_rum) and [`with_baggage`](Self::with_baggage) let them
/// go to *every* host that such code calls. Where a client asks
/// [`Instrumenter::injection`], it is decided by the host.
///
/// It does not ask the [trust policy](crate::TrustPolicy), since it does not know who
/// calls: take it for clients and consumers, not for a server that strangers reach.
///
/// It goes well with propagators of other formats in a
/// `TextMapCompositePropagator`. The SDK's `TraceContextPropagator` and
/// `BaggagePropagator` are not needed beside it, and would write what stays out
/// here: the span's own trace state holds the RUM member (unless
/// [`rum_in_trace_state`](crate::InstrumenterBuilder::rum_in_trace_state) keeps it
/// out).
#[derive(Clone, Debug)]
#[must_use]
pub struct RumTracePropagator {
    instrumenter: Instrumenter,
    protocol: Option<TraceProtocol>,
    rum: bool,
    baggage: bool,
    fields: Vec<String>,
}

impl RumTracePropagator {
    /// By the instrumenter's carriers and service name, counted in its
    /// [`stats`](Instrumenter::stats). Its fallback propagator is not asked: put
    /// that beside this one.
    pub fn new(instrumenter: Instrumenter) -> Self {
        RumTracePropagator {
            instrumenter,
            protocol: None,
            rum: false,
            baggage: false,
            fields: Vec::new(),
        }
        .list_fields()
    }

    /// The protocol to inject, whichever the trace came in; by default that one.
    pub fn protocol(mut self, protocol: TraceProtocol) -> Self {
        self.protocol = Some(protocol);
        self.list_fields()
    }

    /// Injects the RUM members, which name a session and a user, whoever is called.
    pub fn with_rum(mut self) -> Self {
        self.rum = true;
        self.list_fields()
    }

    /// Injects baggage, whoever is called.
    pub fn with_baggage(mut self) -> Self {
        self.baggage = true;
        self.list_fields()
    }

    /// What an injection may write, so that a carrier that is used again can be
    /// cleared of it.
    fn list_fields(mut self) -> Self {
        let has = |wanted: fn(TraceProtocol) -> bool| self.protocol.is_none_or(wanted);
        let w3c = has(TraceProtocol::has_w3c);
        let sw8 = has(TraceProtocol::has_sw8);
        let written = |name: &str| match name {
            "sw8" => sw8,
            "sw8-correlation" => sw8 && self.baggage,
            "baggage" => self.rum || w3c && self.baggage,
            "tracestate" => w3c || self.rum,
            _ => w3c,
        };
        let fields = Injection::HEADERS.iter().filter(|name| written(name));
        self.fields = fields.map(ToString::to_string).collect();
        self
    }

    fn injection(&self) -> Injection<'_> {
        let inner = self.instrumenter.inner();
        let injection = inner.onward.injection_to_anybody();
        let injection = inner.name_service(injection).with(self.rum, self.baggage);
        match self.protocol {
            Some(protocol) => injection.protocol(protocol),
            None => injection,
        }
    }
}

/// With the default settings.
impl Default for RumTracePropagator {
    fn default() -> Self {
        RumTracePropagator::new(Instrumenter::default())
    }
}

impl TextMapPropagator for RumTracePropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        self.injection().inject(cx, injector);
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        self.instrumenter
            .extract_from(cx.clone(), extractor, Source::Propagator)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}
