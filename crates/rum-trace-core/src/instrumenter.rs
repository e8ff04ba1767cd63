//! The request path: parse, limits, privacy, trust, context and span.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use crate::active_request::{ActiveRequest, Begun, Start};
use crate::attributes::{self, AttributeSettings};
use crate::baggage::with_baggage;
use crate::capture::HeaderCapture;
use crate::diagnosis::{CarrierClass, Expected, Topic};
use crate::extract::{Extraction, ListFate, Remote};
use crate::fallback::Source;
use crate::forwarded::Forwarding;
use crate::grpc::{GrpcCall, KnownMethods};
use crate::headers::TraceHeaders;
use crate::hooks::Hooks;
use crate::inbound::{Inbound, InboundTrace, Origin};
use crate::intern::Route;
use crate::limits;
use crate::method::Method;
use crate::metrics::{self, Measured, Metrics};
use crate::onward::{Endpoint, Onward};
use crate::privacy::Hiding;
use crate::semconv;
use crate::server_timing::ServerTiming;
use crate::skip::SkippedPaths;
use crate::stats::Counters;
use crate::trace_state;
use crate::tracer::{NewSpan, RequestWithoutSpan, SpanSource};
use crate::trust::Told;
use crate::verification::{Arrived, VerificationToken};
use crate::{
    Carrier, Injection, InstrumenterBuilder, Privacy, RequestInfo, RumContext, Stats, TrustPolicy,
    TrustedProxies,
};
#[cfg(feature = "tracing")]
use crate::{tracing_layer, tracing_span};

