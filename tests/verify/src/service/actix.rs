//! On actix-web.

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use rum_trace_actix::RumTrace;
use rum_trace_core::Instrumenter;
use rum_trace_test_services::Running;

pub(super) fn start(listener: TcpListener, instrumenter: Instrumenter) -> Running {
    Running::on_actix(|| serve(listener, instrumenter))
}

fn serve(listener: TcpListener, instrumenter: Instrumenter) -> Server {
    let server = HttpServer::new(move || {
        let traced = web::scope("/items").wrap(RumTrace::new(instrumenter.clone()));
        App::new()
            .service(traced.route("/{id}", web::get().to(|| async { "served" })))
            // Outside of our layer.
            .route("/bare", web::get().to(|| async { "served" }))
    });
    let server = server.workers(1).disable_signals();
    server.listen(listener).expect("it listens").run()
}
