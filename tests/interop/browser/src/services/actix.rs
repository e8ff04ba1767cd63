use std::net::TcpListener;

use actix_cors::Cors;
use actix_web::dev::{Server, Service as _, ServiceRequest};
use actix_web::http::header;
use actix_web::web::{self, Json, Path, ServiceConfig};
use actix_web::{App, HttpServer};
use rum_trace::actix::{CurrentTrace, Rum, RumTrace};
use rum_trace::{CORS_REQUEST_HEADERS, Instrumenter};

use super::{Framework, Known};
use crate::arrivals::Arrivals;

/// CORS goes outside of the trace, so that a preflight is none of its own.
pub(super) fn server(
    listener: TcpListener,
    instrumenter: Instrumenter,
    page: &str,
    arrivals: &Arrivals,
) -> std::io::Result<Server> {
    let trace = RumTrace::new(instrumenter);
    let (page, arrivals) = (page.to_owned(), arrivals.clone());
    let app = move || {
        let arrivals = arrivals.clone();
        App::new()
            .configure(routes)
            .wrap(trace.clone())
            .wrap(cors(&page))
            .wrap_fn(move |request, next| {
                write_down(&arrivals, &request);
                next.call(request)
            })
    };
    let server = HttpServer::new(app)
        .workers(1)
        .h1_allow_half_closed(false)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

fn routes(config: &mut ServiceConfig) {
    for path in ["/items/{id}", "/forum/{id}"] {
        config
            .route(path, web::get().to(item))
            .route(path, web::post().to(item));
    }
}

fn cors(page: &str) -> Cors {
    Cors::default()
        .allowed_origin(page)
        .allowed_methods(["GET", "POST"])
        .allowed_headers(CORS_REQUEST_HEADERS)
        .allowed_header(header::CONTENT_TYPE)
}

async fn item(_: Path<u32>, trace: CurrentTrace, rum: Option<Rum>) -> Json<Known> {
    let rum = rum.as_ref().map(|Rum(rum)| rum);
    Json(Known::new(
        trace.trace_id,
        trace.span_id,
        trace.sampled,
        rum,
    ))
}

fn write_down(arrivals: &Arrivals, request: &ServiceRequest) {
    let headers = request.headers().iter();
    arrivals.add(
        Framework::Actix,
        request.method().as_str(),
        request.path(),
        headers.map(|(name, value)| (name.as_str(), value.as_bytes())),
    );
}
