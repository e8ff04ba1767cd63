//! On actix-web.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, rt, web};
use rum_trace_actix::RumTrace;
use rum_trace_core::Instrumenter;

type Stop = Box<dyn FnOnce()>;

pub(super) fn start(listener: TcpListener, instrumenter: Instrumenter) -> (Stop, JoinHandle<()>) {
    let (started, handle) = mpsc::channel();
    let thread = thread::spawn(move || {
        rt::System::new().block_on(serve(listener, instrumenter, started));
    });
    let handle: ServerHandle = handle.recv().expect("actix-web starts");
    // It is told by the call; the future is for those who wait.
    (Box::new(move || drop(handle.stop(false))), thread)
}

async fn serve(
    listener: TcpListener,
    instrumenter: Instrumenter,
    started: mpsc::Sender<ServerHandle>,
) {
    let server = HttpServer::new(move || {
        let traced = web::scope("/items").wrap(RumTrace::new(instrumenter.clone()));
        App::new()
            .service(traced.route("/{id}", web::get().to(|| async { "served" })))
            // Outside of our layer.
            .route("/bare", web::get().to(|| async { "served" }))
    });
    let server = server.workers(1).disable_signals();
    let server = server.listen(listener).expect("it listens").run();
    started.send(server.handle()).expect("the starter waits");
    server.await.expect("actix-web serves until it is stopped");
}
