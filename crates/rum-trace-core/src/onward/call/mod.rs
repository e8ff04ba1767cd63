//! A call to another service: its CLIENT span.

mod attributes;
mod failure;

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue, Value};

pub use self::failure::CallFailure;

use self::attributes::{Description, Server};
use crate::active_request::{Start, status_text};
use crate::grpc::{EndedCall, GrpcCall};
use crate::headers::content_type;
use crate::instrumenter::Inner;
use crate::method::Method;
use crate::metrics::CallEnded;
use crate::tracer::NewSpan;
use crate::{Injection, Instrumenter, RequestInfo, ResponseInfo, semconv};

impl Instrumenter {
    /// Starts the CLIENT span of a request to another service, as the child of the
    /// span that is active in `parent`: usually
    /// [`Context::current`](opentelemetry::Context::current).
    ///
    /// The request is described as one that comes in, with its URL's authority
    /// (`host` or `host:port`); [`RequestInfo::route`] is the URL's template, if
    /// the code that calls has one.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use opentelemetry::Context;
    /// use rum_trace_core::{CallFailure, Instrumenter, RequestInfo};
    ///
    /// # struct MyRequest;
    /// # impl RequestInfo for MyRequest {
    /// #     fn method(&self) -> &str { "GET" }
    /// #     fn path(&self) -> &str { "/items/42" }
    /// #     fn authority(&self) -> Option<&str> { Some("stock.internal:8080") }
    /// #     fn for_each_header<'a>(&'a self, _: &mut dyn FnMut(&'a str, &'a [u8])) {}
    /// # }
    /// # fn send(_: MyRequest, _: HashMap<String, String>) -> std::io::Result<u16> { Ok(200) }
    /// let instrumenter = Instrumenter::builder().build()?;
    ///
    /// // for each call:
    /// # let request = MyRequest;
    /// let mut call = instrumenter.start_call(&request, &Context::current());
    /// let mut headers = HashMap::new();
    /// call.injection("stock.internal:8080").inject(call.context(), &mut headers);
    /// match send(request, headers) {
    ///     Ok(status) => {
    ///         call.on_response(&status);
    ///         call.finish(); // once the body was read
    ///     }
    ///     Err(error) => call.fail(CallFailure::of(&error).unwrap_or(CallFailure::Other)),
    /// }
    /// # Ok::<(), rum_trace_core::BuildError>(())
    /// ```
    #[must_use = "dropping it at once records a call that was given up"]
    pub fn start_call<R: RequestInfo>(&self, request: &R, parent: &Context) -> ActiveCall {
        ActiveCall::start(self.clone(), request, parent)
    }
}

/// The template of a URL's path, as `/items/{id}`: low in cardinality, so that it
/// can be in the CLIENT span's name. Adapters take it from a request's extensions.
///
/// It holds for retries too, and no longer for the URL that a redirect leads to.
///
/// ```
/// use rum_trace_core::UrlTemplate;
///
/// let template = UrlTemplate("/items/{id}");
/// # let _ = template;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UrlTemplate(pub &'static str);

/// The guard of a CLIENT span: a request to another service, until its response's
/// body was read.
///
/// The span ends once, with the first of: [`finish`](Self::finish),
/// [`fail`](Self::fail), or the drop of this guard, which tells of a call that
/// was given up. A response whose body nobody reads, or reads only the begin of, is
/// not an error; one whose reader waited for more is, and so is that of a gRPC call:
/// it was cancelled.
#[must_use = "dropping it records a call that was given up"]
pub struct ActiveCall {
    instrumenter: Instrumenter,
    cx: Context,
    method: Method,
    server: Server,
    // Boxed, since most clients have none, and this is moved about.
    call: Option<Box<GrpcCall>>,
    started: Instant,
    /// The same moment as the span has it.
    span_start: Option<SystemTime>,
    first_byte: Option<Duration>,
    status: u16,
    version: Option<&'static str>,
    peer: Option<SocketAddr>,
    named: bool,
    recording: bool,
    suppressed: bool,
    /// The most that the called host may get.
    limit: Injection<'static>,
    /// The response's body was asked for more, and had nothing yet.
    waiting: bool,
    ended: bool,
}