/// Continues the trace of each request that it is shown: one for a service,
/// built once, cheap to clone, shared by all threads.
///
/// Adapters for frameworks are built on it; a framework without one can be
/// served by hand, see [`start`](Self::start).
#[derive(Clone, Debug)]
pub struct Instrumenter {
    inner: Arc<Inner>,
}

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
        Instrumenter {
            inner: Arc::new(inner),
        }
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
        self.inner.counters.snapshot()
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
        let injection = self.inner.onward.injection(authority);
        self.inner.name_service(injection)
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
        let onward = &self.inner.onward;
        let injection = Injection::to_own_service()
            .service(&onward.service)
            .instance(&onward.instance);
        self.inner.name_service(injection)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    fn start_dyn(&self, request: &dyn RequestInfo) -> ActiveRequest {
        let inner = &*self.inner;
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
            inner.counters.filtered();
            let mut parent = inner.caller(&base, &extraction);
            if inner.spans.asks_of_skipped() {
                let client = forwarding.client().map(|(address, _)| address);
                parent = parent.with_value(RequestWithoutSpan { client });
            }
            let begun = Begun::bare(parent, method);
            let mut active = ActiveRequest::kept_out(self.clone(), begun);
            if let Some(token) = &inner.verification {
                let arrived = Arrived {
                    request,
                    extraction: &extraction,
                    rum,
                    base: &base,
                    span: None,
                };
                active.tell(inner.verify(token, &arrived));
            }
            return active;
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
        let mut active = ActiveRequest::new(self.clone(), begun);
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

    /// What of the request must not be seen, if anything is hidden at all.
    pub(crate) fn hiding<'a>(&'a self, headers: &TraceHeaders<'a>) -> Option<Hiding<'a>> {
        let hiding = Hiding::of(self.privacy.as_ref()?, headers);
        self.counters.over_limit(hiding.over_limit());
        Some(hiding)
    }

    pub(crate) fn rum_context(
        &self,
        headers: &TraceHeaders<'_>,
        extraction: &mut Extraction,
        hiding: Option<&Hiding<'_>>,
    ) -> RumContext {
        let (list, fate) = extraction.carried_list(headers);
        if fate != ListFate::Kept {
            self.counters.tracestate_refused();
            extraction.note_list(fate);
        }
        let list = match hiding {
            Some(hiding) => hiding.list(list.as_str()),
            None => Cow::Borrowed(list.as_str()),
        };
        let (rum, over_limit) = RumContext::from_wire(
            headers.tracestate.iter(),
            self.baggage_lines(headers),
            extraction.sw8.as_ref(),
            &list,
            hiding,
        );
        // A longer list is cut where it goes on.
        let too_long = u32::from(rum.list().len() > limits::MAX_TRACE_STATE_SENT);
        self.counters.over_limit(over_limit + too_long);
        if extraction.parent_is(Carrier::W3c) && rum.is_empty() {
            extraction.note_no_rum();
        }
        rum
    }

    /// Baggage over W3C's own limit is not read at all.
    fn baggage_lines<'h, 'a>(
        &self,
        headers: &'h TraceHeaders<'a>,
    ) -> impl Iterator<Item = &'a [u8]> + use<'h, 'a> {
        let within = !headers.has_too_much_baggage();
        self.counters.over_limit(u32::from(!within));
        headers.baggage.iter().filter(move |_| within)
    }

    /// The context that holds what goes with the caller's span, but not yet the
    /// span itself. Baggage is in it already. What became of the caller's trace is then
    /// in the extraction.
    pub(crate) fn base_context(
        &self,
        base: Context,
        source: Source<'_>,
        extraction: &mut Extraction,
        rum: RumContext,
        hiding: Option<&Hiding<'_>>,
    ) -> Context {
        let Some(parent) = extraction.parent else {
            return self.fallback_context(base, source, extraction, rum, hiding);
        };
        self.continued_context(&base, parent, extraction, rum)
    }

    /// With a parent that a carrier of ours names. Inlined, what it makes is written
    /// where it stays.
    #[inline(always)]
    pub(crate) fn continued_context(
        &self,
        base: &Context,
        parent: Remote,
        extraction: &mut Extraction,
        rum: RumContext,
    ) -> Context {
        extraction.class = CarrierClass::Continued(parent.carrier);
        base.with_value(Inbound {
            rum,
            origin: Origin::Caller(InboundTrace {
                carrier: parent.carrier,
                has_list: extraction.has_list(),
                rum_in_trace_state: self.rum_in_trace_state,
                sw8_trace_id: extraction.sw8_trace_id(),
                trace_id: parent.trace_id,
                span_id: parent.span_id,
                flags: parent.flags,
            }),
        })
    }

    /// With what the next service is told of this one, if that may be by `sw8`.
    fn with_endpoint(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
    ) -> Option<Context> {
        let is_told = extraction.parent_is(Carrier::Sw8) || self.onward.speaks_sw8();
        is_told.then(|| {
            let (endpoint, cut) = arrival.endpoint();
            self.counters.over_limit(u32::from(cut));
            base.with_value(endpoint)
        })
    }

    /// The context in which the caller's span is active.
    pub(crate) fn caller(&self, base: &Context, extraction: &Extraction) -> Context {
        let span = NewSpan {
            base,
            remote: extraction.parent.as_ref(),
            asked: None,
            describe: &mut |_| SpanBuilder::from_name(""),
        };
        span.parent()
    }

    /// No carrier of ours: the user's propagator, or a new trace.
    #[inline(never)]
    fn fallback_context(
        &self,
        base: Context,
        source: Source<'_>,
        extraction: &mut Extraction,
        rum: RumContext,
        hiding: Option<&Hiding<'_>>,
    ) -> Context {
        let found = self.found_by_fallback(source, &base, hiding);
        self.context_without_carrier(base, found, source, extraction, rum)
    }

    /// The context that the user's propagator finds, if there is one and it does.
    #[inline(always)]
    pub(crate) fn found_by_fallback(
        &self,
        source: Source<'_>,
        base: &Context,
        hiding: Option<&Hiding<'_>>,
    ) -> Option<Context> {
        let found = source.extract(self.fallback.as_deref()?, base)?;
        let found = match self.rum_in_trace_state {
            true => found,
            false => trace_state::without_rum_members(found),
        };
        Some(match hiding {
            Some(hiding) => hiding.context(found),
            None => found,
        })
    }

    #[inline(always)]
    pub(crate) fn context_without_carrier(
        &self,
        base: Context,
        found: Option<Context>,
        source: Source<'_>,
        extraction: &mut Extraction,
        rum: RumContext,
    ) -> Context {
        extraction.class = match (&found, extraction.refused) {
            (Some(_), _) => CarrierClass::Continued(Carrier::Propagator),
            (None, Some(carrier)) => CarrierClass::Malformed(carrier),
            (None, None) => CarrierClass::Absent,
        };
        // A request served inside of another must not take over its client. But a
        // message that tells nothing leaves the context as it is.
        let clear = source.is_request() || found.is_some();
        let cx = found.unwrap_or(base);
        if rum.is_empty() && !(clear && cx.get::<Inbound>().is_some()) {
            return cx;
        }
        cx.with_value(Inbound {
            rum,
            origin: Origin::Elsewhere,
        })
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

    /// The span to start, and whether it has its final name.
    fn server_span(
        &self,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
        further: usize,
    ) -> (SpanBuilder, bool) {
        // A linked sw8 describes itself on the link.
        let sw8 = extraction.sw8.as_ref();
        let sw8 = sw8.filter(|_| extraction.parent_is(Carrier::Sw8));
        let mut attributes =
            attributes::at_creation(&self.attributes, &self.counters, arrival, sw8, further);
        self.hooks
            .add_attributes(arrival.request, arrival.rum, &mut attributes);
        if let Some(trust) = extraction.untrusted {
            attributes.push(KeyValue::new(semconv::RUM_TRUST, trust));
        }
        let given = self.hooks.span_name(arrival.request);
        let named = given.is_some() || arrival.route().is_some();
        let name = given.map_or_else(|| arrival.span_name(), Cow::Owned);
        let mut span = SpanBuilder::from_name(name).with_kind(SpanKind::Server);
        span.attributes = Some(attributes);
        if !extraction.others.is_empty() {
            span.links = Some(extraction.links(&self.counters));
        }
        (span, named)
    }

    /// Describes and starts the span.
    fn start_span(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
    ) -> Started {
        // What is not recorded needs no name.
        let (mut named, mut start) = (true, None);
        let cx = self.start_described(base, arrival, extraction, &mut |further| {
            let now = Start::now();
            let mut span;
            (span, named) = self.server_span(arrival, extraction, further);
            span.start_time = Some(now.time);
            start = Some(now);
            span
        });
        match cx {
            Some(cx) => Started {
                recording: is_recording(&cx, start.is_some()),
                named,
                start,
                ..Started::without_span(cx)
            },
            // The trace goes on all the same, from the caller's span.
            None => Started::without_span(self.caller(base, extraction)),
        }
    }

    /// A provider that was shut down gives no span at all.
    fn start_described(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
        describe: &mut dyn FnMut(usize) -> SpanBuilder,
    ) -> Option<Context> {
        let remote = extraction.parent.as_ref();
        let span = NewSpan {
            base,
            remote,
            asked: Some(arrival),
            describe,
        };
        let cx = self.spans.start(span, &self.counters);
        let has_span = cx.span().span_context().is_valid();
        has_span.then_some(cx)
    }

    #[cfg(not(feature = "tracing"))]
    fn open(&self, base: &Context, arrival: &Arrival<'_>, extraction: &Extraction) -> Started {
        self.start_span(base, arrival, extraction)
    }

    #[cfg(feature = "tracing")]
    fn open(&self, base: &Context, arrival: &Arrival<'_>, extraction: &Extraction) -> Started {
        if self.tracing_spans && !tracing_layer::is_in_use() {
            return self.open_through_tracing(base, arrival, extraction);
        }
        let mut started = self.start_span(base, arrival, extraction);
        if self.tracing_spans {
            let beside = || tracing_span::beside(&started.cx, arrival.rum);
            started.tracing_span = Some(Box::new(tracing_layer::holding(&started.cx, beside)));
        }
        started
    }

    /// Has `tracing-opentelemetry` start the SERVER span, if it is there.
    #[cfg(feature = "tracing")]
    fn open_through_tracing(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
    ) -> Started {
        let (span, named) = self.server_span(arrival, extraction, 0);
        let parent = self.caller(base, extraction);
        let (tracing_span, cx) = tracing_span::open(&span, &parent, arrival.rum);
        let cx = cx.unwrap_or_else(|| {
            self.start_described(base, arrival, extraction, &mut |_| span.clone())
                .unwrap_or(parent)
        });
        tracing_span::record_ids(&tracing_span, &cx);
        Started {
            recording: cx.span().is_recording(),
            cx,
            named,
            start: None,
            tracing_span: Some(Box::new(tracing_span)),
        }
    }
}

