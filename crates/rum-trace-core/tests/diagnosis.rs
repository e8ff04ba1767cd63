//! What a request's headers came to: as numbers, as metrics, and in the log.

mod support;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use opentelemetry::KeyValue;
use opentelemetry::propagation::Extractor;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rum_trace_core::{BuildError, CarrierClass, Finding, Instrumenter, Stats};
use support::{Harness, Log, RUM, Request, SPAN, SW8, TRACE, TRACEPARENT, is_new_trace};

/// A request's headers, and all that comes of them.
struct Case {
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    /// Class and carrier.
    class: &'static str,
    /// Findings with carrier and part, with a space between them.
    findings: &'static [&'static str],
    /// Level, and then the same.
    log: &'static [&'static str],
}

const CASES: [Case; 32] = [
    Case {
        name: "continued",
        headers: &[("traceparent", TRACEPARENT), ("tracestate", RUM)],
        class: "continued w3c",
        findings: &[],
        log: &[],
    },
    Case {
        name: "a filled sw8 needs no RUM member",
        headers: &[("sw8", SW8)],
        class: "continued sw8",
        findings: &[],
        log: &[],
    },
    Case {
        name: "nothing",
        headers: &[("accept", "*/*")],
        class: "absent",
        findings: &[],
        log: &["INFO absent"],
    },
    Case {
        name: "a decision alone names no span",
        headers: &[("b3", "0")],
        class: "absent",
        findings: &[],
        log: &["INFO absent"],
    },
    Case {
        name: "no RUM member",
        headers: &[("traceparent", TRACEPARENT), ("tracestate", "vendor=1")],
        class: "continued w3c",
        findings: &["traceparent_without_rum w3c"],
        log: &["INFO traceparent_without_rum w3c"],
    },
    Case {
        name: "the RUM fields are in baggage",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("baggage", "rum=v2,sid=4f04d2f5"),
        ],
        class: "continued w3c",
        findings: &[],
        log: &[],
    },
    Case {
        name: "only the list arrived",
        headers: &[("tracestate", RUM)],
        class: "absent",
        findings: &["tracestate_without_carrier w3c"],
        log: &["WARN tracestate_without_carrier w3c"],
    },
    Case {
        name: "several",
        headers: &[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        class: "malformed w3c",
        findings: &["several_traceparents w3c"],
        log: &["WARN several_traceparents w3c"],
    },
    Case {
        name: "version",
        headers: &[(
            "traceparent",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )],
        class: "malformed w3c",
        findings: &["malformed w3c version"],
        log: &["WARN malformed w3c version"],
    },
    Case {
        name: "trace id, and the list is nobody's",
        headers: &[
            (
                "traceparent",
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            ),
            ("tracestate", RUM),
        ],
        class: "malformed w3c",
        findings: &["malformed w3c trace-id"],
        log: &["WARN malformed w3c trace-id"],
    },
    Case {
        name: "parent id",
        headers: &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        )],
        class: "malformed w3c",
        findings: &["malformed w3c parent-id"],
        log: &["WARN malformed w3c parent-id"],
    },
    Case {
        name: "flags",
        headers: &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        )],
        class: "malformed w3c",
        findings: &["malformed w3c trace-flags"],
        log: &["WARN malformed w3c trace-flags"],
    },
    Case {
        name: "end",
        headers: &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        )],
        class: "malformed w3c",
        findings: &["malformed w3c end"],
        log: &["WARN malformed w3c end"],
    },
    Case {
        name: "a member's key",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", "rum=v2&browser,Vendor=1"),
        ],
        class: "continued w3c",
        findings: &["malformed_tracestate w3c key"],
        log: &["WARN malformed_tracestate w3c key"],
    },
    Case {
        name: "a member's value",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", "rum=v2&browser&p&s&a=b"),
        ],
        class: "continued w3c",
        findings: &["malformed_tracestate w3c value"],
        log: &["WARN malformed_tracestate w3c value"],
    },
    Case {
        name: "no member",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", "rum=v2&browser,vendor"),
        ],
        class: "continued w3c",
        findings: &["malformed_tracestate w3c list-member"],
        log: &["WARN malformed_tracestate w3c list-member"],
    },
    Case {
        name: "sample",
        headers: &[(
            "sw8",
            "2-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW4=-L2FwcA==-cA==",
        )],
        class: "malformed sw8",
        findings: &["malformed sw8 sample"],
        log: &["WARN malformed sw8 sample"],
    },
    Case {
        name: "an empty trace id is not an agent that does not record",
        headers: &[("sw8", "1--MS4yLjM=-4-c2VydmljZQ==-aW4=-L2FwcA==-cA==")],
        class: "malformed sw8",
        findings: &["malformed sw8 trace ID"],
        log: &["WARN malformed sw8 trace ID"],
    },
    Case {
        name: "segment",
        headers: &[("sw8", "1-My40LjU=-?-4-c2VydmljZQ==-aW4=-L2FwcA==-cA==")],
        class: "malformed sw8",
        findings: &["malformed sw8 parent trace segment ID"],
        log: &["WARN malformed sw8 parent trace segment ID"],
    },
    Case {
        name: "span",
        headers: &[(
            "sw8",
            "1-My40LjU=-MS4yLjM=-x-c2VydmljZQ==-aW4=-L2FwcA==-cA==",
        )],
        class: "malformed sw8",
        findings: &["malformed sw8 parent span ID"],
        log: &["WARN malformed sw8 parent span ID"],
    },
    Case {
        name: "names",
        headers: &[("sw8", "1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW4=-?-cA==")],
        class: "malformed sw8",
        findings: &["malformed sw8 parent endpoint"],
        log: &["WARN malformed sw8 parent endpoint"],
    },
    Case {
        name: "the documentation's own sample",
        headers: &[("sw8", "1-My40LjU=-MTY1MTcwNDI5OTk5OA==-xxxx-xx-x-x==")],
        class: "malformed sw8",
        findings: &["malformed sw8 number of parts"],
        log: &["WARN malformed sw8 number of parts"],
    },
    Case {
        name: "Node's agent that does not record",
        headers: &[("sw8", "")],
        class: "absent",
        findings: &["not_recording sw8"],
        log: &["INFO not_recording sw8"],
    },
    Case {
        name: "Python's agent that does not record",
        headers: &[("sw8", "1-------")],
        class: "absent",
        findings: &["not_recording sw8"],
        log: &["INFO not_recording sw8"],
    },
    Case {
        name: "b3",
        headers: &[("b3", "80f198ee56343ba864fe8b2a57d3eff7-x-1")],
        class: "malformed b3",
        findings: &["malformed b3 span id"],
        log: &["WARN malformed b3 span id"],
    },
    Case {
        name: "several b3 headers, one of which is lost",
        headers: &[("x-b3-spanid", SPAN)],
        class: "malformed b3",
        findings: &["malformed b3 trace id"],
        log: &["WARN malformed b3 trace id"],
    },
    Case {
        name: "jaeger",
        headers: &[("uber-trace-id", "1:2:0:zz")],
        class: "malformed jaeger",
        findings: &["malformed jaeger flags"],
        log: &["WARN malformed jaeger flags"],
    },
    Case {
        name: "all of them: the first names the class",
        headers: &[("traceparent", "x"), ("b3", "x"), ("uber-trace-id", "x")],
        class: "malformed w3c",
        findings: &[
            "malformed w3c version",
            "malformed b3 trace id",
            "malformed jaeger trace-id",
        ],
        log: &[
            "WARN malformed w3c version",
            "WARN malformed b3 trace id",
            "WARN malformed jaeger trace-id",
        ],
    },
    Case {
        name: "one is refused, another continued",
        headers: &[("traceparent", "x"), ("sw8", SW8)],
        class: "continued sw8",
        findings: &["malformed w3c version"],
        log: &["WARN malformed w3c version"],
    },
    Case {
        name: "two that disagree",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", RUM),
            ("sw8", SW8),
        ],
        class: "continued w3c",
        findings: &["carriers_disagree"],
        log: &["WARN carriers_disagree"],
    },
    Case {
        name: "two that agree",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", RUM),
            ("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"),
        ],
        class: "continued w3c",
        findings: &[],
        log: &[],
    },
    Case {
        name: "an agent that does not record, and a list",
        headers: &[("sw8", "1-------"), ("tracestate", RUM)],
        class: "absent",
        findings: &["tracestate_without_carrier w3c", "not_recording sw8"],
        log: &[
            "WARN tracestate_without_carrier w3c",
            "INFO not_recording sw8",
        ],
    },
];

