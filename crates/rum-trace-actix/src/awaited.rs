//! A request whose response is still to come.

use std::fmt;
use std::rc::Rc;

use actix_web::dev::ResourceMap;
use actix_web::http::Uri;
use rum_trace_core::ActiveRequest;

use crate::route;

/// The guard of a request that has no response yet, and what its route is
/// looked up by if it never gets one.
///
/// A response brings its request back, and that knows what the router took. A
/// client that goes away, a panic or a middleware's error bring nothing: then
/// the pattern that fits the path is the route. That look-up runs the router's
/// expressions, which is why it waits until it is needed.
pub(crate) struct Awaited {
    // Taken once, when the response is there.
    active: Option<ActiveRequest>,
    // None if nobody would be told the route.
    lookup: Option<Lookup>,
}

/// What a route is looked up by: all of the app's, and what the client asked for.
pub(crate) struct Lookup {
    pub(crate) routes: Rc<ResourceMap>,
    pub(crate) uri: Uri,
}

impl Awaited {
    pub(crate) fn new(active: ActiveRequest, lookup: impl FnOnce() -> Lookup) -> Self {
        Awaited {
            lookup: active.wants_route().then(lookup),
            active: Some(active),
        }
    }

    pub(crate) fn active(&self) -> Option<&ActiveRequest> {
        self.active.as_ref()
    }

    /// The guard of a request that got its response.
    pub(crate) fn answered(mut self) -> Option<ActiveRequest> {
        self.active.take()
    }

    /// The guard of a request that gets none, with its route told.
    pub(crate) fn unanswered(mut self) -> Option<ActiveRequest> {
        self.look_up();
        self.active.take()
    }

    fn look_up(&mut self) {
        if let (Some(active), Some(Lookup { routes, uri })) = (&mut self.active, &self.lookup) {
            if let Some(route) = routes.match_pattern(uri.path()) {
                active.set_route(&route::or_root(route));
            }
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.look_up();
    }
}

impl fmt::Debug for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Awaited")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}
