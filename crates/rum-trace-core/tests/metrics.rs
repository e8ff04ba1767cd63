//! The metrics of HTTP servers, and what may be a label of them.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::{Failure, InstrumenterBuilder, MetricLabel, TrustPolicy};
use support::{Harness, RUM, Request, TRACEPARENT};

/// A meter provider, and what its metrics are now.
struct Meters {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

/// A histogram's or a sum's data point.
#[derive(Debug, PartialEq)]
struct Point {
    attributes: BTreeMap<String, String>,
    /// Of a histogram: how many values; of a sum: its value.
    count: i64,
    sum: f64,
    bounds: Vec<f64>,
}

impl Meters {
    fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter.clone()).build())
            .build();
        Meters { provider, exporter }
    }

    fn points(&self, name: &str) -> Vec<Point> {
        self.latest(|metric| (metric.name() == name).then(|| points(metric)))
            .unwrap_or_default()
    }

    fn unit(&self, name: &str) -> String {
        self.latest(|metric| (metric.name() == name).then(|| metric.unit().to_owned()))
            .expect(name)
    }

    /// How many requests are active now, in all.
    fn active(&self) -> i64 {
        self.points(ACTIVE).iter().map(|point| point.count).sum()
    }

    fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let _: Option<()> = self.latest(|metric| {
            names.insert(metric.name().to_owned());
            None
        });
        names
    }

    fn latest<T>(&self, find: impl FnMut(&Metric) -> Option<T>) -> Option<T> {
        self.exporter.reset();
        self.provider.force_flush().expect("flushed");
        let exports: Vec<ResourceMetrics> = self.exporter.get_finished_metrics().expect("metrics");
        exports
            .iter()
            .flat_map(ResourceMetrics::scope_metrics)
            .flat_map(ScopeMetrics::metrics)
            .find_map(find)
    }
}

fn points(metric: &Metric) -> Vec<Point> {
    match metric.data() {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram
            .data_points()
            .map(|point| Point {
                attributes: text(point.attributes()),
                count: point.count() as i64,
                sum: point.sum(),
                bounds: point.bounds().collect(),
            })
            .collect(),
        AggregatedMetrics::I64(MetricData::Sum(sum)) => sum
            .data_points()
            .map(|point| Point {
                attributes: text(point.attributes()),
                count: point.value(),
                sum: point.value() as f64,
                bounds: Vec::new(),
            })
            .collect(),
        other => panic!("another kind of metric: {other:?}"),
    }
}

fn text<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for kv in attributes {
        let twice = map.insert(kv.key.to_string(), kv.value.as_str().into_owned());
        assert!(twice.is_none(), "{} is there twice", kv.key);
    }
    map
}

fn labels<const N: usize>(expected: [(&str, &str); N]) -> BTreeMap<String, String> {
    expected
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn harness(set: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder) -> (Harness, Meters) {
    let meters = Meters::new();
    let harness = Harness::with(|builder| set(builder.meter_provider(&meters.provider)));
    (harness, meters)
}

const DURATION: &str = "http.server.request.duration";
const ACTIVE: &str = "http.server.active_requests";
const REQUEST_SIZE: &str = "http.server.request.body.size";
const RESPONSE_SIZE: &str = "http.server.response.body.size";
const CALL: &str = "rpc.server.call.duration";
/// What `diagnosis` tests.
const CARRIERS: &str = "rum_trace.server.requests";

#[test]
fn a_request_as_the_conventions_want_it() {
    let (harness, meters) = harness(|builder| builder);
    let request = Request::new("POST", "/users/42")
        .route("/users/{id}")
        .header("content-length", "12")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM);
    let mut active = harness.instrumenter.start(&request);
    let active_now = meters.points(ACTIVE);
    assert_eq!(active_now[0].count, 1);
    assert_eq!(
        active_now[0].attributes,
        labels([("http.request.method", "POST"), ("url.scheme", "http")])
    );
    active.on_response(&201);
    active.on_frame(1000);
    active.on_frame(24);
    active.finish();

    let of_request = labels([
        ("http.request.method", "POST"),
        ("url.scheme", "http"),
        ("network.protocol.version", "1.1"),
        ("http.route", "/users/{id}"),
        ("http.response.status_code", "201"),
    ]);
    let duration = &meters.points(DURATION)[0];
    assert_eq!(duration.attributes, of_request, "no session, no user");
    assert_eq!(duration.count, 1);
    assert_eq!(
        duration.bounds,
        [
            0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0
        ]
    );
    for (name, bytes) in [(REQUEST_SIZE, 12.0), (RESPONSE_SIZE, 1024.0)] {
        let size = &meters.points(name)[0];
        assert_eq!((&size.attributes, size.sum), (&of_request, bytes), "{name}");
        assert_eq!(meters.unit(name), "By");
    }
    assert_eq!(meters.points(ACTIVE)[0].count, 0);
    assert_eq!(meters.unit(DURATION), "s");
    assert_eq!(meters.unit(ACTIVE), "{request}");
    assert!(meters.points(CALL).is_empty());
}

