//! An outgoing `http` request and its response as core wants to see them.

use std::net::SocketAddr;

use http::{HeaderValue, Request, Response, Uri};
use http_body::Body;
use hyper_util::client::legacy::connect::HttpInfo;
use rum_trace_core::{RequestInfo, ResponseInfo, UrlTemplate};

use crate::request::{version, visit_headers};

pub(super) struct Outgoing<'a, B> {
    request: &'a Request<B>,
    origin: Option<&'a Uri>,
}

impl<'a, B> Outgoing<'a, B> {
    pub(super) fn new(request: &'a Request<B>, origin: Option<&'a Uri>) -> Self {
        Outgoing { request, origin }
    }
}

/// Where a request goes: as its URL says, its service, or its `Host` header, which
/// may be what somebody else asked for.
pub(super) fn authority<'a>(
    uri: &'a Uri,
    host: Option<&'a HeaderValue>,
    origin: Option<&'a Uri>,
) -> Option<&'a str> {
    of_uri(uri)
        .or_else(|| of_uri(origin?))
        .or_else(|| host?.to_str().ok())
}

pub(super) fn of_uri(uri: &Uri) -> Option<&str> {
    uri.authority().map(http::uri::Authority::as_str)
}

impl<B: Body> RequestInfo for Outgoing<'_, B> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn path(&self) -> &str {
        self.request.uri().path()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit_headers(self.request.headers(), visit);
    }

    fn query(&self) -> Option<&str> {
        self.request.uri().query()
    }

    fn scheme(&self) -> Option<&str> {
        let own = self.request.uri().scheme_str();
        own.or_else(|| self.origin?.scheme_str())
    }

    fn authority(&self) -> Option<&str> {
        let host = self.request.headers().get(http::header::HOST);
        authority(self.request.uri(), host, self.origin)
    }

    fn protocol_version(&self) -> Option<&'static str> {
        version(self.request.version())
    }

    fn route(&self) -> Option<&str> {
        let extensions = self.request.extensions();
        #[cfg(feature = "tonic")]
        if extensions.get::<tonic::GrpcMethod<'static>>().is_some() {
            return Some(self.path());
        }
        extensions.get::<UrlTemplate>().map(|template| template.0)
    }

    fn body_size(&self) -> Option<u64> {
        self.request.body().size_hint().exact()
    }
}

pub(super) struct Incoming<'a, B>(pub(super) &'a Response<B>);

impl<B> ResponseInfo for Incoming<'_, B> {
    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit_headers(self.0.headers(), visit);
    }

    fn header<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        self.0.headers().get(name).map(HeaderValue::as_bytes)
    }

    fn protocol_version(&self) -> Option<&'static str> {
        version(self.0.version())
    }

    fn peer(&self) -> Option<SocketAddr> {
        let extensions = self.0.extensions();
        extensions.get().map(HttpInfo::remote_addr)
    }
}
