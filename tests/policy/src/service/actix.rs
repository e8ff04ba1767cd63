//! On actix-web.

use actix_web::dev::Server;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use rum_trace_actix::RumTrace;
use rum_trace_core::Instrumenter;
use rum_trace_test_services::Running;

use super::Listener;

pub(super) fn start(listener: Listener, instrumenter: Instrumenter) -> Running {
    Running::on_actix(|| serve(listener, instrumenter))
}

fn serve(listener: Listener, instrumenter: Instrumenter) -> Server {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(instrumenter.clone()))
            .route("/{path:.*}", web::get().to(answer))
            .wrap(RumTrace::new(instrumenter.clone()))
    });
    let server = server.workers(1).disable_signals();
    let server = match listener {
        Listener::Tcp(listener) => server.listen(listener),
        Listener::Unix(listener) => server.listen_uds(listener),
    };
    server.expect("it listens").run()
}

async fn answer(instrumenter: Data<Instrumenter>) -> String {
    super::told(&instrumenter)
}
