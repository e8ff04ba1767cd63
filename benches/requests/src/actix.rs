//! Requests to an actix-web app.

pub mod layers;

use actix_http::Request;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::TestRequest;
use actix_web::{Error, web};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::load::{Load, PATH, PEER};
use crate::subject::{Subject, at_once};

async fn user() -> &'static str {
    "a user"
}

/// The handler, as a route of the app that middlewares are put on.
pub fn route() -> actix_web::Route {
    web::get().to(user)
}

/// The app's service, under these middlewares; the last is outermost.
#[macro_export]
macro_rules! actix_app {
    ($($middleware:expr),*) => {
        $crate::subject::at_once(::actix_web::test::init_service(
            ::actix_web::App::new()
                .route($crate::load::ROUTE, $crate::actix::route())
                $(.wrap($middleware))*,
        ))
    };
}

/// An app's service, and the requests of a load.
pub struct InActix<S> {
    service: S,
    headers: Vec<(String, String)>,
    prepared: Vec<Request>,
}

impl<S> InActix<S> {
    /// Requests of this load to this service.
    pub fn new(service: S, load: Load) -> Self {
        InActix {
            service,
            headers: load.headers(),
            prepared: Vec::new(),
        }
    }

    fn request(&self) -> Request {
        let request = TestRequest::get().uri(PATH).peer_addr(PEER);
        let headers = self.headers.iter();
        headers
            .fold(request, |request, (name, value)| {
                request.insert_header((name.as_str(), value.as_str()))
            })
            .to_request()
    }
}

impl<S, B> Subject for InActix<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    fn prepare(&mut self, count: usize) {
        for _ in 0..count {
            self.prepared.push(self.request());
        }
    }

    fn serve(&mut self) {
        let request = self.prepared.pop().expect("one was prepared");
        let response = at_once(self.service.call(request)).expect("the handler does not fail");
        assert!(response.status().is_success());
        drain(response.into_body());
    }
}

/// Takes a body to its end, as a server that writes it out does.
fn drain(body: impl MessageBody) {
    let mut body = pin!(body);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match body.as_mut().poll_next(&mut context) {
            Poll::Ready(Some(chunk)) => assert!(chunk.is_ok(), "the body is whole"),
            Poll::Ready(None) => break,
            Poll::Pending => panic!("a body waits for something"),
        }
    }
}
