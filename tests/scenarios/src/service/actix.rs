//! The service on actix-web.

use std::fmt;
use std::future::poll_fn;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::mpsc;
use std::thread;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::error::ErrorServiceUnavailable;
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Bytes, Data, Query};
use actix_web::{
    App, Error, FromRequest, Handler, HttpRequest, HttpResponse, HttpServer, Resource, Responder,
    ResponseError, rt,
};
use actix_ws::{Message, MessageStream, Session};
use futures_core::Stream;
use rum_trace_actix::{CurrentTrace, Rum, RumTrace};
use rum_trace_core::{CORS_REQUEST_HEADERS, Instrumenter};

use super::{Frames, ORIGIN, Options, Running, TEXT};
use crate::signals::Signals;

/// The default allows 256 KiB.
const BODY_LIMIT: usize = 64 << 20;

/// Serves HTTP/1.1 and HTTP/2 on the listener.
pub(crate) fn serve(
    listener: TcpListener,
    instrumenter: Instrumenter,
    signals: Signals,
) -> Running {
    let (started, handle) = mpsc::channel();
    let thread = thread::spawn(move || {
        rt::System::new().block_on(run(listener, instrumenter, signals, started));
    });
    let handle: ServerHandle = handle.recv().expect("actix-web starts");
    // It is told by the call; the future is for those who wait.
    Running::new(move || drop(handle.stop(false)), thread)
}

async fn run(
    listener: TcpListener,
    instrumenter: Instrumenter,
    signals: Signals,
    started: mpsc::Sender<ServerHandle>,
) {
    let trace = RumTrace::new(instrumenter);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(signals.clone()))
            .app_data(web::PayloadConfig::new(BODY_LIMIT))
            .configure(routes)
            // The last one is outermost.
            .wrap(from_fn(refuse))
            .wrap(trace.clone())
            .wrap(cors())
    });
    let server = server
        // Without this the end of a client is noticed only when it is written to.
        .h1_allow_half_closed(false)
        .on_connect(|io, _| {
            if let Some(stream) = io.downcast_ref::<TcpStream>() {
                stream.set_nodelay(true).expect("TCP has this option");
            }
        })
        .workers(2)
        .disable_signals()
        .listen_auto_h2c(listener)
        .expect("it listens")
        .run();
    started.send(server.handle()).expect("the starter waits");
    server.await.expect("actix-web serves until it is stopped");
}

fn routes(config: &mut web::ServiceConfig) {
    let orders = web::scope("/api/v1").service(read("/orders/{id}", text));
    config
        .service(read("/", text))
        .service(read("/users/{id}", text))
        .service(read("/users/{id}/avatar", not_found))
        .service(read("/files/{path:.*}", text))
        .service(orders)
        .service(read("/healthz", onward))
        .service(read("/internal/jobs", onward))
        .service(read("/onward", onward))
        .service(read("/client", client))
        .service(read("/empty", empty))
        .service(web::resource("/echo").route(web::post().to(echo)))
        .service(read("/large", large))
        .service(read("/error500", error500))
        .service(read("/handler-error", handler_error))
        .service(read("/handler-not-found", handler_not_found))
        .service(read("/service-error", text))
        .service(read("/panic", panic))
        .service(read("/hang", hang))
        .service(read("/stream", stream))
        .service(read("/stream-error", stream_error))
        .service(read("/stream-panic", stream_panic))
        .service(read("/stream-hang", stream_hang))
        .service(read("/sse", sse))
        .service(read("/ws", upgrade));
}

/// GET and HEAD, which axum's `get` takes together.
fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
}

/// What a service with CORS has outside of everything else.
fn cors() -> Cors {
    Cors::default()
        .allowed_origin(ORIGIN)
        .allowed_methods(["GET", "POST"])
        .allowed_headers(CORS_REQUEST_HEADERS)
}

/// A middleware further in that fails.
async fn refuse(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.path() == "/service-error" {
        return Err(ErrorServiceUnavailable("refused"));
    }
    next.call(request).await
}

async fn text() -> &'static str {
    TEXT
}

async fn not_found() -> (&'static str, StatusCode) {
    (TEXT, StatusCode::NOT_FOUND)
}

async fn error500() -> (&'static str, StatusCode) {
    (TEXT, StatusCode::INTERNAL_SERVER_ERROR)
}

async fn empty() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// The error of a handler.
#[derive(Debug)]
struct Failed(StatusCode);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TEXT)
    }
}

impl ResponseError for Failed {
    fn status_code(&self) -> StatusCode {
        self.0
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

async fn large(options: Query<Options>) -> Bytes {
    Bytes::from(vec![b'x'; options.bytes])
}

async fn hang(signals: Data<Signals>, options: Query<Options>) -> &'static str {
    signals.wait(options.key).await;
    TEXT
}

async fn stream(options: Query<Options>) -> HttpResponse {
    HttpResponse::Ok().streaming(Frames::new(options.frames))
}

async fn stream_error(options: Query<Options>) -> HttpResponse {
    HttpResponse::Ok().streaming(Frames::then_error(options.frames))
}

async fn stream_panic(options: Query<Options>) -> HttpResponse {
    HttpResponse::Ok().streaming(Frames::then_panic(options.frames))
}

async fn stream_hang(signals: Data<Signals>, options: Query<Options>) -> HttpResponse {
    HttpResponse::Ok().streaming(Frames::then_wait(options.frames, &signals, options.key))
}

async fn sse(signals: Data<Signals>, options: Query<Options>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(Frames::then_wait(options.frames, &signals, options.key))
}

async fn upgrade(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    rt::spawn(echo_messages(session, messages));
    Ok(response)
}

async fn echo_messages(mut session: Session, mut messages: MessageStream) {
    while let Some(Ok(message)) = poll_fn(|cx| Pin::new(&mut messages).poll_next(cx)).await {
        let sent = match message {
            Message::Text(text) => session.text(text).await,
            Message::Close(reason) => {
                // The client may have gone without waiting for it.
                let _ = session.close(reason).await;
                return;
            }
            _ => Ok(()),
        };
        if sent.is_err() {
            return;
        }
    }
}
