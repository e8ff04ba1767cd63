//! The peers on actix-web.

use opentelemetry_instrumentation_actix_web::{RequestMetrics, RequestTracing};
use rum_trace_bench_requests::actix::InActix;
use rum_trace_bench_requests::actix_app;
use rum_trace_bench_requests::row::Maker;
use rum_trace_bench_requests::sdk;
use rum_trace_bench_requests::subject::Scoped;
use tracing_actix_web::TracingLogger;

use super::{ACTIX, ACTIX_METRICS, TRACING_ACTIX, otel_0_32};

/// All of them.
pub const PEERS: [Maker; 3] = [
    Maker::actix(ACTIX, |load| {
        let app = actix_app!(RequestTracing::new());
        Scoped::plain(InActix::new(app, load))
    }),
    Maker::actix(TRACING_ACTIX, |load| {
        let app = actix_app!(TracingLogger::default());
        Scoped::under(otel_0_32::subscriber(), InActix::new(app, load))
    }),
    Maker::actix(ACTIX_METRICS, |load| {
        let metrics = RequestMetrics::builder().with_meter_provider(sdk::meters().clone());
        let app = actix_app!(RequestTracing::new(), metrics.build());
        Scoped::plain(InActix::new(app, load))
    }),
];