#[test]
fn every_end_takes_the_request_off_the_active_ones_once() {
    let (harness, meters) = harness(|builder| builder);
    let start = || harness.instrumenter.start(&Request::get("/"));
    drop(start());
    start().finish();
    for failure in [Failure::Handler, Failure::ResponseBody, Failure::Panic] {
        start().fail(failure);
    }
    let mut half_sent = start();
    half_sent.on_response(&200);
    drop(half_sent);
    let mut broken = start();
    broken.on_response(&503);
    broken.finish();
    let panicking = start();
    let outcome = catch_unwind(AssertUnwindSafe(move || {
        let _scope = panicking.scope();
        panic!("in the handler");
    }));
    assert!(outcome.is_err());

    assert_eq!(meters.points(ACTIVE)[0].count, 0);
    let mut errors: Vec<_> = meters
        .points(DURATION)
        .into_iter()
        .map(|mut point| (point.attributes.remove("error.type"), point.count))
        .collect();
    errors.sort();
    let expected = [
        (None, 1),
        (Some("503"), 1),
        (Some("client_disconnected"), 1),
        (Some("client_disconnected_in_body"), 1),
        (Some("handler_error"), 1),
        (Some("panic"), 2),
        (Some("response_body_error"), 1),
    ];
    let expected = expected.map(|(kind, count)| (kind.map(str::to_owned), count));
    assert_eq!(errors, expected);
}

#[test]
fn a_hook_that_panics_leaves_no_request_active() {
    let (harness, meters) = harness(|builder| builder.attributes(|_, _, _| panic!("in a hook")));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        harness.instrumenter.start(&Request::get("/")).finish();
    }));
    assert!(outcome.is_err());
    assert!(meters.points(ACTIVE).iter().all(|point| point.count == 0));
}

/// They are added up on our side once a reader has collected.
#[test]
fn the_active_requests_are_right_whenever_they_are_collected() {
    let (harness, meters) = harness(|builder| builder.known_method("PURGE"));
    let methods = ["GET", "PURGE", "BREW"].map(|method| Request::new(method, "/"));
    let start = || methods.each_ref().map(|of| harness.instrumenter.start(of));
    let before = start();
    assert_eq!(meters.active(), 3);
    let after = start();
    assert_eq!(meters.active(), 6);
    assert_eq!(meters.active(), 6, "collected again, not added again");
    drop(before);
    assert_eq!(meters.active(), 3);
    drop(after);
    drop(start());
    let mut points = meters.points(ACTIVE);
    points.sort_by(|a, b| a.attributes.cmp(&b.attributes));
    let series: Vec<_> = points.iter().map(|point| &point.attributes).collect();
    let expected = ["GET", "PURGE", "_OTHER"]
        .map(|method| labels([("http.request.method", method), ("url.scheme", "http")]));
    assert_eq!(series, expected.each_ref());
    assert!(points.iter().all(|point| point.count == 0), "{points:?}");
}

#[test]
fn a_request_that_came_and_went_between_two_collections_is_a_series() {
    let (harness, meters) = harness(|builder| builder);
    harness.serve(&Request::get("/"));
    assert_eq!(meters.points(ACTIVE).len(), 1);
    harness.serve(&Request::new("PUT", "/"));
    let counts: Vec<_> = meters.points(ACTIVE).iter().map(|at| at.count).collect();
    assert_eq!(counts, [0, 0]);
}

