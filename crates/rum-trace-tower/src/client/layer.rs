use std::sync::Arc;

use http::Uri;
use rum_trace_core::Instrumenter;
use tower_layer::Layer;

use super::RumTraceClient;

/// A [`Layer`] that opens a CLIENT span for each request that goes out, as the
/// child of the span that is active where the request is made, and writes the
/// trace into its headers as [`Instrumenter::injection`] says: the RUM fields go to
/// one's own hosts, and strangers get nothing.
///
/// The span ends with the response's body, or when the request is given up. Take
/// the [`Instrumenter`] of the server's side, which knows the protocol that the
/// trace came in.
///
/// ```
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use rum_trace_core::Instrumenter;
/// use rum_trace_tower::client::RumTraceClientLayer;
/// use tower::{Service, ServiceBuilder, ServiceExt};
///
/// # async fn call(client: Client<hyper_util::client::legacy::connect::HttpConnector, Empty<bytes::Bytes>>)
/// # -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let instrumenter = Instrumenter::builder().own_host("*.shop.example").build()?;
/// let mut client = ServiceBuilder::new()
///     .layer(RumTraceClientLayer::new(instrumenter))
///     .service(client);
///
/// let request = http::Request::get("http://stock.shop.example/items/42").body(Empty::new())?;
/// let response = client.ready().await?.call(request).await?;
/// # Ok(())
/// # }
/// ```
///
/// There is no `http.request.resend_count`: the layer sees each attempt alone.
///
/// A request's extensions may name what the layer cannot know: the
/// [`UrlTemplate`](rum_trace_core::UrlTemplate), and the
/// [`Context`](opentelemetry::Context) of a request that is made elsewhere than
/// where its trace is active, as behind tower's `Buffer`.
#[derive(Clone, Debug, Default)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct RumTraceClientLayer {
    instrumenter: Instrumenter,
    origin: Option<Arc<Uri>>,
}

impl RumTraceClientLayer {
    /// A layer on this instrumenter.
    pub fn new(instrumenter: Instrumenter) -> Self {
        RumTraceClientLayer {
            instrumenter,
            origin: None,
        }
    }

    /// Where requests go that do not say it: those to a tonic channel, or on a
    /// connection of one's own, name but a path. Without this such a request goes
    /// to the host that its `Host` header names, or to an unknown one, which is not given
    /// the trace. A request that names another host is given no more than both may have.
    ///
    /// ```
    /// use http::Uri;
    /// use rum_trace_tower::client::RumTraceClientLayer;
    ///
    /// let origin = Uri::from_static("http://stock.internal:50051");
    /// let layer = RumTraceClientLayer::default().origin(origin);
    /// # let _ = layer;
    /// ```
    pub fn origin(mut self, origin: Uri) -> Self {
        self.origin = Some(Arc::new(origin));
        self
    }
}

impl<S> Layer<S> for RumTraceClientLayer {
    type Service = RumTraceClient<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RumTraceClient::new(inner, self.instrumenter.clone(), self.origin.clone())
    }
}