/// A span that was started, and where it is.
struct Started {
    cx: Context,
    /// It has its final name.
    named: bool,
    recording: bool,
    /// When, if it was described here.
    start: Option<Start>,
    #[cfg(feature = "tracing")]
    tracing_span: Option<Box<tracing::Span>>,
}

/// Whether the context's span, described here or not, records. Asking it takes its
/// lock; one that was described and is sampled does. But a tracer that does nothing
/// gives the caller's span back.
fn is_recording(cx: &Context, described: bool) -> bool {
    let span = cx.span();
    let is_new = span.span_context().is_sampled() && !span.span_context().is_remote();
    described && is_new || span.is_recording()
}

impl Started {
    fn without_span(cx: Context) -> Self {
        Started {
            cx,
            named: true,
            recording: false,
            start: None,
            #[cfg(feature = "tracing")]
            tracing_span: None,
        }
    }
}

/// A request as it came, read and not yet told of.
pub(crate) struct Arrival<'a> {
    pub(crate) request: &'a dyn RequestInfo,
    pub(crate) forwarding: &'a Forwarding<'a>,
    pub(crate) headers: &'a TraceHeaders<'a>,
    pub(crate) rum: &'a RumContext,
    pub(crate) method: &'a Method,
    /// Looked up when it is asked for: nobody asks for a request that is not told of.
    route: OnceCell<Option<Route<'a>>>,
    pub(crate) call: Option<GrpcCall>,
}