#[test]
fn the_active_requests_of_instrumenters_on_one_provider_add_up() {
    let meters = Meters::new();
    let harnesses = [(); 2].map(|()| Harness::with(|of| of.meter_provider(&meters.provider)));
    let start = || {
        harnesses
            .each_ref()
            .map(|of| of.instrumenter.start(&Request::get("/")))
    };
    let before = start();
    assert_eq!(meters.active(), 2);
    let after = start();
    assert_eq!(meters.active(), 4);
    drop((before, after));
    assert_eq!(meters.active(), 0);
}

#[test]
fn each_reader_of_a_provider_has_the_active_requests() {
    let exporters = [(); 2].map(|()| InMemoryMetricExporter::default());
    let [first, second] = exporters
        .each_ref()
        .map(|exporter| PeriodicReader::builder(exporter.clone()).build());
    let provider = SdkMeterProvider::builder()
        .with_reader(first)
        .with_reader(second)
        .build();
    let harness = Harness::with(|builder| builder.meter_provider(&provider));
    let mut active = Vec::new();
    for exporter in exporters {
        let meters = Meters {
            provider: provider.clone(),
            exporter,
        };
        active.push(harness.instrumenter.start(&Request::get("/")));
        assert_eq!(meters.active(), active.len() as i64);
    }
}

#[test]
fn the_active_requests_are_right_while_they_come_and_go() {
    let (harness, meters) = harness(|builder| builder);
    let serve = || {
        for _ in 0..500 {
            harness.instrumenter.start(&Request::get("/")).finish();
        }
    };
    std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(serve));
        while threads.iter().any(|thread| !thread.is_finished()) {
            let active = meters.active();
            assert!((0..=4).contains(&active), "{active}");
        }
    });
    assert_eq!(meters.active(), 0);
}

#[test]
fn what_the_sdk_calls_back_for_is_no_metric() {
    let (harness, meters) = harness(|builder| builder);
    for _ in 0..2 {
        let request = Request::new("POST", "/").header("content-length", "1");
        harness.serve(&request);
        let names = [ACTIVE, DURATION, REQUEST_SIZE, RESPONSE_SIZE, CARRIERS];
        assert_eq!(meters.names(), names.map(str::to_owned).into());
    }
}

#[test]
fn requests_without_a_sampled_span_are_measured_too() {
    let meters = Meters::new();
    let harness = Harness::sampling_with(Sampler::AlwaysOff, |builder| {
        builder.meter_provider(&meters.provider)
    });
    assert!(harness.serve_status(&Request::get("/"), 200).is_none());
    assert_eq!(meters.points(DURATION)[0].count, 1);
    assert_eq!(meters.points(ACTIVE)[0].count, 0);
}

#[test]
fn what_is_skipped_is_not_measured() {
    let (harness, meters) = harness(InstrumenterBuilder::skip_health_checks);
    harness.serve_status(&Request::get("/healthz"), 200);
    assert!(meters.points(DURATION).is_empty());
    assert!(meters.points(ACTIVE).is_empty());
}

#[test]
fn a_route_told_later_is_a_label() {
    let (harness, meters) = harness(|builder| builder);
    let mut active = harness.instrumenter.start(&Request::get("/users/1"));
    active.set_route("/users/{id}");
    active.on_response(&200);
    active.finish();
    assert_eq!(
        meters.points(DURATION)[0].attributes["http.route"],
        "/users/{id}"
    );
}

#[test]
fn a_body_whose_size_nobody_tells_has_none() {
    let (harness, meters) = harness(|builder| builder);
    for length in [None, Some("-1"), Some("many")] {
        let mut request = Request::new("POST", "/");
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        harness.serve_status(&request, 200);
    }
    assert!(meters.points(REQUEST_SIZE).is_empty());
    assert_eq!(meters.points(DURATION)[0].count, 3);
}

/// The length is the client's word; a sum of such would overflow.
#[test]
fn an_absurd_length_is_not_believed() {
    let (harness, meters) = harness(|builder| builder);
    for length in [
        "18446744073709551613",
        "18446744073709551615",
        "1099511627777",
    ] {
        let request = Request::new("POST", "/").header("content-length", length);
        harness.serve(&request);
    }
    assert!(meters.points(REQUEST_SIZE).is_empty());
    let request = Request::new("POST", "/").header("content-length", "1099511627776");
    harness.serve(&request);
    assert_eq!(meters.points(REQUEST_SIZE)[0].count, 1);
    assert_eq!(meters.points(ACTIVE)[0].count, 0);
}

