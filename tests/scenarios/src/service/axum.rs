//! The service on axum.

use std::net::{SocketAddr, TcpListener};
use std::thread;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::ws::{Message, WebSocket};
use axum::extract::{DefaultBodyLimit, Query, Request, State, WebSocketUpgrade};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{BoxError, Router};
use bytes::Bytes;
use rum_trace_core::{CORS_REQUEST_HEADERS, Instrumenter};
use rum_trace_tower::RumTraceLayer;
use rum_trace_tower::axum::{CurrentTrace, Rum};
use tokio::sync::oneshot;
use tower::ServiceBuilder;
use tower::filter::FilterLayer;
use tower_http::cors::CorsLayer;

use super::{Frames, ORIGIN, Options, Running, TEXT};
use crate::signals::Signals;

/// Serves HTTP/1.1 and HTTP/2 on the listener.
pub(crate) fn serve(
    listener: TcpListener,
    instrumenter: Instrumenter,
    signals: Signals,
) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let router = router(instrumenter, signals);
    let thread = thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all();
        let runtime = runtime.build().expect("a runtime");
        runtime.block_on(async {
            tokio::select! {
                () = accept(listener, router) => {}
                // What is under way goes with the runtime.
                _ = stopped => {}
            }
        });
    });
    Running::new(|| drop(stop), thread)
}

async fn accept(listener: TcpListener, router: Router) {
    listener.set_nonblocking(true).expect("a socket can be");
    let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).expect("TCP has this option");
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .await
        .expect("axum serves for ever");
}

fn router(instrumenter: Instrumenter, signals: Signals) -> Router {
    let orders = Router::new().route("/orders/{id}", get(text));
    Router::new()
        .route("/", get(text))
        .route("/users/{id}", get(text))
        .route("/users/{id}/avatar", get(not_found))
        .route("/files/{*path}", get(text))
        .nest("/api/v1", orders)
        .route("/healthz", get(onward))
        .route("/internal/jobs", get(onward))
        .route("/onward", get(onward))
        .route("/client", get(client))
        .route("/empty", get(empty))
        .route("/echo", post(echo))
        .route("/large", get(large))
        .route("/error500", get(error500))
        .route("/handler-error", get(handler_error))
        .route("/handler-not-found", get(handler_not_found))
        .route("/service-error", get(text))
        .route("/panic", get(panic))
        .route("/hang", get(hang))
        .route("/stream", get(stream))
        .route("/stream-error", get(stream_error))
        .route("/stream-panic", get(stream_panic))
        .route("/stream-hang", get(stream_hang))
        .route("/sse", get(sse))
        .route("/ws", get(upgrade))
        .route("/shop.v1.Shop/GetItem", post(super::grpc::get_item))
        .with_state(signals)
        .layer(DefaultBodyLimit::disable())
        .layer(
            ServiceBuilder::new()
                .layer(HandleErrorLayer::new(answer))
                .layer(cors())
                .layer(RumTraceLayer::new(instrumenter))
                .layer(FilterLayer::new(refuse)),
        )
}

/// What a service with CORS has outside of everything else.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(ORIGIN))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(CORS_REQUEST_HEADERS.map(HeaderName::from_static))
}

/// A service further in that fails, which a handler of axum cannot.
fn refuse(request: Request) -> Result<Request, BoxError> {
    if request.uri().path() == "/service-error" {
        Err("refused".into())
    } else {
        Ok(request)
    }
}

async fn answer(_: BoxError) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

async fn text() -> &'static str {
    TEXT
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, TEXT)
}

async fn error500() -> (StatusCode, &'static str) {
    (StatusCode::INTERNAL_SERVER_ERROR, TEXT)
}

async fn empty() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// The error of a handler.
struct Failed(StatusCode);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, TEXT).into_response()
    }
}

async fn handler_error() -> Result<&'static str, Failed> {
    Err(Failed(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn handler_not_found() -> Result<&'static str, Failed> {
    Err(Failed(StatusCode::NOT_FOUND))
}

async fn panic() -> &'static str {
    super::deliberate_panic()
}

async fn onward() -> String {
    super::onward()
}

async fn client(trace: CurrentTrace, rum: Option<Rum>) -> String {
    super::client(&trace.trace_id, &trace.span_id, rum.as_deref())
}

async fn echo(body: Bytes) -> Bytes {
    body
}

async fn large(Query(options): Query<Options>) -> Bytes {
    Bytes::from(vec![b'x'; options.bytes])
}

async fn hang(State(signals): State<Signals>, Query(options): Query<Options>) -> &'static str {
    signals.wait(options.key).await;
    TEXT
}

async fn stream(Query(options): Query<Options>) -> Body {
    Body::from_stream(Frames::new(options.frames))
}

async fn stream_error(Query(options): Query<Options>) -> Body {
    Body::from_stream(Frames::then_error(options.frames))
}

async fn stream_panic(Query(options): Query<Options>) -> Body {
    Body::from_stream(Frames::then_panic(options.frames))
}

async fn stream_hang(State(signals): State<Signals>, Query(options): Query<Options>) -> Body {
    Body::from_stream(Frames::then_wait(options.frames, &signals, options.key))
}

async fn sse(state: State<Signals>, query: Query<Options>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/event-stream")],
        stream_hang(state, query).await,
    )
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(echo_messages)
}

async fn echo_messages(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(_) = message {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    }
}
