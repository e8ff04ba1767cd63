//! What of this service makes a call: `sw8` tells it to the next one.

use std::borrow::Cow;

use opentelemetry::Context;

use crate::inbound::Inbound;
use crate::limits;

/// The name of the request that is served, in its context.
///
/// SkyWalking's "parent endpoint" is the operation name of the caller's entry
/// span: here the SERVER span's, or the path where the route is not known yet.
#[derive(Debug)]
pub(crate) struct Endpoint(Cow<'static, str>);

impl Endpoint {
    pub(crate) fn of_span(name: Cow<'static, str>) -> Self {
        Endpoint(name)
    }

    /// And whether the path had to be cut.
    pub(crate) fn of_path(path: &str) -> (Self, bool) {
        let (path, cut) = limits::field(path, limits::MAX_SW8_NAME);
        (Endpoint(Cow::Owned(path.into_owned())), cut)
    }

    /// Empty, if there is none.
    pub(crate) fn in_context(cx: &Context) -> &str {
        let trace = cx.get::<Inbound>().and_then(Inbound::trace);
        let of_trace = trace.and_then(|trace| trace.endpoint.get());
        of_trace
            .or_else(|| cx.get::<Endpoint>())
            .map_or("", |endpoint| &endpoint.0)
    }
}
