//! The request path: parse, limits, privacy, trust, context and span.

mod arrival;
mod context;
mod span;

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;

pub(crate) use self::arrival::Arrival;
use crate::active_request::{ActiveRequest, Begun};
use crate::attributes::AttributeSettings;
use crate::baggage::with_baggage;
use crate::capture::HeaderCapture;
use crate::diagnosis::{CarrierClass, Expected, Topic};
use crate::extract::Extraction;
use crate::fallback::Source;
use crate::forwarded::Forwarding;
use crate::grpc::{GrpcCall, KnownMethods};
use crate::headers::TraceHeaders;
use crate::hooks::Hooks;
use crate::intern::Route;
use crate::method::Method;
use crate::metrics::{self, Measured, Metrics};
use crate::onward::Onward;
use crate::server_timing::ServerTiming;
use crate::sharded::{Shard, Sharded};
use crate::skip::SkippedPaths;
use crate::stats::Counters;
use crate::tracer::{RequestWithoutSpan, SpanSource};
use crate::trust::Told;
use crate::verification::{Arrived, VerificationToken};
use crate::{
    Carrier, Injection, InstrumenterBuilder, Privacy, RequestInfo, RumContext, Stats, TrustPolicy,
    TrustedProxies,
};

/// Continues the trace of each request that it is shown: one for a service,
/// built once, cheap to clone, shared by all threads.
///
/// Adapters for frameworks are built on it; a framework without one can be
/// served by hand, see [`start`](Self::start).
#[derive(Clone)]
pub struct Instrumenter(Arc<Shared>);

struct Shared {
    inner: Arc<Inner>,
    /// For what each request refers to.
    handles: Sharded<Arc<Inner>>,
}

/// The instrumenter of a request that is being served.
pub(crate) type Handle = Shard<Arc<Inner>>;

/// Everything that can be settled before the first request.
pub(crate) struct Inner {
    pub(crate) spans: SpanSource,
    pub(crate) carriers: Vec<Carrier>,
    pub(crate) fallback: Option<Box<dyn TextMapPropagator + Send + Sync>>,
    /// `None` where everybody is trusted, which costs nothing.
    pub(crate) trust: Option<TrustPolicy>,
    pub(crate) proxies: Option<TrustedProxies>,
    pub(crate) hooks: Hooks,
    pub(crate) methods: Vec<&'static str>,
    pub(crate) attributes: AttributeSettings,
    pub(crate) response_headers: HeaderCapture,
    pub(crate) rum_in_trace_state: bool,
    /// Only if it changes anything.
    pub(crate) privacy: Option<Privacy>,
    pub(crate) skipped: SkippedPaths,
    pub(crate) rpc_methods: KnownMethods,
    /// Those of other services.
    pub(crate) called_methods: KnownMethods,
    pub(crate) onward: Onward,
    pub(crate) metrics: Metrics,
    pub(crate) server_timing: Option<ServerTiming>,
    pub(crate) verification: Option<VerificationToken>,
    #[cfg(feature = "tracing")]
    pub(crate) tracing_spans: bool,
    pub(crate) expected: Expected,
    // Shared with the metrics, which tell its numbers once more when this is gone.
    pub(crate) counters: Arc<Counters>,
}

impl Instrumenter {
    /// The builder.
    pub fn builder() -> InstrumenterBuilder {
        InstrumenterBuilder::default()
    }

    pub(crate) fn new(inner: Inner) -> Self {
        let inner = Arc::new(inner);
        let handles = Sharded::new(Arc::clone(&inner));
        Instrumenter(Arc::new(Shared { inner, handles }))
    }

