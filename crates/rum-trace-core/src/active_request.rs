//! A request on its way: the span's life, from the head to the last byte.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue, Value};

use crate::instrumenter::Instrumenter;
use crate::method::Method;
use crate::semconv;
use crate::{ResponseInfo, RumContext};

/// The guard of one request's SERVER span.
///
/// The span ends once, with the first of: [`finish`](Self::finish),
/// [`fail`](Self::fail), or the drop of this guard. A guard dropped without
/// either tells of a client that went away, or of a panic if the handler
/// panicked inside of [`scope`](Self::scope).
#[must_use = "dropping it records a client that went away"]
pub struct ActiveRequest {
    instrumenter: Instrumenter,
    cx: Context,
    rum: RumContext,
    method: Method,
    status: u16,
    /// The span has its final name.
    named: bool,
    /// There is a span, it records, and it has not ended.
    open: bool,
    panicked: AtomicBool,
}

/// Why a request did not complete: the `error.type` of its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The client went away before the response was complete.
    ClientGone,
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

impl ActiveRequest {
    pub(crate) fn new(
        instrumenter: Instrumenter,
        cx: Context,
        rum: RumContext,
        method: Method,
        named: bool,
    ) -> Self {
        let open = cx.span().is_recording();
        let panicked = AtomicBool::new(false);
        ActiveRequest {
            instrumenter,
            cx,
            rum,
            method,
            status: 0,
            named,
            open,
            panicked,
        }
    }

    /// A request that the filter keeps out: its context carries the caller's
    /// span, which is not ours to end.
    pub(crate) fn without_span(
        instrumenter: Instrumenter,
        cx: Context,
        rum: RumContext,
        method: Method,
    ) -> Self {
        let panicked = AtomicBool::new(false);
        ActiveRequest {
            instrumenter,
            cx,
            rum,
            method,
            status: 0,
            named: true,
            open: false,
            panicked,
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
        &self.rum
    }

    /// The ids of the SERVER span (of the caller's, if the filter wanted none).
    #[must_use]
    pub fn span_context(&self) -> SpanContext {
        self.cx.span().span_context().clone()
    }

    /// Makes the request's context current on this thread until the guard is
    /// dropped. Take it for each poll of the handler, never across an await.
    pub fn scope(&self) -> Scope<'_> {
        Scope {
            _guard: self.cx.clone().attach(),
            panicked: &self.panicked,
        }
    }

    /// Tells the matched route, where it is known only after the handler ran.
    pub fn set_route(&mut self, route: &str) {
        if !self.open {
            return;
        }
        let span = self.cx.span();
        span.set_attribute(KeyValue::new(semconv::HTTP_ROUTE, route.to_owned()));
        if !self.named {
            span.update_name(self.method.span_name(Some(route)));
            self.named = true;
        }
    }

    /// Tells the response's head. A response of the 1xx class other than 101
    /// is not the final one, and is passed over.
    pub fn on_response(&mut self, response: &impl ResponseInfo) {
        let status = response.status();
        if !self.open || (100..200).contains(&status) && status != 101 {
            return;
        }
        self.status = status;
        let span = self.cx.span();
        span.set_attribute(KeyValue::new(
            semconv::HTTP_RESPONSE_STATUS_CODE,
            i64::from(status),
        ));
        let inner = self.instrumenter.inner();
        if !inner.response_headers.is_empty() {
            let (captured, over_limit) = inner
                .response_headers
                .attributes(|visit| response.for_each_header(visit));
            inner.counters.over_limit(over_limit);
            span.set_attributes(captured);
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

    /// Status and `error.type` by the conventions: unset below 500, Error for
    /// 5xx or for a response that did not complete.
    fn end(&mut self, failure: Option<Failure>) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let span = self.cx.span();
        let error_type = match failure {
            Some(failure) => Some(Value::from(failure.as_str())),
            None if self.status >= 500 => Some(status_text(self.status)),
            None => None,
        };
        if let Some(error_type) = error_type {
            span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, error_type));
            // No description: error.type and the status code say it all.
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let panicked = *self.panicked.get_mut();
        self.end(Some(if panicked {
            Failure::Panic
        } else {
            Failure::ClientGone
        }));
    }
}

impl fmt::Debug for ActiveRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveRequest")
            .field("span_context", self.cx.span().span_context())
            .field("rum", &self.rum)
            .field("status", &self.status)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

/// The request's context is current while this is alive. Not `Send`.
#[must_use = "the context is current only as long as this is alive"]
pub struct Scope<'a> {
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

/// A 5xx code as text, without allocating for those that occur.
fn status_text(status: u16) -> Value {
    const USUAL: [(u16, &str); 6] = [
        (500, "500"),
        (501, "501"),
        (502, "502"),
        (503, "503"),
        (504, "504"),
        (507, "507"),
    ];
    match USUAL.iter().find(|(code, _)| *code == status) {
        Some((_, text)) => Value::from(*text),
        None => Value::from(status.to_string()),
    }
}
