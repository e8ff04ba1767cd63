//! On axum.

use std::net::TcpListener;

use axum::Router;
use axum::routing::get;
use rum_trace_core::Instrumenter;
use rum_trace_test_services::Running;
use rum_trace_tower::RumTraceLayer;

pub(super) fn start(listener: TcpListener, instrumenter: Instrumenter) -> Running {
    Running::on_tokio(|| serve(listener, instrumenter))
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
