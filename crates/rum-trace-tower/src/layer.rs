use std::net::SocketAddr;
use std::sync::Arc;

use http::Extensions;
use rum_trace_core::sharded::Sharded;
use rum_trace_core::{BuildError, Instrumenter, InstrumenterBuilder};
use tower_layer::Layer;

use crate::RumTrace;
use crate::request::{Adapter, PeerFn};

/// A [`Layer`] that continues the trace of each request as a SERVER span.
///
/// Its default continues what the RUM SDKs send, on OpenTelemetry's global
/// tracer provider:
///
/// ```
/// use rum_trace_tower::RumTraceLayer;
/// use tower::ServiceBuilder;
///
/// let builder = ServiceBuilder::new().layer(RumTraceLayer::default());
/// # let _ = builder;
/// ```
///
/// With settings of one's own it is made from an [`Instrumenter`], which can
/// be shared by any number of layers and frameworks:
///
/// ```
/// use rum_trace_core::Instrumenter;
/// use rum_trace_tower::RumTraceLayer;
///
/// let instrumenter = Instrumenter::builder()
///     .filter(|request| request.path() != "/healthz")
///     .build()?;
/// let layer = RumTraceLayer::new(instrumenter);
/// # let _ = layer;
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
///
/// In axum it belongs on the router (`Router::layer`), after the last route
/// was added, so that it runs when the route is known. Wrapped round the router
/// from outside, or applied twice, it says so in the log, once.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct RumTraceLayer {
    adapter: Arc<Sharded<Adapter>>,
}

impl RumTraceLayer {
    /// A layer on this instrumenter.
    pub fn new(instrumenter: Instrumenter) -> Self {
        RumTraceLayer {
            adapter: shared(Adapter {
                instrumenter,
                peer: None,
                in_extensions: false,
                #[cfg(feature = "axum")]
                around_router: false,
                #[cfg(feature = "axum")]
                outside: Default::default(),
            }),
        }
    }

    fn but(&self, change: impl FnOnce(&mut Adapter)) -> Arc<Sharded<Adapter>> {
        let mut adapter = Adapter::clone(self.adapter.here());
        change(&mut adapter);
        shared(adapter)
    }

    /// A layer from a builder, for short set-ups.
    ///
    /// # Errors
    ///
    /// What [`InstrumenterBuilder::build`] finds wrong.
    pub fn from_builder(builder: InstrumenterBuilder) -> Result<Self, BuildError> {
        builder.build().map(RumTraceLayer::new)
    }

    /// How to find the address at the other end of the connection in a
    /// request's extensions. The default (with the feature `axum`) finds
    /// axum's `ConnectInfo<SocketAddr>`, and a plain [`SocketAddr`].
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use rum_trace_tower::RumTraceLayer;
    ///
    /// #[derive(Clone)]
    /// struct Connection {
    ///     peer: SocketAddr,
    /// }
    ///
    /// let layer = RumTraceLayer::default()
    ///     .peer(|extensions| extensions.get::<Connection>().map(|connection| connection.peer));
    /// # let _ = layer;
    /// ```
    pub fn peer(
        self,
        peer: impl Fn(&Extensions) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        let peer = Some(PeerFn(Arc::new(peer)));
        RumTraceLayer {
            adapter: self.but(|adapter| adapter.peer = peer),
        }
    }

    /// Puts the [`RumContext`](rum_trace_core::RumContext) into each request's
    /// extensions as well, for services that are run in another task, as behind
    /// tower's `Buffer`, or that have nothing but the request. Everybody else
    /// has it from [`RumContext::current`](rum_trace_core::RumContext::current),
    /// or as an argument of the handler, without this.
    ///
    /// ```
    /// use rum_trace_tower::RumTraceLayer;
    ///
    /// let layer = RumTraceLayer::default().in_extensions();
    /// # let _ = layer;
    /// ```
    pub fn in_extensions(self) -> Self {
        RumTraceLayer {
            adapter: self.but(|adapter| adapter.in_extensions = true),
        }
    }
}

fn shared(adapter: Adapter) -> Arc<Sharded<Adapter>> {
    Arc::new(Sharded::new(adapter))
}

/// On the global tracer provider, with the default settings.
impl Default for RumTraceLayer {
    fn default() -> Self {
        RumTraceLayer::new(Instrumenter::default())
    }
}

impl<S> Layer<S> for RumTraceLayer {
    type Service = RumTrace<S>;

    fn layer(&self, inner: S) -> Self::Service {
        // In the adapter: the service itself is cloned for each request.
        #[cfg(feature = "axum")]
        if crate::axum::is_around_router::<S>() {
            return RumTrace::new(inner, self.but(|adapter| adapter.around_router = true));
        }
        RumTrace::new(inner, Arc::clone(&self.adapter))
    }
}
