//! The peers on axum.

use axum_otel::{AxumOtelOnFailure, AxumOtelOnResponse, AxumOtelSpanCreator};
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_instrumentation_tower::http::server::{Layer, LayerBuilder};
use rum_trace_bench_requests::axum::{Layered, router};
use rum_trace_bench_requests::row::Maker;
use rum_trace_bench_requests::sdk;
use tower_http::trace::TraceLayer;
use tracing::Level;

use super::{
    AXUM_OTEL, AXUM_TRACING, BY_HAND, TOWER, TOWER_METRICS, TOWER_OTEL, TOWER_OTEL_METRICS,
    by_hand, subscriber,
};

/// All of them.
pub const PEERS: [Maker; 7] = [
    Maker::axum(TOWER, || Layered::plain(router().layer(tower(false)))),
    Maker::axum(AXUM_TRACING, || {
        // Its spans are of level TRACE, and its set-up shows them.
        let app = router().layer(OtelAxumLayer::default());
        Layered::under(subscriber("info,otel::tracing=trace"), app)
    }),
    Maker::axum(BY_HAND, by_hand::make),
    Maker::axum(TOWER_OTEL, || {
        let layer = tower_otel::trace::HttpLayer::server(Level::INFO);
        Layered::under(subscriber("info"), router().layer(layer))
    }),
    Maker::axum(AXUM_OTEL, || {
        let layer = TraceLayer::new_for_http()
            .make_span_with(AxumOtelSpanCreator::new().level(Level::INFO))
            .on_response(AxumOtelOnResponse::new().level(Level::INFO))
            .on_failure(AxumOtelOnFailure::new());
        Layered::under(subscriber("info"), router().layer(layer))
    }),
    Maker::axum(TOWER_METRICS, || {
        Layered::plain(router().layer(tower(true)))
    }),
    Maker::axum(TOWER_OTEL_METRICS, || {
        let meter = sdk::meters().meter("shop");
        let app = router()
            .layer(tower_otel::trace::HttpLayer::server(Level::INFO))
            .layer(tower_otel::metrics::HttpLayer::server(&meter));
        Layered::under(subscriber("info"), app)
    }),
];

/// On the global providers; which measures nothing as long as there is no meter
/// provider. Here there may be one already, so it is told.
fn tower(metrics: bool) -> Layer {
    sdk::meters();
    let layer = LayerBuilder::builder().with_metrics(metrics).build();
    layer.expect("the settings are right")
}
