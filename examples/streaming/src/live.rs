//! `/live`: a WebSocket.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use rum_trace::RumContext;
use rum_trace::opentelemetry::trace::{FutureExt, Tracer};
use rum_trace::opentelemetry::{Context, global};

/// The SERVER span ends at the `101`, since after that the connection is no
/// longer HTTP. The socket may stay open for days, and a span that nobody sees
/// before it has ended would be no help.
///
/// The context is taken here, where the request is still there: the closure
/// runs in a task of its own.
pub(crate) async fn live(upgrade: WebSocketUpgrade) -> Response {
    let cx = Context::current();
    upgrade.on_upgrade(|socket| echo(socket).with_context(cx))
}

/// Each message has a span of its own, in the trace that the socket was opened in.
async fn echo(mut socket: WebSocket) {
    let tracer = global::tracer("streaming");
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Text(text) = message else {
            continue; // Pings are answered by axum.
        };
        let reply = tracer.in_span("live message", |_| reply(&text));
        if socket.send(Message::text(reply)).await.is_err() {
            return;
        }
    }
}

/// The client's session is known here too.
fn reply(text: &str) -> String {
    let rum = RumContext::current();
    format!("{}: {text}", rum.session_id().unwrap_or("somebody"))
}
