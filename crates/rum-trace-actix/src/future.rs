use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use actix_web::{Error, HttpResponse};
use pin_project_lite::pin_project;
use rum_trace_core::{ActiveRequest, Failure, VERIFICATION_RESPONSE_HEADER};

use crate::awaited::Awaited;
use crate::bodiless::Bodiless;
use crate::request::ActixResponse;
use crate::{ResponseBody, route};

pin_project! {
    /// The response to come; the span is active in each poll of it.
    ///
    /// Dropped before it is ready, it tells of a client that went away.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        // The service's own future, in place: nothing is boxed here.
        // There until it is dropped.
        #[pin]
        inner: Option<F>,
        // Taken once, when the response is there.
        awaited: Option<Awaited>,
        request: Bodiless,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        // What a handler logs when it is given up belongs to its request.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let active = this.awaited.as_ref().and_then(Awaited::active);
            let _scope = active.map(ActiveRequest::scope);
            this.inner.set(None);
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, awaited: Awaited, request: Bodiless) -> Self {
        ResponseFuture {
            inner: Some(inner),
            awaited: Some(awaited),
            request,
        }
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<ResponseBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Pending; // it is being dropped: nobody polls it
        };
        let outcome = {
            let active = this.awaited.as_ref().and_then(Awaited::active);
            let _scope = active.map(ActiveRequest::scope);
            ready!(inner.poll(cx))
        };
        let awaited = this.awaited.take();
        Poll::Ready(match outcome {
            Ok(response) => {
                let active = awaited.and_then(Awaited::answered);
                Ok(on_response(response, active, *this.request))
            }
            Err(error) => {
                if let Some(active) = awaited.and_then(Awaited::unanswered) {
                    on_error(&error, active);
                }
                Err(error)
            }
        })
    }
}

/// Tells the span of the response, and hands it over to the body, or ends it
/// if no body will be sent.
fn on_response<B: MessageBody>(
    mut response: ServiceResponse<B>,
    active: Option<ActiveRequest>,
    request: Bodiless,
) -> ServiceResponse<ResponseBody<B>> {
    let length = known_length(response.response());
    let guard = active.and_then(|mut active| {
        // Only now: the router has run, and the request is at rest.
        if active.wants_route() {
            if let Some(route) = route::of(response.request()) {
                active.set_route(&route);
            }
        }
        active.on_response(&ActixResponse(response.response()));
        append_headers(&active, response.headers_mut());
        if request.forbids_body(response.status()) || length == Some(0) {
            active.finish();
            return None;
        }
        Some(active)
    });
    response.map_body(|_, body| ResponseBody::new(body, guard, length))
}

/// A middleware further in failed: what becomes of the error is decided where
/// it ends up, as the status that it names.
fn on_error(error: &Error, mut active: ActiveRequest) {
    // Not `error_response()`: that may hand out its response only once.
    let status = error.as_response_error().status_code();
    active.on_response(&status.as_u16());
    active.on_unseen_body();
    if status.is_server_error() {
        active.fail(Failure::Handler);
    } else {
        active.finish();
    }
}

/// How many bytes the body has: what it says itself goes first, since
/// actix-web declares that, and then overrides a `Content-Length` header.
fn known_length<B: MessageBody>(response: &HttpResponse<B>) -> Option<u64> {
    match response.body().size() {
        BodySize::None => Some(0),
        BodySize::Sized(length) => Some(length),
        BodySize::Stream => {
            let declared = response.headers().get(CONTENT_LENGTH)?;
            declared.to_str().ok()?.parse().ok()
        }
    }
}

fn append_headers(active: &ActiveRequest, headers: &mut HeaderMap) {
    active.response_headers(&mut |name, value| {
        // Core writes only what a header may hold.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            if name == VERIFICATION_RESPONSE_HEADER {
                headers.insert(name, value); // one answer, the outermost layer's
            } else {
                headers.append(name, value);
            }
        }
    });
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("awaited", &self.awaited)
            .finish_non_exhaustive()
    }
}
