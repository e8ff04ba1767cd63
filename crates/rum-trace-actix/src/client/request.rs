//! awc's request and response as core wants to see them.

use std::net::SocketAddr;

use actix_http::body::{BodySize, MessageBody};
use actix_http::header::HeaderMap;
use actix_http::{Method, RequestHead, ResponseHead, Uri, uri};
use awc::ConnectRequest;
use rum_trace_core::{RequestInfo, ResponseInfo};

use crate::request::{version_text, visit_headers};

pub(super) struct AwcRequest<'a> {
    head: &'a RequestHead,
    /// Each goes out in place of the head's of the same name.
    extra: Option<&'a HeaderMap>,
    body_size: Option<u64>,
    /// The address to connect to, if the caller chose one.
    address: Option<SocketAddr>,
    resends: u32,
}

impl<'a> AwcRequest<'a> {
    pub(super) fn of(request: &'a ConnectRequest, resends: u32) -> Self {
        match request {
            ConnectRequest::Client(head, body, address) => AwcRequest {
                head: head.as_ref(),
                extra: head.extra_headers(),
                body_size: size(body.size()),
                address: *address,
                resends,
            },
            ConnectRequest::Tunnel(head, address) => AwcRequest {
                head,
                extra: None,
                body_size: Some(0),
                address: *address,
                resends,
            },
        }
    }

    pub(super) fn http_method(&self) -> &'a Method {
        &self.head.method
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    fn uri(&self) -> &Uri {
        &self.head.uri
    }
}

fn size(body: BodySize) -> Option<u64> {
    match body {
        BodySize::None => Some(0),
        BodySize::Sized(size) => Some(size),
        BodySize::Stream => None,
    }
}

impl RequestInfo for AwcRequest<'_> {
    fn method(&self) -> &str {
        self.head.method.as_str()
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        let Some(extra) = self.extra else {
            return visit_headers(&self.head.headers, visit);
        };
        for (name, value) in &self.head.headers {
            if !extra.contains_key(name) {
                visit(name.as_str(), value.as_bytes());
            }
        }
        visit_headers(extra, visit);
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn scheme(&self) -> Option<&str> {
        self.uri().scheme_str()
    }

    fn authority(&self) -> Option<&str> {
        self.uri().authority().map(uri::Authority::as_str)
    }

    fn body_size(&self) -> Option<u64> {
        self.body_size
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.address
    }

    fn resend_count(&self) -> u32 {
        self.resends
    }
}

pub(super) struct AwcResponse<'a> {
    pub(super) head: &'a ResponseHead,
    pub(super) address: Option<SocketAddr>,
}

impl ResponseInfo for AwcResponse<'_> {
    fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit_headers(&self.head.headers, visit);
    }

    fn header<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        let value = self.head.headers.get(name)?;
        Some(value.as_bytes())
    }

    fn protocol_version(&self) -> Option<&'static str> {
        version_text(self.head.version)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

    #[test]
    fn extra_headers_go_out_in_place_of_others() {
        let text = HeaderValue::from_static("text/plain");
        let json = HeaderValue::from_static("application/json");
        let mut head = RequestHead::default();
        head.headers.insert(CONTENT_TYPE, text.clone());
        head.headers.insert(ACCEPT, text);
        let mut extra = HeaderMap::new();
        extra.insert(CONTENT_TYPE, json);
        let request = AwcRequest {
            head: &head,
            extra: Some(&extra),
            body_size: None,
            address: None,
            resends: 0,
        };
        let mut seen = Vec::new();
        request.for_each_header(&mut |name, value| seen.push((name.to_owned(), value.to_vec())));
        let pair = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let expected = [
            pair("accept", "text/plain"),
            pair("content-type", "application/json"),
        ];
        assert_eq!(seen, expected);
    }
}