impl ActiveCall {
    fn start(instrumenter: Instrumenter, request: &dyn RequestInfo, parent: &Context) -> Self {
        let inner = instrumenter.inner();
        let suppressed = parent.is_telemetry_suppressed();
        let method = Method::of(request.method(), &inner.methods);
        let server = Server::of(request, &inner.counters);
        let call = grpc_call(inner, request);
        let begun = Begun::new(
            inner,
            parent,
            &Description {
                request,
                method,
                call: call.as_ref(),
                server: &server,
                redaction: &inner.attributes.redaction,
                counters: &inner.counters,
            },
        );
        let limit = limit(inner, request, suppressed);
        if !suppressed {
            inner.counters.called(limit.is_wanted());
        }
        ActiveCall {
            named: call.as_ref().is_none_or(GrpcCall::is_known),
            call: call.map(Box::new),
            started: begun.start.instant,
            span_start: begun.described.then_some(begun.start.time),
            recording: begun.cx.span().is_recording() && begun.described,
            cx: begun.cx,
            instrumenter,
            method,
            server,
            first_byte: None,
            status: 0,
            version: None,
            peer: None,
            suppressed,
            limit,
            waiting: false,
            ended: false,
        }
    }

    /// The context of the call: its CLIENT span is the active one.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.cx
    }

    /// What the request is to carry, as [`Instrumenter::injection`] says of this
    /// authority, but no more than is right for its `Host` header, if it has one, and
    /// for the [`peer`](RequestInfo::peer), if that was known beforehand. Nothing where
    /// telemetry is suppressed.
    pub fn injection<'a>(&'a self, authority: &'a str) -> Injection<'a> {
        self.instrumenter
            .injection(authority)
            .limited_by(self.limit)
    }

    /// The ids of the CLIENT span.
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

    /// Makes the call's context current on this thread until the guard is dropped:
    /// for each poll of the client, never across an await.
    #[must_use = "the context is current only as long as this is alive"]
    pub fn scope(&self) -> ContextGuard {
        self.cx.clone().attach()
    }

    /// Tells the response's head. A response of the 1xx class other than 101 is not
    /// the final one, and is passed over.
    pub fn on_response(&mut self, response: &impl ResponseInfo) {
        let status = response.status();
        if self.ended || (100..200).contains(&status) && status != 101 {
            return;
        }
        self.first_byte = Some(self.started.elapsed());
        self.status = status;
        self.version = response.protocol_version();
        self.peer = response.peer();
        if let Some(call) = &mut self.call {
            // An answer without messages has its status in the head.
            if let Some(status) = response.header("grpc-status") {
                call.on_status(status);
            }
        }
    }

    /// The response's body was asked for more, and had nothing yet: dropped now, the
    /// call was given up.
    pub fn on_body_pending(&mut self) {
        self.waiting = true;
    }

    /// Something of the response's body came.
    pub fn on_frame(&mut self) {
        self.waiting = false;
        if let Some(call) = &mut self.call {
            call.on_message();
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

    /// Ends the span of a call whose response was read, or has nothing to read.
    pub fn finish(mut self) {
        self.end(None);
    }

    /// Ends the span of a call that did not complete.
    pub fn fail(mut self, failure: CallFailure) {
        self.end(Some(failure));
    }

    fn end(&mut self, failure: Option<CallFailure>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let call = self.end_grpc(failure);
        let http_error = self.http_error(failure);
        let error_type = match call
            .as_ref()
            .map(|call| call.client_error_type(self.status))
        {
            // gRPC's own, if there was an answer at all.
            Some(Some(status)) if failure.is_none() => Some(Value::from(status)),
            _ => http_error.clone(),
        };
        let duration = self.started.elapsed();
        // The span first: a meter that failed must not cost the span too.
        if self.recording {
            self.end_span(duration, call.as_ref(), error_type.as_ref());
        }
        let metrics = &self.instrumenter.inner().metrics;
        if metrics.is_on() && !self.suppressed {
            metrics.end_call(&CallEnded {
                method: &self.method,
                server: self.server.attributes(),
                duration,
                status: (self.status != 0).then_some(self.status),
                version: self.version,
                error_type: error_type.as_ref(),
                http_error: http_error.as_ref(),
                call: call.as_ref(),
            });
        }
    }

    fn end_grpc(&mut self, failure: Option<CallFailure>) -> Option<EndedCall> {
        let methods = &self.instrumenter.inner().called_methods;
        let call = self.call.as_mut()?;
        let mut ended = call.end(methods);
        if let (Some(failure), None) = (failure, &ended.status) {
            ended.generate_status(failure.grpc_status());
        }
        Some(ended)
    }

    /// By the conventions: from 400 on, and whatever broke it off.
    fn http_error(&self, failure: Option<CallFailure>) -> Option<Value> {
        match failure {
            Some(failure) => Some(Value::from(failure.as_str())),
            None => (self.status >= 400).then(|| status_text(self.status)),
        }
    }

    fn end_span(&self, duration: Duration, call: Option<&EndedCall>, error: Option<&Value>) {
        let span = self.cx.span();
        span.set_attributes(self.attributes_at_end(error));
        if let Some(call) = call {
            if let (Some(method), false) = (&call.found, self.named) {
                span.update_name(method.as_ref().to_owned());
            }
            span.set_attributes(call.attributes());
        }
        if error.is_some() {
            // No description: error.type and the status code say it all.
            span.set_status(Status::error(""));
        }
        // By the clock that nobody sets: a span is as long as it took.
        match self
            .span_start
            .and_then(|start| start.checked_add(duration))
        {
            Some(end) => span.end_with_timestamp(end),
            None => span.end(),
        }
    }

    fn attributes_at_end(&self, error: Option<&Value>) -> Vec<KeyValue> {
        let mut list = Vec::with_capacity(6);
        // gRPC's answers are all 200; anything else is not gRPC's.
        if self.status != 0 && (self.call.is_none() || self.status != 200) {
            let status = i64::from(self.status);
            list.push(KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, status));
        }
        if let Some(time) = self.first_byte {
            let name = semconv::RUM_RESPONSE_TIME_TO_FIRST_BYTE;
            list.push(KeyValue::new(name, time.as_secs_f64()));
        }
        if let Some(version) = self.version {
            list.push(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version));
        }
        list.extend(self.peer.into_iter().flat_map(attributes::peer));
        list.extend(error.map(|error| KeyValue::new(semconv::ERROR_TYPE, error.clone())));
        list
    }
}

