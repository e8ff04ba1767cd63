//! The queue: messages of headers and a body, as Kafka and AMQP have them. This one
//! is in memory; only bytes go through it.

use std::collections::HashMap;

use rum_trace::opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use rum_trace::opentelemetry::{Context, KeyValue, global};
use rum_trace::{Injection, TraceProtocol};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::orders::Order;

/// So many messages wait for the worker; then the handlers wait.
const MESSAGES_AHEAD: usize = 1_000;

/// The end where messages go in. The worker ends when all of them are gone.
#[derive(Clone, Debug)]
pub struct Queue(mpsc::Sender<Vec<u8>>);

/// The end where messages come out.
#[derive(Debug)]
pub struct Receiver(mpsc::Receiver<Vec<u8>>);

/// A message as it is on the wire.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Message {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Order,
}

/// A new queue.
#[must_use]
pub fn queue() -> (Queue, Receiver) {
    let (sender, receiver) = mpsc::channel(MESSAGES_AHEAD);
    (Queue(sender), Receiver(receiver))
}

/// The worker has gone, so that nobody would read it.
#[derive(Debug)]
pub(crate) struct Closed;

impl Queue {
    /// Sends a message in a PRODUCER span, which goes along in its headers.
    pub(crate) async fn send(&self, order: &Order) -> Result<(), Closed> {
        let tracer = global::tracer("shop");
        let span = tracer
            .span_builder("send orders")
            .with_kind(SpanKind::Producer)
            .with_attributes(attributes("send"))
            .start(&tracer);
        let cx = Context::current_with_span(span);
        let sent = self.send_in(&cx, order).with_context(cx.clone()).await;
        let span = cx.span();
        if sent.is_err() {
            span.set_attribute(KeyValue::new("error.type", "closed"));
            span.set_status(Status::error(""));
        }
        span.end();
        sent
    }

    async fn send_in(&self, cx: &Context, order: &Order) -> Result<(), Closed> {
        let mut headers = HashMap::new();
        // To a queue of a third party it would be `to_third_party`.
        Injection::to_own_service()
            .protocol(TraceProtocol::W3c)
            .inject(cx, &mut headers);
        let message = serde_json::json!({ "headers": headers, "body": order });
        let message = message.to_string().into_bytes();
        self.0.send(message).await.map_err(|_| Closed)
    }
}

impl Receiver {
    /// The next message; `None` if there will be no more.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        self.0.recv().await
    }
}

/// What OpenTelemetry's conventions for messaging want to be known at both ends.
pub(crate) fn attributes(operation: &'static str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("messaging.system", "in_memory"),
        KeyValue::new("messaging.operation.name", operation),
        KeyValue::new("messaging.operation.type", operation),
        KeyValue::new("messaging.destination.name", "orders"),
    ]
}
