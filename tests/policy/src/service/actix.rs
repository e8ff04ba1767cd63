//! On actix-web.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer, rt};
use rum_trace_actix::RumTrace;
use rum_trace_core::Instrumenter;

use super::Listener;

type Stop = Box<dyn FnOnce()>;

pub(super) fn start(listener: Listener, instrumenter: Instrumenter) -> (Stop, JoinHandle<()>) {
    let (started, handle) = mpsc::channel();
    let thread = thread::spawn(move || {
        rt::System::new().block_on(serve(listener, instrumenter, started));
    });
    let handle: ServerHandle = handle.recv().expect("actix-web starts");
    // It is told by the call; the future is for those who wait.
    (Box::new(move || drop(handle.stop(false))), thread)
}

async fn serve(
    listener: Listener,
    instrumenter: Instrumenter,
    started: mpsc::Sender<ServerHandle>,
) {
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
    let server = server.expect("it listens").run();
    started.send(server.handle()).expect("the starter waits");
    server.await.expect("actix-web serves until it is stopped");
}

async fn answer(instrumenter: Data<Instrumenter>) -> String {
    super::told(&instrumenter)
}
