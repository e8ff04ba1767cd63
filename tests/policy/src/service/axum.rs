//! On axum.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use rum_trace_core::Instrumenter;
use rum_trace_test_services::Running;
use rum_trace_tower::RumTraceLayer;
use tokio::net::{TcpListener, UnixListener};

use super::Listener;

pub(super) fn start(listener: Listener, instrumenter: Instrumenter) -> Running {
    Running::on_tokio(|| serve(listener, instrumenter))
}

async fn serve(listener: Listener, instrumenter: Instrumenter) {
    let router = Router::new()
        .route("/{*path}", get(answer))
        .with_state(instrumenter.clone())
        .layer(RumTraceLayer::new(instrumenter));
    let served = match listener {
        Listener::Tcp(listener) => {
            listener.set_nonblocking(true).expect("a socket can be");
            let listener = TcpListener::from_std(listener).expect("it listens");
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await
        }
        Listener::Unix(listener) => {
            listener.set_nonblocking(true).expect("a socket can be");
            let listener = UnixListener::from_std(listener).expect("it listens");
            axum::serve(listener, router).await
        }
    };
    served.expect("axum serves for ever");
}

async fn answer(State(instrumenter): State<Instrumenter>) -> String {
    super::told(&instrumenter)
}
