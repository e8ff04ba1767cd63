//! What is wrong with the service itself: it is told of once.

use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::Instrumenter;

use crate::cases::{CASES, request};
use crate::support::{Harness, Log, RUM, TRACE};

#[test]
fn a_request_that_comes_in_twice_is_told_of_once() {
    let twice = |harness: &Harness, headers: &[(&str, &str)]| {
        let request = request(headers);
        let outer = harness.instrumenter.start(&request);
        {
            let _scope = outer.scope();
            harness.instrumenter.start(&request).finish();
        }
        outer.finish();
    };
    let log = Log::default();
    let harness = Harness::new();
    log.during(|| {
        twice(&harness, CASES[0].headers);
        twice(&harness, CASES[0].headers);
    });
    assert_eq!(log.kinds(), ["WARN applied_twice"]);

    // No more than the trace in common: a call to itself, with its own span.
    let log = Log::default();
    log.during(|| {
        let outer = harness.instrumenter.start(&request(CASES[0].headers));
        let _scope = outer.scope();
        let own = format!("00-{TRACE}-00000000000000aa-01");
        let call = [("traceparent", &*own), ("tracestate", RUM)];
        harness.instrumenter.start(&request(&call)).finish();
    });
    assert_eq!(log.kinds(), [""; 0]);

    // The outer one has no span.
    let outer = Harness::with(|builder| builder.filter(|_| false));
    let inner = Harness::new();
    log.during(|| {
        let request = request(CASES[0].headers);
        let outer = outer.instrumenter.start(&request);
        let _scope = outer.scope();
        inner.instrumenter.start(&request).finish();
    });
    assert_eq!(log.kinds(), [""; 0]);
}

/// Nobody in this program sets a global provider.
#[test]
fn a_provider_that_makes_no_spans_is_told_of_once() {
    for headers in [&[][..], CASES[0].headers] {
        let log = Log::default();
        let instrumenter = Instrumenter::default();
        let serve = || instrumenter.start(&request(headers)).finish();
        log.during(|| (0..3).for_each(|_| serve()));
        let lines = log.lines();
        let told: Vec<_> = lines.iter().filter(|line| line.level == "ERROR").collect();
        assert_eq!(told.len(), 1, "{lines:?}");
        assert_eq!(told[0].get("kind"), "no_tracer_provider");
        assert!(told[0].get("hint").contains("`cargo tree -d`"));
    }
    // Also inside of somebody else's span, whose ids it hands back.
    let (log, harness) = (Log::default(), Harness::new());
    log.during(|| {
        let outer = harness.instrumenter.start(&request(CASES[0].headers));
        let _scope = outer.scope();
        Instrumenter::default().start(&request(&[])).finish();
    });
    let told = log.kinds();
    assert!(
        told.contains(&"ERROR no_tracer_provider".to_owned()),
        "{told:?}"
    );
}

#[test]
fn a_provider_that_samples_nothing_is_one() {
    let log = Log::default();
    let harness = Harness::sampling(Sampler::AlwaysOff);
    log.during(|| {
        harness
            .instrumenter
            .start(&request(CASES[0].headers))
            .finish();
    });
    assert_eq!(log.kinds(), [""; 0]);
}