#[test]
fn apps_are_labels_only_if_asked_for_and_only_so_many() {
    let (harness, meters) = harness(|builder| {
        builder
            .metric_label(MetricLabel::AppType)
            .metric_label(MetricLabel::AppId { at_most: 2 })
    });
    let rum = [
        "rum=v2&browser&first&s1&u1",
        "rum=v2&Android&second&s2&u2",
        "rum=v2&made-up&third&s3&u3",
        "rum=v2&browser&first&s4&u4",
        "rum=v2&undefined&undefined&s5&u5",
    ];
    for rum in rum {
        let request = Request::get("/")
            .header("traceparent", TRACEPARENT)
            .header("tracestate", rum);
        harness.serve(&request);
    }
    let mut found: Vec<_> = meters
        .points(DURATION)
        .into_iter()
        .map(|point| {
            let label = |name| point.attributes.get(name).cloned().unwrap_or_default();
            (label("rum.app.type"), label("rum.app.id"), point.count)
        })
        .collect();
    found.sort();
    let expected = [
        ("", "", 1),
        ("_OTHER", "_OTHER", 1),
        ("android", "second", 1),
        ("browser", "first", 2),
    ];
    let expected = expected.map(|(kind, id, count)| (kind.to_owned(), id.to_owned(), count));
    assert_eq!(found, expected);
}

#[test]
fn an_app_that_is_not_trusted_takes_no_label() {
    let (harness, meters) = harness(|builder| {
        builder
            .metric_label(MetricLabel::AppId { at_most: 1 })
            .trust(TrustPolicy::known_apps(["known"]))
    });
    for app in ["stranger", "known", "stranger"] {
        let request = Request::get("/")
            .header("traceparent", TRACEPARENT)
            .header("tracestate", format!("rum=v2&browser&{app}&s1&u1"));
        harness.serve(&request);
    }
    let points = meters.points(DURATION).into_iter();
    let mut found: Vec<_> = points
        .map(|point| (point.attributes["rum.app.id"].clone(), point.count))
        .collect();
    found.sort();
    assert_eq!(found, [("_OTHER".to_owned(), 2), ("known".to_owned(), 1)]);
}

#[test]
fn ten_thousand_sessions_are_one_time_series() {
    let (harness, meters) = harness(|builder| builder.metric_label(MetricLabel::AppType));
    for i in 0..10_000 {
        let request = Request::get("/").header("traceparent", TRACEPARENT).header(
            "tracestate",
            format!("rum=v2&browser&app&session{i}&user{i}"),
        );
        harness.serve(&request);
    }
    let points = meters.points(DURATION);
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].count, 10_000);
}

fn call(method: &str, status: &str) -> BTreeMap<String, String> {
    labels([
        ("rpc.system.name", "grpc"),
        ("rpc.method", method),
        ("rpc.response.status_code", status),
    ])
}

fn failed(method: &str, status: &str) -> BTreeMap<String, String> {
    let mut labels = call(method, status);
    labels.insert("error.type".to_owned(), status.to_owned());
    labels
}

#[test]
fn a_grpc_call_has_a_metric_of_its_own_beside() {
    let (harness, meters) = harness(|builder| builder.rpc_method("shop.v1.Shop/GetItem"));
    for (path, status) in [
        ("/shop.v1.Shop/GetItem", "5"),
        ("/shop.v1.Shop/GetItem", "13"),
        ("/made.Up/Method", "12"),
    ] {
        let request = Request::new("POST", path).header("content-type", "application/grpc");
        let mut active = harness.instrumenter.start(&request);
        active.on_response(&200);
        active.on_trailers(|name| (name == "grpc-status").then_some(status.as_bytes()));
        active.finish();
        harness.take_span();
    }
    let mut found: Vec<_> = meters
        .points(CALL)
        .into_iter()
        .map(|point| point.attributes)
        .collect();
    found.sort();
    let mut expected = [
        call("shop.v1.Shop/GetItem", "NOT_FOUND"),
        failed("shop.v1.Shop/GetItem", "INTERNAL"),
        failed("_OTHER", "UNIMPLEMENTED"),
    ];
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(meters.unit(CALL), "s");
    assert_eq!(meters.points(ACTIVE)[0].count, 0);
}

