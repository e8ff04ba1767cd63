//! reqwest's request and response as core wants to see them.

use std::net::SocketAddr;

use http_body::Body;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Request, Response, Version};
use rum_trace_core::{RequestInfo, ResponseInfo, UrlTemplate};

pub(crate) struct HttpRequest<'a> {
    pub(crate) request: &'a Request,
    pub(crate) template: Option<UrlTemplate>,
    pub(crate) resends: u32,
}

impl RequestInfo for HttpRequest<'_> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn path(&self) -> &str {
        self.request.url().path()
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        visit_headers(self.request.headers(), visit);
    }

    fn query(&self) -> Option<&str> {
        self.request.url().query()
    }

    fn scheme(&self) -> Option<&str> {
        Some(self.request.url().scheme())
    }

    fn authority(&self) -> Option<&str> {
        Some(self.request.url().authority())
    }

    fn route(&self) -> Option<&str> {
        self.template.map(|UrlTemplate(template)| template)
    }

    fn body_size(&self) -> Option<u64> {
        match self.request.body() {
            Some(body) => body.size_hint().exact(),
            None => Some(0),
        }
    }

    fn resend_count(&self) -> u32 {
        self.resends
    }
}

pub(crate) struct HttpResponse<'a>(pub(crate) &'a Response);

impl ResponseInfo for HttpResponse<'_> {
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
        Some(match self.0.version() {
            Version::HTTP_09 => "0.9",
            Version::HTTP_10 => "1.0",
            Version::HTTP_11 => "1.1",
            Version::HTTP_2 => "2",
            Version::HTTP_3 => "3",
            _ => return None,
        })
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.0.remote_addr()
    }
}

fn visit_headers<'a>(headers: &'a HeaderMap, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
    for (name, value) in headers {
        visit(name.as_str(), value.as_bytes());
    }
}