    /// Starts the SERVER span of a request, as the child of the span that its
    /// headers name. Never fails: what cannot be continued starts a new trace
    /// and is counted in [`stats`](Self::stats).
    ///
    /// ```
    /// use rum_trace_core::{Instrumenter, RequestInfo};
    ///
    /// # struct MyRequest;
    /// # impl RequestInfo for MyRequest {
    /// #     fn method(&self) -> &str { "GET" }
    /// #     fn path(&self) -> &str { "/" }
    /// #     fn for_each_header<'a>(&'a self, _: &mut dyn FnMut(&'a str, &'a [u8])) {}
    /// # }
    /// # fn handle(_: MyRequest) -> u16 { 200 }
    /// let instrumenter = Instrumenter::builder().build()?;
    ///
    /// // for each request:
    /// # let request = MyRequest;
    /// let mut active = instrumenter.start(&request);
    /// let status = {
    ///     let _scope = active.scope(); // the span is current in here
    ///     handle(request)
    /// };
    /// active.on_response(&status);
    /// active.finish(); // dropped without this, the client went away
    /// # Ok::<(), rum_trace_core::BuildError>(())
    /// ```
    #[must_use = "dropping it at once records a client that went away"]
    pub fn start<R: RequestInfo>(&self, request: &R) -> ActiveRequest {
        self.start_dyn(request)
    }

    /// The numbers of what arrived, was continued, and was refused.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner().counters.snapshot()
    }

    /// What a request to this authority (`host` or `host:port`, an IPv6 address in
    /// brackets) is to carry, as the builder says:
    /// [`own_host`](InstrumenterBuilder::own_host),
    /// [`protocol_to`](InstrumenterBuilder::protocol_to),
    /// [`trace_third_parties`](InstrumenterBuilder::trace_third_parties).
    ///
    /// ```
    /// use rum_trace_core::Instrumenter;
    ///
    /// let instrumenter = Instrumenter::builder().own_host("*.shop.example").build()?;
    /// assert!(instrumenter.injection("stock.shop.example:8080").is_wanted());
    /// assert!(instrumenter.injection("localhost:3000").is_wanted()); // can only be internal
    /// assert!(!instrumenter.injection("payments.example.org").is_wanted());
    /// # Ok::<(), rum_trace_core::BuildError>(())
    /// ```
    pub fn injection<'a>(&'a self, authority: &'a str) -> Injection<'a> {
        let injection = self.inner().onward.injection(authority);
        self.inner().name_service(injection)
    }

    /// What a message to a queue of one's own is to carry: as
    /// [`Injection::to_own_service`], by the service that starts the spans.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use opentelemetry::Context;
    /// use rum_trace_core::Instrumenter;
    ///
    /// let instrumenter = Instrumenter::builder().service("shop", "shop-1").build()?;
    /// let mut headers: HashMap<String, String> = HashMap::new();
    /// instrumenter
    ///     .injection_to_own_service()
    ///     .inject(&Context::current(), &mut headers);
    /// # Ok::<(), rum_trace_core::BuildError>(())
    /// ```
    pub fn injection_to_own_service(&self) -> Injection<'_> {
        let onward = &self.inner().onward;
        let injection = Injection::to_own_service()
            .service(&onward.service)
            .instance(&onward.instance);
        self.inner().name_service(injection)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0.inner
    }

    fn handle(&self) -> Handle {
        self.0.handles.here().clone()
    }

    fn start_dyn(&self, request: &dyn RequestInfo) -> ActiveRequest {
        let inner = self.inner();
        let mut headers = TraceHeaders::default();
        headers.collect(request);
        // parse
        let mut extraction = Extraction::read(&headers, &inner.carriers);
        // limits and privacy: what may not be kept is not even taken, and so no policy sees it
        let hiding = inner.hiding(&headers);
        let hiding = hiding.as_ref();
        let rum = inner.rum_context(&headers, &mut extraction, hiding);
        // trust: who may say what, before anything is put into a context or a span
        let forwarding = Forwarding::of(request, inner.proxies.as_ref());
        let around = Context::current();
        if extraction.is_served_in(&around) {
            inner.counters.say(Topic::AppliedTwice);
        }
        let base = match &inner.trust {
            Some(policy) => {
                let told = Told {
                    headers: &headers,
                    hiding,
                };
                inner.judged_context(policy, &forwarding, &around, told, &mut extraction, rum)
            }
            None => {
                let around = with_baggage(around, &headers, hiding);
                let source = Source::Request(request);
                inner.base_context(around, source, &mut extraction, rum, hiding)
            }
        };
        // context and span
        let rum = RumContext::in_context(&base);
        inner.diagnose(&extraction);
        let method = Method::of(request.method(), &inner.methods);
        if !inner.wants_span(request) {
            let arrived = Arrived {
                request,
                extraction: &extraction,
                rum,
                base: &base,
                span: None,
            };
            return self.kept_out(&arrived, &forwarding, method);
        }
        if extraction.class == CarrierClass::Absent {
            inner.diagnose_absent(request, &headers, &extraction);
        }
        let call = inner.call(request, &headers);
        let arrival = Arrival {
            request,
            forwarding: &forwarding,
            headers: &headers,
            rum,
            method: &method,
            route: OnceCell::new(),
            call,
        };
        let named = inner.with_endpoint(&base, &arrival, &extraction);
        let base = named.as_ref().unwrap_or(&base);
        let opened = inner.open(base, &arrival, &extraction);
        // Last: a hook of the user's that panicked must not leave it active.
        let measured = inner.measure(&arrival);
        let call = arrival.call.map(Box::new);
        let recording = opened.recording;
        let begun = Begun {
            cx: opened.cx,
            method,
            call,
            measured,
            named: opened.named,
            recording,
            start: opened.start,
            #[cfg(feature = "tracing")]
            tracing_span: opened.tracing_span,
        };
        let mut active = ActiveRequest::new(self.handle(), begun);
        if let Some(token) = &inner.verification {
            let arrived = Arrived {
                request,
                extraction: &extraction,
                rum,
                base,
                span: Some((active.context(), recording)),
            };
            let verified = inner.verify(token, &arrived);
            active.tell(verified);
        }
        active
    }

    /// A request that is to have no span.
    fn kept_out(
        &self,
        arrived: &Arrived<'_>,
        forwarding: &Forwarding<'_>,
        method: Method,
    ) -> ActiveRequest {
        let inner = self.inner();
        inner.counters.filtered();
        let mut parent = inner.caller(arrived.base, arrived.extraction);
        if inner.spans.asks_of_skipped() {
            let client = forwarding.client().map(|(address, _)| address);
            parent = parent.with_value(RequestWithoutSpan { client });
        }
        let begun = Begun::bare(parent, method);
        let mut active = ActiveRequest::kept_out(self.handle(), begun);
        if let Some(token) = &inner.verification {
            active.tell(inner.verify(token, arrived));
        }
        active
    }
}

