//! A request on its way: the span's life, from the head to the last byte.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue, Value};

use crate::grpc::{EndedCall, GrpcCall};
use crate::inbound::Inbound;
use crate::instrumenter::Handle;
use crate::intern::Route;
use crate::method::Method;
use crate::metrics::{Ended, Measured};
use crate::semconv;
#[cfg(feature = "tracing")]
use crate::tracing_layer;
use crate::verification::Verified;
use crate::{ResponseInfo, RumContext};

/// The guard of one request's SERVER span.
///
/// The span ends once, with the first of: [`finish`](Self::finish),
/// [`fail`](Self::fail), or the drop of this guard. A guard dropped without
/// either tells of a client that went away, or of a panic if the handler
/// panicked inside of [`scope`](Self::scope). The request's metrics are
/// recorded at the same moment.
#[must_use = "dropping it records a client that went away"]
pub struct ActiveRequest {
    instrumenter: Handle,
    cx: Context,
    method: Method,
    // Boxed, since most services have neither, and this is moved about.
    call: Option<Box<GrpcCall>>,
    measured: Option<Box<Measured>>,
    /// When the request came, if anything will be told of it.
    started: Option<Instant>,
    /// The same moment as the span has it, if it was described here.
    span_start: Option<SystemTime>,
    /// When the response's head was there, in nanoseconds.
    first_byte: Option<NonZeroU64>,
    status: u16,
    /// The span has its final name.
    named: bool,
    /// There is a span of ours, and it records.
    recording: bool,
    ended: bool,
    panicked: AtomicBool,
    /// What the holder of the verification token is told is in the context.
    verified: bool,
    // Boxed for the same reason.
    #[cfg(feature = "tracing")]
    tracing_span: Option<Box<tracing::Span>>,
}

/// Why a request did not complete: the `error.type` of its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The client went away before there was a response.
    ClientGone,
    /// The client went away before the response's last byte.
    ClientGoneInBody,
    /// The handler returned an error instead of a response.
    Handler,
    /// The response body ended in an error.
    ResponseBody,
    /// The handler panicked.
    Panic,
}

impl Failure {
    /// The value of `error.type`, low in cardinality.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Failure::ClientGone => "client_disconnected",
            Failure::ClientGoneInBody => "client_disconnected_in_body",
            Failure::Handler => "handler_error",
            Failure::ResponseBody => "response_body_error",
            Failure::Panic => "panic",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A moment by both clocks: by the one that people set, and by the one that nobody
/// sets, so that a span that starts by the first can end by the second.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) time: SystemTime,
    pub(crate) instant: Instant,
}

impl Start {
    pub(crate) fn now() -> Self {
        Start {
            time: SystemTime::now(),
            instant: Instant::now(),
        }
    }
}

/// What a request begins with.
pub(crate) struct Begun {
    pub(crate) cx: Context,
    pub(crate) method: Method,
    pub(crate) call: Option<Box<GrpcCall>>,
    pub(crate) measured: Option<Box<Measured>>,
    /// The span has its final name.
    pub(crate) named: bool,
    /// There is a span, and it records.
    pub(crate) recording: bool,
    /// When the span started, if it was described here.
    pub(crate) start: Option<Start>,
    #[cfg(feature = "tracing")]
    pub(crate) tracing_span: Option<Box<tracing::Span>>,
}

impl Begun {
    /// Nothing of our own.
    pub(crate) fn bare(cx: Context, method: Method) -> Self {
        Begun {
            cx,
            method,
            call: None,
            measured: None,
            named: true,
            recording: false,
            start: None,
            #[cfg(feature = "tracing")]
            tracing_span: None,
        }
    }
}

impl ActiveRequest {
    pub(crate) fn new(instrumenter: Handle, begun: Begun) -> Self {
        let told = begun.recording || begun.measured.is_some();
        ActiveRequest {
            instrumenter,
            cx: begun.cx,
            method: begun.method,
            call: begun.call,
            measured: begun.measured,
            started: begun
                .start
                .map(|start| start.instant)
                .or_else(|| told.then(Instant::now)),
            span_start: begun.start.map(|start| start.time),
            first_byte: None,
            status: 0,
            named: begun.named,
            recording: begun.recording,
            ended: false,
            panicked: AtomicBool::new(false),
            verified: false,
            #[cfg(feature = "tracing")]
            tracing_span: begun.tracing_span,
        }
    }

    /// A request that is to be kept out: its context carries the caller's
    /// span, which is not ours to end.
    pub(crate) fn kept_out(instrumenter: Handle, begun: Begun) -> Self {
        let mut request = ActiveRequest::new(instrumenter, begun);
        request.ended = true;
        request
    }

    /// What is told in the response to the holder of the verification token. In the
    /// context: a field of its own would be moved about with every request, and nearly
    /// none has one.
    #[cold]
    pub(crate) fn tell(&mut self, verified: Option<Verified>) {
        if let Some(verified) = verified {
            self.cx = self.cx.with_value(verified);
            self.verified = true;
        }
    }

