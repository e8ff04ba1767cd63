//! The peers, each set up as its own README says for production.

pub mod actix;
pub mod axum;
pub mod by_hand;
pub mod otel_0_32;

use opentelemetry::trace::TracerProvider as _;
use rum_trace_bench_requests::sdk;
use tracing::Dispatch;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

/// opentelemetry-instrumentation-tower.
pub const TOWER: &str = "opentelemetry-instrumentation-tower 0.19";
/// The same, its metrics on.
pub const TOWER_METRICS: &str = "opentelemetry-instrumentation-tower 0.19 + metrics";
/// axum-tracing-opentelemetry.
pub const AXUM_TRACING: &str = "axum-tracing-opentelemetry 0.42";
/// What one writes with tower-http and tracing-opentelemetry.
pub const BY_HAND: &str = "TraceLayer by hand + tracing-opentelemetry, tuned";
/// tower-otel.
pub const TOWER_OTEL: &str = "tower-otel 0.12";
/// The same with its metrics layer.
pub const TOWER_OTEL_METRICS: &str = "tower-otel 0.12 + metrics";
/// axum-otel.
pub const AXUM_OTEL: &str = "axum-otel 0.34";
/// opentelemetry-instrumentation-actix-web.
pub const ACTIX: &str = "opentelemetry-instrumentation-actix-web 0.25";
/// The same with its metrics middleware.
pub const ACTIX_METRICS: &str = "opentelemetry-instrumentation-actix-web 0.25 + metrics";
/// tracing-actix-web.
pub const TRACING_ACTIX: &str = "tracing-actix-web 0.7.25 (OpenTelemetry 0.32)";

/// The peers whose span is a `tracing` span.
pub const TRACING_BASED: [&str; 5] = [AXUM_TRACING, BY_HAND, TOWER_OTEL, AXUM_OTEL, TRACING_ACTIX];

/// What services give their subscriber: a filter and the OpenTelemetry layer as
/// it comes. No log lines are written, by nobody here.
fn subscriber(directives: &str) -> Dispatch {
    let layer = tracing_opentelemetry::layer().with_tracer(sdk::provider().tracer("shop"));
    let subscriber = tracing_subscriber::registry()
        .with(EnvFilter::new(directives))
        .with(layer);
    Dispatch::new(subscriber)
}