fn request(headers: &[(&str, &str)]) -> Request {
    let get = Request::get("/cart");
    headers
        .iter()
        .fold(get, |request, (name, value)| request.header(name, value))
}

/// A meter provider, and what its counters are now.
struct Meters {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Meters {
    fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter.clone()).build())
            .build();
        Meters { provider, exporter }
    }

    /// The points of a counter: its labels' values by their order, and its number.
    fn points(&self, name: &str) -> BTreeMap<String, u64> {
        self.exporter.reset();
        self.provider.force_flush().expect("flushed");
        let exports = self.exporter.get_finished_metrics().expect("metrics");
        let scopes = exports.iter().flat_map(ResourceMetrics::scope_metrics);
        scopes
            .flat_map(ScopeMetrics::metrics)
            .filter(|metric| metric.name() == name)
            .flat_map(points)
            .collect()
    }
}

fn points(metric: &Metric) -> Vec<(String, u64)> {
    let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() else {
        panic!("another kind of metric: {:?}", metric.data());
    };
    assert!(sum.is_monotonic());
    sum.data_points()
        .map(|point| (labels(point.attributes()), point.value()))
        .collect()
}

/// What is counted first, then carrier, then part, as the cases write it.
fn labels<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let attributes: HashMap<&str, String> = attributes
        .map(|label| (label.key.as_str(), label.value.to_string()))
        .collect();
    let known = [
        "rum_trace.carrier.class",
        "rum_trace.finding",
        "rum_trace.carrier.protocol",
        "rum_trace.carrier.part",
    ];
    let found: Vec<&str> = known
        .iter()
        .filter_map(|name| attributes.get(name).map(String::as_str))
        .collect();
    assert_eq!(found.len(), attributes.len(), "no others: {attributes:?}");
    found.join(" ")
}