fn ask(harness: &Harness, authority: &str, end: impl FnOnce(rum_trace_core::ActiveCall)) {
    let mut request = Request::new("POST", "/shop.Stock/Get");
    request.authority = Some(authority.to_owned());
    request.scheme = Some("http".to_owned());
    end(harness
        .instrumenter
        .start_call(&request, &opentelemetry::Context::new()));
}

#[test]
fn calls_to_others_as_the_conventions_want_them() {
    const CLIENT: &str = "http.client.request.duration";
    let (harness, meters) = harness(|builder| builder);
    for (authority, status) in [("Cart:81", 200), ("cart.:81", 200), ("[::1]", 503)] {
        ask(&harness, authority, |mut call| {
            call.on_response(&status);
            call.finish();
        });
    }
    ask(&harness, "cart:81", |call| {
        call.fail(rum_trace_core::CallFailure::Timeout);
    });
    let mut found: Vec<_> = meters
        .points(CLIENT)
        .into_iter()
        .map(|point| (point.attributes, point.count))
        .collect();
    found.sort();
    let method = ("http.request.method", "POST");
    let cart = [method, ("server.address", "cart"), ("server.port", "81")];
    let with = |further: &[(&str, &str)], server: &[(&str, &str)]| -> BTreeMap<_, _> {
        let all = server.iter().chain(further);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let other = [method, ("server.address", "::1"), ("server.port", "80")];
    let failed = [("error.type", "503"), ("http.response.status_code", "503")];
    let mut expected = vec![
        (with(&[("http.response.status_code", "200")], &cart), 2),
        (with(&failed, &other), 1),
        (with(&[("error.type", "timeout")], &cart), 1),
    ];
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(meters.unit(CLIENT), "s");
    assert!(meters.points(DURATION).is_empty() && meters.points(CALL).is_empty());
}

#[test]
fn a_grpc_call_to_others_that_is_refused_is_no_error_of_https() {
    let (harness, meters) = harness(|builder| builder);
    let mut request = Request::new("POST", "/shop.Stock/Get").route("/shop.Stock/Get");
    request.authority = Some("stock:50051".to_owned());
    let request = request.header("content-type", "application/grpc");
    let mut call = harness
        .instrumenter
        .start_call(&request, &opentelemetry::Context::new());
    call.on_response(&200);
    call.on_trailers(|_| Some(b"5"));
    call.finish();
    let http = &meters.points("http.client.request.duration")[0];
    assert_eq!(http.attributes.get("error.type"), None);
    let rpc = &meters.points("rpc.client.call.duration")[0];
    let expected = labels([
        ("error.type", "NOT_FOUND"),
        ("rpc.method", "shop.Stock/Get"),
        ("rpc.response.status_code", "NOT_FOUND"),
        ("rpc.system.name", "grpc"),
        ("server.address", "stock"),
        ("server.port", "50051"),
    ]);
    assert_eq!(rpc.attributes, expected);
}

#[test]
fn only_so_many_servers_are_labels() {
    let (harness, meters) = harness(|builder| builder);
    for port in 1..=1_500 {
        ask(&harness, &format!("host:{port}"), |mut call| {
            call.on_response(&200);
            call.finish();
        });
    }
    let points = meters.points("http.client.request.duration");
    let other = |point: &&Point| point.attributes["server.address"] == "_OTHER";
    assert_eq!(points.len(), 1_001);
    assert_eq!(points.iter().find(other).expect("the rest").count, 500);
}

#[test]
fn without_a_provider_the_global_one_is_left_alone() {
    let meters = Meters::new();
    opentelemetry::global::set_meter_provider(meters.provider.clone());
    Harness::new().serve(&Request::get("/"));
    assert!(meters.points(DURATION).is_empty());
    // Asked for, it is found at the first request.
    Harness::with(InstrumenterBuilder::global_meter_provider).serve(&Request::get("/"));
    assert_eq!(meters.points(DURATION)[0].count, 1);
}