impl Drop for ActiveCall {
    fn drop(&mut self) {
        let was_answered = self.status != 0;
        let not_wanted = was_answered && !self.waiting && self.call.is_none();
        self.end((!not_wanted).then_some(CallFailure::Cancelled));
    }
}

/// A span that was started, or what stands for it.
struct Begun {
    cx: Context,
    start: Start,
    /// Its description was asked for.
    described: bool,
}

impl Begun {
    fn new(inner: &Inner, parent: &Context, description: &Description<'_>) -> Self {
        let start = Start::now();
        let mut described = false;
        let span = NewSpan {
            base: parent,
            remote: None,
            asked: None,
            describe: &mut |sink| {
                described = true;
                sink.name(description.span_name());
                sink.start_time(start.time);
                let attributes = description.attributes();
                sink.expect(attributes.capacity());
                attributes.into_iter().for_each(|it| sink.attribute(it));
            },
        };
        let cx = inner.spans.start(span, &inner.counters);
        let is_new = cx.span().span_context() != parent.span().span_context();
        if is_new && cx.span().span_context().is_valid() {
            return Begun {
                cx,
                start,
                described,
            };
        }
        // A tracer that does nothing: the trace goes on from the span that is
        // active, which is not ours to end.
        Begun {
            cx: parent.clone(),
            start,
            described: false,
        }
    }
}

/// The most that a call's host may get, by whichever of its names it is the least
/// one's own.
fn limit(inner: &Inner, request: &dyn RequestInfo, suppressed: bool) -> Injection<'static> {
    if suppressed {
        return Injection::to_nobody();
    }
    let authority = request.authority().unwrap_or_default();
    let mut limit = inner.onward.injection(authority).without_names();
    request.for_each_header(&mut |name, value| {
        if name.eq_ignore_ascii_case("host") {
            let host = std::str::from_utf8(value).unwrap_or_default();
            limit = limit.limited_by(inner.onward.injection(host));
        }
    });
    if let Some(peer) = request.peer() {
        limit = limit.limited_by(inner.onward.injection(&peer.to_string()));
    }
    limit
}

fn grpc_call(inner: &Inner, request: &dyn RequestInfo) -> Option<GrpcCall> {
    let content_type = content_type(request)?;
    // Generated code knows its methods.
    if let Some(method) = request.route() {
        inner
            .called_methods
            .add(method.strip_prefix('/').unwrap_or(method));
    }
    GrpcCall::of(
        request.method(),
        request.path(),
        Some(content_type),
        &inner.called_methods,
    )
}

impl fmt::Debug for ActiveCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveCall")
            .field("span_context", self.cx.span().span_context())
            .field("server", &self.server)
            .field("status", &self.status)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