const REQUESTS: &str = "rum_trace.server.requests";
const FINDINGS: &str = "rum_trace.server.findings";

fn once<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> BTreeMap<String, u64> {
    names
        .into_iter()
        .map(|name| ((*name).to_owned(), 1))
        .collect()
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

/// How many requests there were, and the class of the only one.
fn sums(stats: &Stats) -> (u64, &'static str) {
    let carriers = [
        rum_trace_core::Carrier::W3c,
        rum_trace_core::Carrier::Sw8,
        rum_trace_core::Carrier::B3,
        rum_trace_core::Carrier::Jaeger,
        rum_trace_core::Carrier::Propagator,
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
fn where_a_client_is_expected_to_send_absent_is_stripped() {
    let expecting = || {
        Harness::with(|builder| {
            builder
                .expect_trace_at("/api/*")
                .expect_trace_at("/cart")
                .expect_trace_from_user_agent("okhttp/*")
                .skip("/api/health")
        })
    };
    let android = "okhttp/4.12.0";
    let get = || Request::get("/other");
    let stripped = "WARN stripped_on_the_way";
    let table: [(&str, Request, &[&str]); 11] = [
        ("a path", Request::get("/cart"), &[stripped]),
        ("below one", Request::get("/api/items?a=1"), &[stripped]),
        ("a client", get().header("user-agent", android), &[stripped]),
        ("another path", get(), &["INFO absent"]),
        (
            "another client",
            get().header("user-agent", "curl/8"),
            &["INFO absent"],
        ),
        (
            "before CORS",
            Request::new("OPTIONS", "/cart"),
            &["INFO absent"],
        ),
        ("skipped", Request::get("/api/health"), &[]),
        (
            "it arrived",
            Request::get("/cart")
                .header("traceparent", TRACEPARENT)
                .header("tracestate", RUM),
            &[],
        ),
        (
            "it arrived, malformed",
            Request::get("/cart").header("traceparent", "x"),
            &["WARN malformed w3c version"],
        ),
        (
            "an agent that does not record",
            Request::get("/cart").header("sw8", ""),
            &["INFO not_recording sw8"],
        ),
        (
            "only the list arrived",
            Request::get("/cart").header("tracestate", RUM),
            &["WARN tracestate_without_carrier w3c", stripped],
        ),
    ];
    for (name, request, lines) in table {
        let (log, harness) = (Log::default(), expecting());
        log.during(|| harness.serve_status(&request, 200));
        assert_eq!(log.kinds(), lines, "{name}");
        let stats = harness.instrumenter.stats();
        let found = u64::from(lines.contains(&stripped));
        assert_eq!(stats.found(Finding::StrippedOnTheWay), found, "{name}");
        assert_eq!(stats.requests(), 1, "{name}");
    }
}

#[test]
fn what_cannot_be_expected_is_refused() {
    for path in ["", "*", "api/*", "/users/{id}", "/a*b"] {
        let error = Instrumenter::builder().expect_trace_at(path).build();
        let expected = BuildError::InvalidExpectedPath {
            path: path.to_owned(),
        };
        assert_eq!(error.expect_err(path), expected);
    }
    for user_agent in ["", "*", "Mozilla/*Android"] {
        let error = Instrumenter::builder()
            .expect_trace_from_user_agent(user_agent)
            .build();
        let expected = BuildError::InvalidExpectedUserAgent {
            user_agent: user_agent.to_owned(),
        };
        assert_eq!(error.expect_err(user_agent), expected);
    }
}

/// What clients send who mean no good.
fn hostile() -> Vec<Vec<u8>> {
    vec![
        b"\x1b[2J\x1b]0;owned\x07".to_vec(),
        b"00-\r\nERROR forged line\r\n".to_vec(),
        vec![0, 1, 2, 0x7f, 0x9b, 0xff],
        "\u{202e}gnirts\u{2028}".as_bytes().to_vec(),
        b"{}%s{hint}$HOME".to_vec(),
        vec![b'A'; 1 << 20],
        [b"1-".to_vec(), vec![b'-'; 1 << 16]].concat(),
        [b"Marker=".to_vec(), vec![b','; 1 << 16]].concat(),
    ]
}

const CARRIERS: [&str; 9] = [
    "traceparent",
    "tracestate",
    "baggage",
    "sw8",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "uber-trace-id",
    "user-agent",
];

#[test]
fn nothing_that_a_client_sends_is_in_the_log() {
    let (log, harness) = (Log::default(), Harness::new());
    log.during(|| {
        for value in hostile() {
            for name in CARRIERS {
                let alone = Request::get("/").header(name, &value);
                harness.serve(&alone);
                harness.serve(&alone.header("traceparent", TRACEPARENT));
            }
        }
    });
    assert!(log.lines().len() > 5, "{:?}", log.kinds());
    for line in log.lines() {
        for (field, text) in &line.fields {
            let printable = text.chars().all(|c| (' '..='~').contains(&c));
            assert!(printable && text.len() < 512, "{field}: {text:?}");
            for sent in ["owned", "forged", "AAAA", "$HOME", "Marker"] {
                assert!(!text.contains(sent), "{field}: {text}");
            }
        }
    }
}

#[test]
fn bad_requests_do_not_fill_the_log() {
    const REQUESTS: u64 = 100_000;
    let (log, harness) = (
        Log::default(),
        Harness::sampling(opentelemetry_sdk::trace::Sampler::AlwaysOff),
    );
    let bad: Vec<Request> = CASES.iter().map(|case| request(case.headers)).collect();
    log.during(|| {
        for request in bad.iter().cycle().take(REQUESTS as usize) {
            harness.instrumenter.start(request).finish();
        }
    });
    let stats = harness.instrumenter.stats();
    assert_eq!(stats.requests(), REQUESTS);
    // One of each kind at first; further ones only if this takes minutes.
    let kinds: std::collections::BTreeSet<String> = log.kinds().into_iter().collect();
    assert_eq!(kinds.len(), stats.findings().count() + 1, "and `absent`");
    assert!(log.lines().len() <= 5 * kinds.len(), "{:?}", log.kinds());
}

#[test]
fn two_instrumenters_on_one_meter_add_up() {
    let meters = Meters::new();
    let one = Harness::with(|builder| builder.meter_provider(&meters.provider));
    let other = Harness::with(|builder| builder.meter_provider(&meters.provider));
    one.serve(&request(&[]));
    other.serve(&request(&[]));
    other.serve(&request(&[("sw8", "x")]));
    let expected = |absent| {
        let malformed = ("malformed sw8".to_owned(), 1);
        BTreeMap::from([("absent".to_owned(), absent), malformed])
    };
    assert_eq!(meters.points(REQUESTS), expected(2));
    one.serve(&request(&[]));
    // Whoever is gone at the last collection is told of all the same.
    drop(one);
    assert_eq!(meters.points(REQUESTS), expected(3));
    assert_eq!(meters.points(REQUESTS), expected(3), "and once");
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
    assert_eq!(stats.continued(rum_trace_core::Carrier::Propagator), 1);
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
        let headers = support::Lines::of(headers);
        let _cx = log.during(|| harness.instrumenter.extract(&headers as &dyn Extractor));
        assert_eq!(sums(&harness.instrumenter.stats()), (1, class));
        assert_eq!(log.kinds(), lines, "{class}");
    }
}

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
    let harness = Harness::sampling(opentelemetry_sdk::trace::Sampler::AlwaysOff);
    log.during(|| {
        harness
            .instrumenter
            .start(&request(CASES[0].headers))
            .finish();
    });
    assert_eq!(log.kinds(), [""; 0]);
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
