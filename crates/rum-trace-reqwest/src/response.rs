//! The answer to a call: its span goes over to the body.

use std::mem;

use http::Extensions;
use reqwest::{Body, Method, Response, ResponseBuilderExt, StatusCode, Url};
use rum_trace_core::ActiveCall;

use crate::body::CallBody;
use crate::request::HttpResponse;

/// Whether the request's method leaves its answer without a body (RFC 9110,
/// §9.3.2 and §9.3.6).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bodiless {
    Never,
    Always,
    OnSuccess,
}

impl Bodiless {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::HEAD => Bodiless::Always,
            Method::CONNECT => Bodiless::OnSuccess,
            _ => Bodiless::Never,
        }
    }

    fn holds_for(self, status: StatusCode) -> bool {
        match self {
            Bodiless::Never => false,
            Bodiless::Always => true,
            Bodiless::OnSuccess => status.is_success(),
        }
    }
}

/// Hands the span over to the body, or ends it if there is none to read.
pub(crate) fn answered(response: Response, mut call: ActiveCall, request: Bodiless) -> Response {
    call.on_response(&HttpResponse(&response));
    if request.holds_for(response.status()) || has_no_body(&response) {
        call.finish();
        return response;
    }
    with_body(response, call)
}

/// After a 101 the connection is no longer HTTP.
fn has_no_body(response: &Response) -> bool {
    matches!(
        response.status(),
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    ) || response.content_length() == Some(0)
}

fn with_body(response: Response, call: ActiveCall) -> Response {
    let url = response.url().clone();
    let (mut parts, body) = http::Response::<Body>::from(response).into_parts();
    keep_url(&mut parts.extensions, url);
    let body = CallBody::new(body, call);
    Response::from(http::Response::from_parts(parts, body))
}

/// reqwest's response loses its URL on the way through `http`'s, unless it is put
/// among the extensions, which only this builder can.
fn keep_url(extensions: &mut Extensions, url: Url) {
    let mut builder = http::Response::builder().url(url);
    if let Some(made) = builder.extensions_mut() {
        extensions.extend(mem::take(made));
    }
}
