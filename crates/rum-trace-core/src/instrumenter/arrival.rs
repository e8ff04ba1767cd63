//! A request as it came.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::forwarded::Forwarding;
use crate::grpc::GrpcCall;
use crate::headers::TraceHeaders;
use crate::intern::Route;
use crate::method::Method;
use crate::onward::Endpoint;
use crate::{RequestInfo, RumContext};

/// A request as it came, read and not yet told of.
pub(crate) struct Arrival<'a> {
    pub(crate) request: &'a dyn RequestInfo,
    pub(crate) forwarding: &'a Forwarding<'a>,
    pub(crate) headers: &'a TraceHeaders<'a>,
    pub(crate) rum: &'a RumContext,
    pub(crate) method: &'a Method,
    /// Looked up when it is asked for: nobody asks for a request that is not told of.
    pub(super) route: OnceCell<Option<Route<'a>>>,
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

    pub(super) fn span_name(&self) -> Cow<'static, str> {
        match &self.call {
            Some(call) => call.span_name(),
            None => self.http_span_name(),
        }
    }

    /// And whether it had to be cut.
    #[inline(never)]
    pub(super) fn endpoint(&self) -> (Endpoint, bool) {
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
    pub(super) fn body_size(&self) -> Option<u64> {
        let size = self.request.body_size().filter(|size| *size > 0);
        size.or_else(|| {
            let length = self.headers.content_length.first()?;
            std::str::from_utf8(length).ok()?.trim().parse().ok()
        })
    }
}
