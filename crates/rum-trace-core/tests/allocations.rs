//! What is off costs nothing.

mod support;

use allocation_counter::measure;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace_core::{IdPolicy, Instrumenter, InstrumenterBuilder, MetricLabel, Privacy};
use support::{RUM, Request, TRACEPARENT};

/// Allocations of one request, with the settings made.
fn allocations(set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder) -> u64 {
    let provider = SdkTracerProvider::builder().build();
    let builder = Instrumenter::builder().tracer_provider(&provider);
    let instrumenter = set(builder).build().expect("settings are right");
    let request = Request::get("/users/42")
        .route("/users/{id}")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM);
    let serve = || {
        let mut active = instrumenter.start(&request);
        active.on_response(&200);
        active.response_headers(&mut |_, _| {});
        active.on_frame(100);
        active.finish();
    };
    // What is made once is made by the first.
    serve();
    measure(serve).count_total
}

#[test]
fn metrics_cost_nothing_without_a_meter_provider() {
    let plain = allocations(|builder| builder);
    assert!(plain > 0);
    let labels = allocations(|builder| {
        builder
            .metric_label(MetricLabel::AppType)
            .metric_label(MetricLabel::AppId { at_most: 10 })
    });
    assert_eq!(labels, plain);
    let meters = SdkMeterProvider::builder().build();
    let measured = allocations(|builder| builder.meter_provider(&meters));
    assert!(measured > plain, "this test can see them: {measured}");
}

#[test]
fn paths_to_skip_cost_nothing_for_the_others() {
    let plain = allocations(|builder| builder);
    let skipping = allocations(InstrumenterBuilder::skip_health_checks);
    assert_eq!(skipping, plain);
}

#[test]
fn a_verification_token_costs_nothing_for_who_does_not_ask() {
    let plain = allocations(|builder| builder);
    let asked = allocations(|builder| builder.verification_token("5f0e8c6a1b3d7924"));
    assert_eq!(asked, plain);
}

#[test]
fn ids_that_are_kept_cost_nothing() {
    let plain = allocations(|builder| builder);
    let keeping = Privacy::keep_all().hash_key([7; 32]);
    let kept = allocations(|builder| builder.privacy(keeping.clone()));
    assert_eq!(kept, plain);
    let hashed = allocations(|builder| builder.privacy(keeping.user_id(IdPolicy::Hash)));
    assert!(hashed > plain, "this test can see it: {hashed}");
}
