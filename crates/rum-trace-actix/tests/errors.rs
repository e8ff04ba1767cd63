//! What becomes of errors: of handlers, extractors, and other middlewares.

mod support;

use std::fmt;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::ServiceConfig;
use actix_web::{App, Error, HttpResponse, ResponseError, error, test, web};
use opentelemetry::trace::Status;
use support::*;

/// An error of the user's own.
#[derive(Debug)]
struct ShopError(StatusCode);

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shop has its reasons")
    }
}

impl ResponseError for ShopError {
    fn status_code(&self) -> StatusCode {
        self.0
    }
}

async fn conflict() -> Result<&'static str, ShopError> {
    Err(ShopError(StatusCode::CONFLICT))
}

async fn bad_gateway() -> Result<&'static str, ShopError> {
    Err(ShopError(StatusCode::BAD_GATEWAY))
}

/// A middleware further in that fails instead of answering.
async fn refuse(
    request: ServiceRequest,
    _next: Next<actix_web::body::BoxBody>,
) -> Result<ServiceResponse, Error> {
    Err(match request.path() {
        "/refused/401" => error::ErrorUnauthorized("who are you"),
        "/refused/502" => ShopError(StatusCode::BAD_GATEWAY).into(),
        // Its response can be taken only once.
        "/refused/410" => {
            error::InternalError::from_response("gone", HttpResponse::Gone().body("gone")).into()
        }
        _ => error::ErrorInternalServerError("broken"),
    })
}

fn services(config: &mut ServiceConfig) {
    let number = |_: web::Path<u32>| async { "a number" };
    let plain = || async { Err::<&'static str, Error>(error::ErrorServiceUnavailable("later")) };
    config
        .route("/conflict", web::get().to(conflict))
        .route("/gateway", web::get().to(bad_gateway))
        .route("/plain", web::get().to(plain))
        .route("/teapot", web::get().to(HttpResponse::ImATeapot))
        .route("/numbers/{n}", web::get().to(number))
        .service(
            web::scope("/refused")
                .route("/{status}", web::get().to(|| async { "never" }))
                .wrap(from_fn(refuse)),
        );
}

#[actix_web::test]
async fn each_is_told_by_its_status() {
    // Path, status, route, error.type.
    let table = [
        ("/conflict", 409, Some("/conflict"), None),
        ("/gateway", 502, Some("/gateway"), Some("502")),
        ("/plain", 503, Some("/plain"), Some("503")),
        ("/teapot", 418, Some("/teapot"), None),
        ("/numbers/x", 404, Some("/numbers/{n}"), None),
        ("/refused/401", 401, Some("/refused/{status}"), None),
        ("/refused/410", 410, Some("/refused/{status}"), None),
        (
            "/refused/500",
            500,
            Some("/refused/{status}"),
            Some("handler_error"),
        ),
        (
            "/refused/502",
            502,
            Some("/refused/{status}"),
            Some("handler_error"),
        ),
    ];
    let spans = Spans::new();
    let server = Server::start(spans.trace(), services);
    for (path, status, route, error_type) in table {
        let response = server.request("GET", path, &[]).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(response.starts_with(&expected), "{path}: {response}");
        let span = spans.one().await;
        let found = attributes(&span);
        let text = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(found["http.response.status_code"], status.to_string());
        assert_eq!(text("http.route"), route, "{path}");
        assert_eq!(text("error.type"), error_type, "{path}");
        let expected = error_type.map_or(Status::Unset, |_| Status::error(""));
        assert_eq!(span.status, expected, "{path}");
    }
}

#[actix_web::test]
async fn an_error_is_handed_on_as_it_came() {
    let spans = Spans::new();
    let app = App::new().configure(services).wrap(spans.trace());
    let app = test::init_service(app).await;
    let request = test::TestRequest::with_uri("/refused/410").to_request();
    let Err(error) = app.call(request).await else {
        panic!("the middleware further in failed");
    };
    assert_eq!(error.to_string(), "gone");
    // Its one response is still there.
    assert_eq!(error.error_response().status(), StatusCode::GONE);
    spans.one().await;
}