    /// The context in which the request is served: its span, its baggage and
    /// its [`RumContext`].
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.cx
    }

    /// What the client told of app, session and user.
    #[must_use]
    pub fn rum(&self) -> &RumContext {
        RumContext::in_context(&self.cx)
    }

    /// The ids of the SERVER span (of the caller's, if the filter wanted none).
    #[must_use]
    pub fn span_context(&self) -> SpanContext {
        self.cx.span().span_context().clone()
    }

    /// Whether the request is a gRPC call, whose status is in
    /// [`on_trailers`](Self::on_trailers).
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.call.is_some()
    }

    /// Makes the request's context current on this thread until the guard is
    /// dropped. Take it for each poll of the handler, never across an await.
    pub fn scope(&self) -> Scope<'_> {
        let guard = self.cx.clone().attach();
        Scope {
            #[cfg(feature = "tracing")]
            _entered: self.tracing_span.as_deref().map(tracing_layer::enter),
            _guard: guard,
            panicked: &self.panicked,
        }
    }

    /// Whether [`set_route`](Self::set_route) would tell anybody: not for a
    /// request that is neither sampled nor measured, nor for a gRPC call. An
    /// adapter need not look the route up then.
    #[must_use]
    pub fn wants_route(&self) -> bool {
        let told = self.recording && !self.ended || self.measured.is_some();
        told && !self.is_grpc()
    }

    /// Tells the matched route, where it is known only after the handler ran.
    ///
    /// A gRPC call has its method instead.
    pub fn set_route(&mut self, route: &str) {
        if !self.wants_route() {
            return;
        }
        let route = Route::of(route);
        if let Some(measured) = &mut self.measured {
            measured.set_route(route.value());
        }
        if !self.recording || self.ended {
            return;
        }
        let span = self.cx.span();
        span.set_attribute(KeyValue::new(semconv::HTTP_ROUTE, route.value()));
        if !self.named {
            span.update_name(route.span_name(&self.method));
            self.named = true;
        }
    }

    /// Tells the response's head. A response of the 1xx class other than 101
    /// is not the final one, and is passed over.
    pub fn on_response(&mut self, response: &impl ResponseInfo) {
        let status = response.status();
        if self.ended || (100..200).contains(&status) && status != 101 {
            return;
        }
        self.status = status;
        if let Some(call) = &mut self.call {
            // An answer without messages has its status in the head.
            if let Some(status) = response.header("grpc-status") {
                call.on_status(status);
            }
        }
        if self.recording {
            self.describe_response(response);
        }
    }

    fn describe_response(&mut self, response: &impl ResponseInfo) {
        let nanos = self.started.map(|started| started.elapsed().as_nanos());
        self.first_byte = nanos.and_then(|nanos| NonZeroU64::new(u64::try_from(nanos).ok()?));
        let inner = &*self.instrumenter;
        if !inner.response_headers.is_empty() {
            let (captured, over_limit) = inner
                .response_headers
                .attributes(|visit| response.for_each_header(visit));
            inner.counters.over_limit(over_limit);
            self.cx.span().set_attributes(captured);
        }
    }

    /// The header fields to append to the response, as
    /// [`server_timing`](crate::InstrumenterBuilder::server_timing) and
    /// [`verification_token`](crate::InstrumenterBuilder::verification_token) say: the
    /// name in lower case, and the value.
    pub fn response_headers(&self, set: &mut dyn FnMut(&'static str, &str)) {
        // A caller's span is not ours to show.
        if let (Some(form), false) = (self.instrumenter.server_timing, self.ended) {
            form.set(self.cx.span().span_context(), set);
        }
        if self.verified {
            self.tell_verifier(set);
        }
    }

    /// By itself: no other response looks it up.
    #[cold]
    fn tell_verifier(&self, set: &mut dyn FnMut(&'static str, &str)) {
        if let Some(verified) = self.cx.get::<Verified>() {
            verified.set(set);
        }
    }

    /// A frame of so many bytes of the response body is handed to the server.
    pub fn on_frame(&mut self, bytes: usize) {
        if let Some(measured) = &mut self.measured {
            measured.on_frame(bytes);
        }
        if let Some(call) = &mut self.call {
            call.on_message();
        }
    }

    /// The response's body does not come by here, so that its size is not
    /// known: it is made further out, of an error.
    pub fn on_unseen_body(&mut self) {
        if let Some(measured) = &mut self.measured {
            measured.on_unseen_body();
        }
    }

    /// Tells the response's trailers: `trailer` looks one up by its name in
    /// lower case.
    pub fn on_trailers<'t>(&mut self, trailer: impl Fn(&str) -> Option<&'t [u8]>) {
        if let Some(call) = &mut self.call {
            if let Some(status) = trailer("grpc-status") {
                call.on_status(status);
            }
        }
    }

    /// Ends the span of a request whose response is complete.
    pub fn finish(mut self) {
        self.end(None);
    }

    /// Ends the span of a request that did not complete.
    pub fn fail(mut self, failure: Failure) {
        self.end(Some(failure));
    }

    fn end(&mut self, failure: Option<Failure>) {
        if std::mem::replace(&mut self.ended, true) || !self.is_told_of() {
            return;
        }
        let methods = &self.instrumenter.rpc_methods;
        let call = self.call.as_mut().map(|call| call.end(methods));
        let error_type = self.error_type(failure, call.as_ref());
        let measured = self.measured.take();
        let ended = Ended {
            method: &self.method,
            rum: self.rum(),
            is_trusted: Inbound::is_trusted_in(&self.cx),
            duration: self.started.map_or(Duration::ZERO, |start| start.elapsed()),
            status: (self.status != 0).then_some(self.status),
            error_type: error_type.as_ref(),
            call: call.as_ref(),
        };
        // The span first: a meter that failed must not cost the span too.
        if self.recording {
            self.end_span(&ended);
        }
        if let Some(mut measured) = measured {
            self.instrumenter.metrics.end(&mut measured, &ended);
        }
    }

    /// Whether anything comes of its end: its span, its metrics, or that a gRPC
    /// method is known from now on.
    fn is_told_of(&self) -> bool {
        self.recording || self.measured.is_some() || self.call.is_some()
    }

    /// By the conventions: none below 500 (for gRPC: for a status that is not
    /// the server's failure), if the response is complete.
    fn error_type(&self, failure: Option<Failure>, call: Option<&EndedCall>) -> Option<Value> {
        if let Some(failure) = failure {
            return Some(Value::from(failure.as_str()));
        }
        let of_call = call.and_then(|call| call.error_type(self.status));
        match of_call {
            Some(status) => Some(Value::from(status)),
            None => (self.status >= 500).then(|| status_text(self.status)),
        }
    }

    fn end_span(&self, ended: &Ended<'_>) {
        let mut attributes = self.attributes_at_end(ended);
        let span = self.cx.span();
        // Taken from here: by value, the SDK would move all of them about.
        span.set_attributes(attributes.iter_mut().filter_map(Option::take));
        if let Some(call) = ended.call {
            if let (Some(method), false) = (&call.found, self.named) {
                span.update_name(method.as_ref().to_owned());
            }
            span.set_attributes(call.attributes());
        }
        if ended.error_type.is_some() {
            // No description: error.type and the status code say it all.
            span.set_status(Status::error(""));
        }
        // By the clock that nobody sets: a span is as long as it took.
        match self
            .span_start
            .and_then(|start| start.checked_add(ended.duration))
        {
            Some(end) => span.end_with_timestamp(end),
            None => span.end(),
        }
    }

    /// All at once, since each time costs the span's lock.
    fn attributes_at_end(&self, ended: &Ended<'_>) -> [Option<KeyValue>; 3] {
        // gRPC's answers are all 200; anything else is not gRPC's.
        let status = ended
            .status
            .filter(|code| self.call.is_none() || *code != 200);
        let first_byte = self.first_byte.map(|nanos| nanos.get() as f64 / 1e9);
        let error_type = ended.error_type.cloned();
        [
            status.map(|code| KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, i64::from(code))),
            first_byte.map(|time| KeyValue::new(semconv::RUM_RESPONSE_TIME_TO_FIRST_BYTE, time)),
            error_type.map(|error| KeyValue::new(semconv::ERROR_TYPE, error)),
        ]
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        // Also where it is another layer that panicked.
        let panicked = *self.panicked.get_mut() || std::thread::panicking();
        self.end(Some(match (panicked, self.status) {
            (true, _) => Failure::Panic,
            (false, 0) => Failure::ClientGone,
            (false, _) => Failure::ClientGoneInBody,
        }));
    }
}

impl fmt::Debug for ActiveRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveRequest")
            .field("span_context", self.cx.span().span_context())
            .field("rum", self.rum())
            .field("status", &self.status)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// The request's context is current while this is alive. Not `Send`.
#[must_use = "the context is current only as long as this is alive"]
pub struct Scope<'a> {
    // Left before the context that it was entered in: fields drop in order.
    #[cfg(feature = "tracing")]
    _entered: Option<tracing::span::Entered<'a>>,
    _guard: ContextGuard,
    panicked: &'a AtomicBool,
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.panicked.store(true, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}

/// An error's code as text, without allocating for those that occur.
pub(crate) fn status_text(status: u16) -> Value {
    const USUAL: [(u16, &str); 14] = [
        (500, "500"),
        (501, "501"),
        (502, "502"),
        (503, "503"),
        (504, "504"),
        (507, "507"),
        // A client's errors.
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (409, "409"),
        (410, "410"),
        (422, "422"),
        (429, "429"),
    ];
    match USUAL.iter().find(|(code, _)| *code == status) {
        Some((_, text)) => Value::from(*text),
        None => Value::from(status.to_string()),
    }
}