impl<'a> Arrival<'a> {
    /// A gRPC call has its method instead: what a router has for it is the
    /// pattern of a whole service.
    pub(crate) fn route(&self) -> Option<Route<'a>> {
        let is_call = self.call.is_some();
        let route = || self.request.route().filter(|_| !is_call).map(Route::of);
        *self.route.get_or_init(route)
    }

    fn span_name(&self) -> Cow<'static, str> {
        match &self.call {
            Some(call) => call.span_name(),
            None => self.http_span_name(),
        }
    }

    /// And whether it had to be cut.
    #[inline(never)]
    fn endpoint(&self) -> (Endpoint, bool) {
        match (&self.call, self.route()) {
            (None, Some(route)) => (Endpoint::of_span(route.span_name(self.method)), false),
            _ => Endpoint::of_path(self.request.path()),
        }
    }

    fn http_span_name(&self) -> Cow<'static, str> {
        match self.route() {
            Some(route) => route.span_name(self.method),
            None => self.method.span_name(None),
        }
    }

    /// A request without content has none, not one of zero; unless it says so.
    fn body_size(&self) -> Option<u64> {
        let size = self.request.body_size().filter(|size| *size > 0);
        size.or_else(|| {
            let length = self.headers.content_length.first()?;
            std::str::from_utf8(length).ok()?.trim().parse().ok()
        })
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
