//! In which class a request is, and what is found in it beside.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opentelemetry::propagation::Extractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rum_trace_core::{Carrier, CarrierClass, Finding, Stats};

use crate::cases::{CASES, Case, request};
use crate::meters::{FINDINGS, Meters, REQUESTS};
use crate::support::{Harness, Lines, Log, RUM, Request, SW8, TRACEPARENT, is_new_trace};

#[test]
fn every_class_is_counted_measured_and_logged() {
    for case in CASES {
        let Case { name, .. } = case;
        let (log, meters) = (Log::default(), Meters::new());
        let harness = Harness::with(|builder| builder.meter_provider(&meters.provider));
        log.during(|| harness.serve(&request(case.headers)));

        let stats = harness.instrumenter.stats();
        let found: BTreeMap<String, u64> = stats
            .findings()
            .map(|(finding, times)| (name_of(finding), times))
            .collect();
        assert_eq!(found, once(case.findings), "{name}: stats");
        assert_eq!(meters.points(FINDINGS), once(case.findings), "{name}");
        assert_eq!(meters.points(REQUESTS), once(&[case.class]), "{name}");
        assert_eq!(
            sums(&stats),
            (1, case.class.split(' ').next().unwrap_or("")),
            "{name}"
        );
        assert_eq!(log.kinds(), case.log, "{name}");
        for line in log.lines() {
            assert_eq!(line.get("times"), "1", "{name}");
            assert!(line.get("hint").len() > 20, "{name}: {line:?}");
            assert!(line.get("message").len() > 20, "{name}: {line:?}");
        }
    }
}

fn name_of(finding: Finding) -> String {
    let mut name = finding.as_str().to_owned();
    if let Some(carrier) = finding.carrier() {
        write!(name, " {carrier}").expect("written");
    }
    if let Some(part) = finding.part() {
        write!(name, " {part}").expect("written");
    }
    name
}

fn once<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> BTreeMap<String, u64> {
    names
        .into_iter()
        .map(|name| ((*name).to_owned(), 1))
        .collect()
}

/// How many requests there were, and the class of the only one.
fn sums(stats: &Stats) -> (u64, &'static str) {
    let carriers = [
        Carrier::W3c,
        Carrier::Sw8,
        Carrier::B3,
        Carrier::Jaeger,
        Carrier::Propagator,
    ];
    let continued: u64 = carriers
        .map(|carrier| stats.continued(carrier))
        .iter()
        .sum();
    let by_class = [
        ("continued", continued),
        ("absent", stats.absent),
        ("malformed", stats.malformed),
        ("untrusted", stats.untrusted),
    ];
    let all: u64 = by_class.iter().map(|(_, requests)| requests).sum();
    assert_eq!(all, stats.requests(), "the classes add up");
    assert_eq!(stats.started(), all - continued);
    for carrier in carriers {
        let class = CarrierClass::Continued(carrier);
        assert_eq!(stats.requests_in(class), stats.continued(carrier));
    }
    let class = by_class.iter().find(|(_, requests)| *requests > 0);
    (all, class.map_or("none", |(name, _)| *name))
}

#[test]
fn what_is_over_a_limit_is_counted_by_its_values() {
    let meters = Meters::new();
    let (log, harness) = (
        Log::default(),
        Harness::with(|builder| builder.meter_provider(&meters.provider)),
    );
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM)
        .header("baggage", "a=".to_owned() + &"b".repeat(9_000))
        .header("user-agent", "c".repeat(5_000));
    log.during(|| harness.serve(&request));
    assert_eq!(log.kinds(), ["INFO over_limit"], "one line for both");
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.over_limit, stats.found(Finding::OverLimit)), (2, 2));
    let expected = BTreeMap::from([("over_limit".to_owned(), 2)]);
    assert_eq!(meters.points(FINDINGS), expected);
}

#[test]
fn what_is_cut_where_it_goes_on_is_counted() {
    let harness = Harness::new();
    let long = format!("{}={}", "k".repeat(200), "v".repeat(250));
    let member = |n: usize| format!("m{n}{long}");
    let list: Vec<String> = (0..20).map(member).collect();
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", list.join(","));
    harness.instrumenter.start(&request).finish();
    assert_eq!(
        harness.instrumenter.stats().over_limit,
        1,
        "a list over 8,000 bytes"
    );

    let by_sw8 = Request::get(&format!("/{}", "p".repeat(2_000))).header("sw8", SW8);
    harness.instrumenter.start(&by_sw8).finish();
    assert_eq!(harness.instrumenter.stats().over_limit, 2, "the endpoint");
}

#[test]
fn an_agent_that_does_not_record_leaves_the_decision_to_us() {
    for sw8 in ["", " ", "1-------", "0-------", "1----c2VydmljZQ==-aW4=--"] {
        let harness = Harness::new();
        let span = harness.serve(&Request::get("/").header("sw8", sw8));
        assert!(is_new_trace(&span), "{sw8:?}");
        assert!(span.span_context.is_sampled(), "{sw8:?}");
        let stats = harness.instrumenter.stats();
        assert_eq!((stats.malformed, stats.absent), (0, 1), "{sw8:?}");
        assert_eq!(stats.found(Finding::NotRecording), 1, "{sw8:?}");
    }
}

#[test]
fn a_propagator_that_reads_what_we_do_not_mends_the_findings() {
    let log = Log::default();
    let harness = Harness::with(|builder| {
        builder
            .carriers([])
            .fallback_propagator(TraceContextPropagator::new())
    });
    log.during(|| harness.serve(&request(CASES[0].headers)));
    let stats = harness.instrumenter.stats();
    assert_eq!(stats.continued(Carrier::Propagator), 1);
    assert_eq!(stats.findings().count(), 0);
    assert_eq!(log.kinds(), [""; 0]);
}

#[test]
fn messages_are_classed_too() {
    let table: [(&[(&str, &str)], &str, &[&str]); 4] = [
        (CASES[0].headers, "continued", &[]),
        (&[], "absent", &[]),
        (
            &[("traceparent", "x")],
            "malformed",
            &["WARN malformed w3c version"],
        ),
        (
            &[("sw8", "1-------")],
            "absent",
            &["INFO not_recording sw8"],
        ),
    ];
    for (headers, class, lines) in table {
        let (log, harness) = (Log::default(), Harness::new());
        let headers = Lines::of(headers);
        let _cx = log.during(|| harness.instrumenter.extract(&headers as &dyn Extractor));
        assert_eq!(sums(&harness.instrumenter.stats()), (1, class));
        assert_eq!(log.kinds(), lines, "{class}");
    }
}
