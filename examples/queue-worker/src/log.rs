//! The log: a line of JSON for each record, with the request's ids.

use std::error::Error;

use rum_trace::opentelemetry::trace::{Span, Tracer};
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

/// Makes this the log of the process.
///
/// # Errors
///
/// There is one already.
pub fn install<T, W>(tracer: T, writer: W) -> Result<(), Box<dyn Error + Send + Sync>>
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Span + Send + Sync,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    Ok(tracing::subscriber::set_global_default(subscriber(
        tracer, writer,
    ))?)
}

fn subscriber<T, W>(tracer: T, writer: W) -> impl Subscriber + Send + Sync
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Span + Send + Sync,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().json().with_writer(writer);
    let spans = rum_trace::tracing_layer(
        tracing_opentelemetry::layer().with_tracer(tracer),
        filter_fn(|metadata| !metadata.is_event()),
    );
    Registry::default()
        .with(lines.with_filter(LevelFilter::INFO))
        .with(spans)
}
