use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use rum_trace_core::ActiveCall;

use super::request::Incoming;
use super::{BoxError, ResponseBody, failure};
use crate::future::{Bodiless, sends_no_body};

pin_project! {
    /// The response to come; the CLIENT span is active in each poll of it.
    ///
    /// Dropped before it is ready, it tells of a request that was given up.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // Taken once, when the response is there.
        call: Option<ActiveCall>,
        request: Bodiless,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, call: ActiveCall, request: Bodiless) -> Self {
        ResponseFuture {
            inner,
            call: Some(call),
            request,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: Body,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<B>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = {
            let _scope = this.call.as_ref().map(ActiveCall::scope);
            ready!(this.inner.poll(cx))
        };
        let call = this.call.take();
        Poll::Ready(match outcome {
            Ok(response) => Ok(with_body(response, call, *this.request)),
            Err(error) => {
                let error = error.into();
                if let Some(call) = call {
                    call.fail(failure::of(&*error));
                }
                Err(error)
            }
        })
    }
}

/// Hands the span over to the body, or ends it if there is none to read.
fn with_body<B: Body>(
    response: Response<B>,
    call: Option<ActiveCall>,
    request: Bodiless,
) -> Response<ResponseBody<B>> {
    let Some(mut call) = call else {
        return response.map(|body| ResponseBody::new(body, None));
    };
    call.on_response(&Incoming(&response));
    if request.holds_for(response.status()) || sends_no_body(&response) {
        call.finish();
        return response.map(|body| ResponseBody::new(body, None));
    }
    response.map(|body| ResponseBody::new(body, Some(call)))
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}
