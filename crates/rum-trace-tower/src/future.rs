use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use rum_trace_core::{ActiveRequest, Failure, VERIFICATION_RESPONSE_HEADER};

use crate::ResponseBody;
use crate::request::HttpResponse;

/// Whether the request's method leaves the response without a body, whatever
/// the handler returns (RFC 9110, §9.3.2 and §9.3.6): nobody polls it then.
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

    pub(crate) fn holds_for(self, status: StatusCode) -> bool {
        match self {
            Bodiless::Never => false,
            Bodiless::Always => true,
            Bodiless::OnSuccess => status.is_success(),
        }
    }
}

pin_project! {
    /// The response to come; the span is active in each poll of it.
    ///
    /// Dropped before it is ready, it tells of a client that went away.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        // There until it is dropped.
        #[pin]
        inner: Option<F>,
        // Taken once, when the response is there.
        active: Option<ActiveRequest>,
        request: Bodiless,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        // What a handler logs when it is given up belongs to its request.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _scope = this.active.as_ref().map(ActiveRequest::scope);
            this.inner.set(None);
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, active: ActiveRequest, request: Bodiless) -> Self {
        ResponseFuture {
            inner: Some(inner),
            active: Some(active),
            request,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Pending; // it is being dropped: nobody polls it
        };
        let outcome = {
            let _scope = this.active.as_ref().map(ActiveRequest::scope);
            ready!(inner.poll(cx))
        };
        let active = this.active.take();
        Poll::Ready(match outcome {
            Ok(response) => Ok(with_body(response, active, *this.request)),
            Err(error) => {
                if let Some(active) = active {
                    active.fail(Failure::Handler);
                }
                Err(error)
            }
        })
    }
}

/// Hands the span over to the body, or ends it if no body will be sent.
fn with_body<B: Body>(
    mut response: Response<B>,
    active: Option<ActiveRequest>,
    request: Bodiless,
) -> Response<ResponseBody<B>> {
    let Some(mut active) = active else {
        return response.map(|body| ResponseBody::new(body, None, None));
    };
    active.on_response(&HttpResponse(&response));
    active.response_headers(&mut |name, value| append(response.headers_mut(), name, value));
    let length = known_length(&response, active.is_grpc());
    if request.holds_for(response.status()) || sends_no_body(&response) || length == Some(0) {
        active.finish();
        return response.map(|body| ResponseBody::new(body, None, None));
    }
    response.map(|body| ResponseBody::new(body, Some(active), length))
}

fn append(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let Ok(value) = HeaderValue::from_str(value) else {
        return;
    };
    let header = HeaderName::from_static(name);
    if name == VERIFICATION_RESPONSE_HEADER {
        headers.insert(header, value); // one answer, the outermost layer's
    } else {
        headers.append(header, value);
    }
}

/// RFC 9110: these have no content, so that the server never polls the body.
/// After a 101 the connection is no longer HTTP.
pub(crate) fn sends_no_body<B: Body>(response: &Response<B>) -> bool {
    matches!(
        response.status(),
        StatusCode::SWITCHING_PROTOCOLS
            | StatusCode::NO_CONTENT
            | StatusCode::RESET_CONTENT
            | StatusCode::NOT_MODIFIED
    ) || response.body().is_end_stream()
}

/// How many bytes the server will take of the body: it has no reason to poll on
/// after what `Content-Length` declares, or what the body itself says that it
/// has, since the server declares that. gRPC's trailers come after that.
fn known_length<B: Body>(response: &Response<B>, is_grpc: bool) -> Option<u64> {
    if is_grpc {
        return None;
    }
    let declared = response.headers().get(http::header::CONTENT_LENGTH);
    declared
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .or_else(|| response.body().size_hint().exact())
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}