/// With the default settings, on the global tracer provider.
impl Default for Instrumenter {
    fn default() -> Self {
        Instrumenter::new(Inner::default())
    }
}

impl Inner {
    /// The injection by the service that starts the spans, for `sw8`.
    pub(crate) fn name_service<'a>(&'a self, injection: Injection<'a>) -> Injection<'a> {
        match self.spans.service() {
            Some((name, instance)) => injection.called(name, instance),
            None => injection,
        }
    }

    fn wants_span(&self, request: &dyn RequestInfo) -> bool {
        !self.skipped.contains(request.path()) && self.hooks.wants_span(request)
    }

    fn call(&self, request: &dyn RequestInfo, headers: &TraceHeaders<'_>) -> Option<GrpcCall> {
        let content_type = headers.content_type.first();
        GrpcCall::of(
            request.method(),
            request.path(),
            content_type,
            &self.rpc_methods,
        )
    }

    fn measure(&self, arrival: &Arrival<'_>) -> Option<Box<Measured>> {
        if self.metrics.is_on() {
            self.measure_arrival(arrival)
        } else {
            None
        }
    }

    #[inline(never)]
    fn measure_arrival(&self, arrival: &Arrival<'_>) -> Option<Box<Measured>> {
        let measured = self.metrics.start(metrics::Arrived {
            method: arrival.method,
            scheme: self.attributes.scheme(arrival),
            version: arrival.request.protocol_version(),
            route: arrival.route().map(Route::value),
            body_size: arrival.body_size(),
        });
        measured.map(Box::new)
    }
}

impl fmt::Debug for Instrumenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().fmt(f)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumenter")
            .field("spans", &self.spans)
            .field("carriers", &self.carriers)
            .field("fallback", &self.fallback.is_some())
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}
