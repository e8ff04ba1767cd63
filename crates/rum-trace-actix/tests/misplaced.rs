//! A middleware that wraps a request twice says so, once.

#[path = "../../rum-trace-core/tests/support/log.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with core's tests")]
mod log;
mod support;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, Error, rt, web};
use log::Log;
use support::*;

/// What is said in the log when an app serves some requests.
fn told<F, B>(app: App<F>) -> Vec<String>
where
    F: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody,
{
    let log = Log::default();
    log.during(|| {
        rt::System::new().block_on(async {
            let app = init_service(app).await;
            for path in ["/items/1", "/nowhere", "/items/2"] {
                let request = TestRequest::get()
                    .uri(path)
                    .insert_header(("traceparent", TRACEPARENT))
                    .insert_header(("tracestate", RUM));
                call_service(&app, request.to_request()).await;
            }
        });
    });
    log.kinds()
}

#[test]
fn a_middleware_that_wraps_a_request_twice() {
    let item = || web::get().to(|| async { "an item" });
    let spans = Spans::new();
    let (one, other) = (spans.trace(), spans.trace());

    let once = App::new().route("/items/{id}", item()).wrap(one.clone());
    assert_eq!(told(once), [""; 0]);
    spans.reset();

    let twice = || {
        let app = App::new().route("/items/{id}", item());
        app.wrap(one.clone()).wrap(one.clone())
    };
    assert_eq!(told(twice()), ["WARN applied_twice"]);
    assert_eq!(told(twice()), [""; 0], "once");
    assert_eq!(spans.all().len(), 12, "two for each, as the line says");

    let scope = web::scope("/items").route("/{id}", item());
    let scoped = App::new().service(scope.wrap(other)).wrap(one.clone());
    assert_eq!(told(scoped), ["WARN applied_twice"]);
}

/// The outermost answers: two answers would be more than the head of a response has
/// room for.
#[actix_web::test]
async fn a_verifier_has_one_answer() {
    let token = "5f0e8c6a1b3d7924";
    let trace = Spans::new().trace_with(|builder| builder.verification_token(token));
    let item = web::get().to(|| async { "an item" });
    let app = App::new().route("/items/{id}", item);
    let app = init_service(app.wrap(trace.clone()).wrap(trace)).await;
    let request = TestRequest::get().uri("/items/1");
    let request = request.insert_header(("rum-trace-verify", token));
    let response = call_service(&app, request.to_request()).await;
    let answers = response.headers().get_all("rum-trace-verified");
    assert_eq!(answers.count(), 1);
}
