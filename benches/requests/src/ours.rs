//! The rows that the guard knows: ours, and those that they are measured by.

use opentelemetry::trace::TracerProvider as _;
use rum_trace::actix::RumTrace;
use rum_trace::axum::RumTraceLayer;
use rum_trace::otlp::Pipeline;
use rum_trace::{Instrumenter, InstrumenterBuilder};
use tracing::Dispatch;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::actix::{self, InActix};
use crate::actix_app;
use crate::alone::Alone;
use crate::axum::{self, Layered, router};
use crate::load::Load;
use crate::row::{BARE, Maker};
use crate::sampling;
use crate::sdk;
use crate::subject::Scoped;

/// What axum itself takes for a layer.
pub const NOTHING: &str = "a layer that does nothing";
/// As the README has it, with its own pipeline.
pub const OURS: &str = "rum-trace";
/// On somebody else's provider.
pub const GIVEN: &str = "rum-trace, provider given";
/// Without the RUM member in the span context.
pub const PRIVATE: &str = "rum-trace, rum_in_trace_state(false)";
/// As a `tracing` span.
pub const TRACING: &str = "rum-trace, tracing_spans(true)";
/// With metrics as well.
pub const METRICS: &str = "rum-trace + metrics";

/// With the sampler that knows sessions, and ten rules that do not match.
pub const RULES: &str = "rum-trace, ten sampling rules";
/// By session as well, within a cap, and with the probability in `tracestate`.
pub const BY_SESSION: &str = "rum-trace, ten sampling rules, by session";

/// What ours and the peers are measured by.
pub const YARDSTICKS: [Maker; 8] = [
    Maker::axum(BARE, || Layered::plain(router())),
    Maker::axum(NOTHING, || {
        Layered::plain(router().layer(axum::layers::Nothing))
    }),
    Maker::axum("the SDK alone", || {
        Layered::plain(router().layer(Alone::usual()))
    }),
    Maker::axum("the SDK alone, lean", || {
        Layered::plain(router().layer(Alone::lean()))
    }),
    Maker::actix(BARE, |load| Scoped::plain(InActix::new(actix_app!(), load))),
    Maker::actix("a wrap that does nothing", |load| {
        let app = actix_app!(actix::layers::Nothing);
        Scoped::plain(InActix::new(app, load))
    }),
    Maker::actix("the SDK alone", |load| {
        Scoped::plain(InActix::new(actix_app!(Alone::usual()), load))
    }),
    Maker::actix("the SDK alone, lean", |load| {
        Scoped::plain(InActix::new(actix_app!(Alone::lean()), load))
    }),
];

/// Ours, on both frameworks.
pub const RUM_TRACE: [Maker; 14] = [
    Maker::axum(OURS, || our_axum(usual())),
    Maker::axum(GIVEN, || our_axum(given())),
    Maker::axum(PRIVATE, || our_axum(private())),
    Maker::axum(TRACING, || {
        Layered::under(subscriber(), our_axum(tracing()).router)
    }),
    Maker::axum(METRICS, || our_axum(metrics())),
    Maker::axum(RULES, || our_axum(sampled(sampling::by_flag()))),
    Maker::axum(BY_SESSION, || our_axum(sampled(sampling::by_session()))),
    Maker::actix(OURS, |load| our_actix(load, usual())),
    Maker::actix(GIVEN, |load| our_actix(load, given())),
    Maker::actix(PRIVATE, |load| our_actix(load, private())),
    Maker::actix(TRACING, |load| {
        let app = actix_app!(actix_wrap(tracing()));
        Scoped::under(subscriber(), InActix::new(app, load))
    }),
    Maker::actix(METRICS, |load| our_actix(load, metrics())),
    Maker::actix(RULES, |load| our_actix(load, sampled(sampling::by_flag()))),
    Maker::actix(BY_SESSION, |load| {
        our_actix(load, sampled(sampling::by_session()))
    }),
];

fn usual() -> InstrumenterBuilder {
    Instrumenter::builder().span_starter(sdk::pipeline().span_starter())
}

fn sampled(pipeline: &Pipeline) -> InstrumenterBuilder {
    Instrumenter::builder().span_starter(pipeline.span_starter())
}

fn given() -> InstrumenterBuilder {
    Instrumenter::builder().tracer_provider(sdk::provider())
}

fn private() -> InstrumenterBuilder {
    usual().rum_in_trace_state(false)
}

fn tracing() -> InstrumenterBuilder {
    usual().tracing_spans(true)
}

fn metrics() -> InstrumenterBuilder {
    usual().meter_provider(sdk::meters())
}

/// The subscriber that the guide gives, without the layer that writes log lines.
fn subscriber() -> Dispatch {
    let otel = tracing_opentelemetry::layer().with_tracer(sdk::provider().tracer("shop"));
    let only_spans = filter_fn(|metadata| !metadata.is_event());
    let layer = rum_trace::tracing_layer(otel, only_spans);
    Dispatch::new(tracing_subscriber::registry().with(layer))
}

fn our_axum(builder: InstrumenterBuilder) -> Layered {
    let layer = RumTraceLayer::from_builder(builder).expect("the settings are right");
    Layered::plain(router().layer(layer))
}

fn our_actix(load: Load, builder: InstrumenterBuilder) -> Scoped {
    let app = actix_app!(actix_wrap(builder));
    Scoped::plain(InActix::new(app, load))
}

fn actix_wrap(builder: InstrumenterBuilder) -> RumTrace {
    RumTrace::from_builder(builder).expect("the settings are right")
}
