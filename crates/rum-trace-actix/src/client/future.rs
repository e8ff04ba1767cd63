use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_http::ResponseHead;
use awc::error::SendRequestError;
use awc::{ClientResponse, ConnectResponse};
use pin_project_lite::pin_project;
use rum_trace_core::{ActiveCall, CallFailure};

use super::body;
use super::failure;
use super::request::{AwcRequest, AwcResponse};
use crate::bodiless::Bodiless;

/// A call that has no response yet, and what that depends on.
#[derive(Debug)]
pub(super) struct Awaiting {
    call: ActiveCall,
    /// When the client gives up, if it was told.
    deadline: Option<Instant>,
    method: Bodiless,
    address: Option<SocketAddr>,
}

impl Awaiting {
    pub(super) fn new(
        call: ActiveCall,
        request: &AwcRequest<'_>,
        deadline: Option<Instant>,
    ) -> Self {
        Awaiting {
            call,
            deadline,
            method: Bodiless::of(request.http_method()),
            address: request.address(),
        }
    }

    pub(super) fn call(&self) -> &ActiveCall {
        &self.call
    }

    /// Its future was dropped: by the client itself, if its time was over.
    fn given_up(self) {
        if self.deadline.is_some_and(|at| Instant::now() >= at) {
            self.call.fail(CallFailure::Timeout);
        }
    }

    fn answered(self, response: ConnectResponse) -> ConnectResponse {
        match response {
            ConnectResponse::Client(response) => ConnectResponse::Client(self.read_body(response)),
            ConnectResponse::Tunnel(head, framed) => {
                // What follows is no longer HTTP.
                self.on_head(&head).finish();
                ConnectResponse::Tunnel(head, framed)
            }
        }
    }

    fn read_body(self, response: ClientResponse) -> ClientResponse {
        response.map_body(|head, payload| {
            let forbidden = self.method.forbids_body(head.status);
            let call = self.on_head(head);
            if forbidden {
                call.finish();
                return payload;
            }
            body::read_by(call, head, payload)
        })
    }

    fn on_head(mut self, head: &ResponseHead) -> ActiveCall {
        let address = self.address;
        self.call.on_response(&AwcResponse { head, address });
        self.call
    }
}

pin_project! {
    /// The response to come; the call's span is active in each poll of it.
    ///
    /// Dropped before it is ready, it tells of a call that was given up.
    #[must_use = "futures do nothing unless polled"]
    pub struct CallFuture<F> {
        // The service's own future, in place: nothing is boxed here.
        // There until it is dropped.
        #[pin]
        inner: Option<F>,
        // Taken once, when the response is there.
        awaiting: Option<Awaiting>,
    }

    impl<F> PinnedDrop for CallFuture<F> {
        // What is logged while it is given up belongs to the call.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            {
                let _scope = this.awaiting.as_ref().map(|awaiting| awaiting.call.scope());
                this.inner.set(None);
            }
            if let Some(awaiting) = this.awaiting.take() {
                awaiting.given_up();
            }
        }
    }
}

impl<F> CallFuture<F> {
    pub(super) fn new(inner: F, awaiting: Awaiting) -> Self {
        CallFuture {
            inner: Some(inner),
            awaiting: Some(awaiting),
        }
    }
}

impl<F> Future for CallFuture<F>
where
    F: Future<Output = Result<ConnectResponse, SendRequestError>>,
{
    type Output = Result<ConnectResponse, SendRequestError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Pending; // it is being dropped: nobody polls it
        };
        let outcome = {
            let _scope = this.awaiting.as_ref().map(|awaiting| awaiting.call.scope());
            ready!(inner.poll(cx))
        };
        let Some(awaiting) = this.awaiting.take() else {
            return Poll::Ready(outcome); // polled again after its end
        };
        Poll::Ready(match outcome {
            Ok(response) => Ok(awaiting.answered(response)),
            Err(error) => {
                awaiting.call.fail(failure::of(&error));
                Err(error)
            }
        })
    }
}

impl<F> fmt::Debug for CallFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFuture")
            .field("awaiting", &self.awaiting)
            .finish_non_exhaustive()
    }
}
