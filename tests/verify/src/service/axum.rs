//! On axum.

use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::routing::get;
use rum_trace_core::Instrumenter;
use rum_trace_tower::RumTraceLayer;
use tokio::sync::oneshot;

type Stop = Box<dyn FnOnce()>;

pub(super) fn start(listener: TcpListener, instrumenter: Instrumenter) -> (Stop, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            tokio::select! {
                () = serve(listener, instrumenter) => {}
                // The sender was dropped: what is under way goes with the runtime.
                _ = stopped => {}
            }
        });
    });
    (Box::new(|| drop(stop)), thread)
}

async fn serve(listener: TcpListener, instrumenter: Instrumenter) {
    let router = Router::new()
        .route("/items/{id}", get(|| async { "served" }))
        .layer(RumTraceLayer::new(instrumenter))
        // Outside of our layer.
        .route("/bare", get(|| async { "served" }));
    listener.set_nonblocking(true).expect("a socket can be");
    let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
    let served = axum::serve(listener, router).await;
    served.expect("axum serves for ever");
}
