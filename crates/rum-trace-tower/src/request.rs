//! An `http` request and response as core wants to see them.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Body;
use rum_trace_core::sharded::{Shard, Sharded};
use rum_trace_core::{Instrumenter, RequestInfo, ResponseInfo};

/// The instrumenter, and what this adapter can be told beyond its settings: all
/// that a service shares with its clones, of which there is one for each request.
#[derive(Clone, Debug)]
pub(crate) struct Adapter {
    pub(crate) instrumenter: Instrumenter,
    pub(crate) peer: Option<PeerFn>,
    pub(crate) in_extensions: bool,
    /// The service is axum's router, or has it inside.
    #[cfg(feature = "axum")]
    pub(crate) around_router: bool,
    #[cfg(feature = "axum")]
    pub(crate) outside: crate::axum::OutsideRouting,
}

/// The adapter as services have it.
///
/// A service that is not cloned, as the one in axum's router, has that of all threads.
/// Its clones, of which there is one for each request, have their thread's: all of them
/// would count in one place otherwise.
#[derive(Debug)]
pub(crate) enum SharedAdapter {
    OfAll(Arc<Sharded<Adapter>>),
    OfOne(Shard<Adapter>),
}

impl SharedAdapter {
    fn here(&self) -> &Shard<Adapter> {
        match self {
            SharedAdapter::OfAll(all) => all.here(),
            SharedAdapter::OfOne(one) => one,
        }
    }
}

impl Clone for SharedAdapter {
    fn clone(&self) -> Self {
        SharedAdapter::OfOne(self.here().clone())
    }
}

impl Deref for SharedAdapter {
    type Target = Adapter;

    fn deref(&self) -> &Adapter {
        self.here()
    }
}

type FindPeer = dyn Fn(&Extensions) -> Option<SocketAddr> + Send + Sync;

#[derive(Clone)]
pub(crate) struct PeerFn(pub(crate) Arc<FindPeer>);

impl fmt::Debug for PeerFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerFn")
    }
}

pub(crate) struct HttpRequest<'a, B> {
    request: &'a Request<B>,
    /// As the client asked for it.
    uri: &'a http::Uri,
    adapter: &'a Adapter,
}

impl<'a, B> HttpRequest<'a, B> {
    pub(crate) fn new(request: &'a Request<B>, adapter: &'a Adapter) -> Self {
        HttpRequest {
            request,
            uri: original_uri(request),
            adapter,
        }
    }
}

impl<B: Body> RequestInfo for HttpRequest<'_, B> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn path(&self) -> &str {
        self.uri.path()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit_headers(self.request.headers(), visit);
    }

    fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    fn scheme(&self) -> Option<&str> {
        self.uri.scheme_str()
    }

    fn authority(&self) -> Option<&str> {
        self.uri.authority().map(http::uri::Authority::as_str)
    }

    fn protocol_version(&self) -> Option<&'static str> {
        version(self.request.version())
    }

    #[cfg(feature = "axum")]
    fn route(&self) -> Option<&str> {
        crate::axum::matched_path(self.request.extensions())
    }

    fn body_size(&self) -> Option<u64> {
        self.request.body().size_hint().exact()
    }

    fn peer(&self) -> Option<SocketAddr> {
        let extensions = self.request.extensions();
        match &self.adapter.peer {
            Some(PeerFn(find)) => find(extensions),
            None => default_peer(extensions),
        }
    }
}

/// As the conventions write it.
pub(crate) fn version(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}

/// In a nested axum router the request's own URI has lost its prefix.
fn original_uri<B>(request: &Request<B>) -> &http::Uri {
    #[cfg(feature = "axum")]
    if let Some(uri) = crate::axum::original_uri(request.extensions()) {
        return uri;
    }
    request.uri()
}

fn default_peer(extensions: &Extensions) -> Option<SocketAddr> {
    #[cfg(feature = "axum")]
    if let Some(peer) = crate::axum::connect_info(extensions) {
        return Some(peer);
    }
    extensions.get::<SocketAddr>().copied()
}

pub(crate) struct HttpResponse<'a, B>(pub(crate) &'a Response<B>);

impl<B> ResponseInfo for HttpResponse<'_, B> {
    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit_headers(self.0.headers(), visit);
    }

    fn header<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        self.0.headers().get(name).map(HeaderValue::as_bytes)
    }
}

pub(crate) fn visit_headers<'a>(headers: &'a HeaderMap, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
    for (name, value) in headers {
        visit(name.as_str(), value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_for_requests_count_nothing_that_all_threads_count() {
        let layer = crate::RumTraceLayer::default();
        let service = tower_layer::Layer::layer(&layer, ());
        let SharedAdapter::OfAll(all) = service.adapter() else {
            panic!("a service that was not cloned: {service:?}");
        };
        let counted = Arc::strong_count(all);
        let clone = service.clone();
        let of_clone = clone.clone();
        assert_eq!(Arc::strong_count(all), counted);
        for service in [&clone, &of_clone] {
            assert!(matches!(service.adapter(), SharedAdapter::OfOne(_)));
        }
    }
}
