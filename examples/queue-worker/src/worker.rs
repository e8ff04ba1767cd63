//! The worker at the queue's other end.

use rum_trace::opentelemetry::trace::{
    FutureExt, Link, SpanContext, SpanKind, TraceContextExt, Tracer,
};
use rum_trace::opentelemetry::{Context, KeyValue, global};
use rum_trace::{Instrumenter, RumContext, RumKey};

use crate::orders::Order;
use crate::queue::{Message, Receiver, attributes};

/// Works on one message after another until the queue is closed and empty.
pub async fn work(instrumenter: Instrumenter, mut queue: Receiver) {
    while let Some(message) = queue.next().await {
        match serde_json::from_slice::<Message>(&message) {
            Ok(message) => {
                let cx = consumer(&instrumenter, &message);
                process(message.body).with_context(cx).await;
            }
            Err(error) => tracing::warn!(%error, "a message that cannot be read is left out"),
        }
    }
}

/// The context of the message, with the CONSUMER span, which ends with its last
/// holder. The conventions want the producer as a link; for single messages it can
/// be the parent as well, so that all is in one trace.
fn consumer(instrumenter: &Instrumenter, message: &Message) -> Context {
    let producer = instrumenter.extract(&message.headers);
    let tracer = global::tracer("shop");
    let sent_in = Some(producer.span().span_context().clone());
    let links = sent_in
        .filter(SpanContext::is_valid)
        .map(Link::with_context);
    let span = tracer
        .span_builder("process orders")
        .with_kind(SpanKind::Consumer)
        .with_attributes(attributes("process").into_iter().chain(client(&producer)))
        .with_links(links.into_iter().collect())
        .start_with_context(&tracer, &producer);
    producer.with_span(span)
}

/// What the phone told, as the SERVER span has it.
fn client(cx: &Context) -> Vec<KeyValue> {
    let rum = RumContext::from_context(cx);
    let told = |key: RumKey| Some(KeyValue::new(key.attribute(), rum.get(key)?.to_owned()));
    RumKey::ALL.into_iter().filter_map(told).collect()
}

async fn process(order: Order) {
    let rum = RumContext::current();
    let session = rum.session_id();
    tracing::info!(
        order.item,
        order.count,
        session.id = session,
        "order packed"
    );
}
