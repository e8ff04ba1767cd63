//! The SERVER span: its name, its attributes, its end.

mod support;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use opentelemetry::trace::{Link, SpanKind, Status, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use rum_trace_core::{
    BuildError, Carrier, Failure, Injection, Instrumenter, InstrumenterBuilder, MetricLabel,
};
use support::*;

#[test]
fn a_request_as_the_conventions_want_it() {
    let harness = Harness::new();
    let request = Request::get("/users/42?full=1&sig=secret")
        .route("/users/{id}")
        .peer("[::ffff:192.0.2.7]:50123")
        .header("Host", "shop.example.com:8443")
        .header("User-Agent", "Shop/5.0.1 (Android 14)")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM);
    let span = harness.serve(&request);
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.status, Status::Unset);
    let mut found = attributes(&span);
    let first_byte = found.remove("rum.response.time_to_first_byte");
    let seconds: f64 = first_byte.expect("it").parse().expect("a number");
    assert!(seconds >= 0.0);
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort();
    let expected = [
        ("client.address", "192.0.2.7"),
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/users/{id}"),
        ("network.peer.address", "192.0.2.7"),
        ("network.peer.port", "50123"),
        ("network.protocol.version", "1.1"),
        ("rum.app.id", "demo123@53df7ad2afe8301"),
        ("rum.app.type", "browser"),
        ("rum.version", "v2"),
        ("server.address", "shop.example.com"),
        ("server.port", "8443"),
        ("session.id", "4f04d2f5"),
        ("url.path", "/users/42"),
        ("url.query", "full=1&sig=REDACTED"),
        ("url.scheme", "http"),
        ("user.id", "uid_1"),
        ("user_agent.original", "Shop/5.0.1 (Android 14)"),
    ];
    assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(
        span.span_context.trace_state().get("rum"),
        RUM.strip_prefix("rum=")
    );
}

#[test]
fn the_scope_names_the_library() {
    let span = Harness::new().serve(&Request::get("/"));
    let scope = &span.instrumentation_scope;
    assert_eq!(scope.name(), "rum-trace");
    assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
    assert!(scope.schema_url().is_some());
}

#[test]
fn sw8_stays_sw8() {
    let endpoint = "aHR0cHM6Ly91OnBAaC9wP3NpZz1hJmI9MQ=="; // https://u:p@h/p?sig=a&b=1
    let sw8 = format!("1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW5zdGFuY2U=-{endpoint}-aA==");
    let span = Harness::new().serve(&Request::get("/").header("sw8", sw8));
    let attributes = attributes(&span);
    let table = [
        ("sw8.trace_id", "3.4.5"),
        ("sw8.parent_segment_id", "1.2.3"),
        ("sw8.parent_span_id", "4"),
        ("sw8.parent_service", "service"),
        ("sw8.parent_service_instance", "instance"),
        (
            "sw8.parent_endpoint",
            "https://REDACTED:REDACTED@h/p?sig=REDACTED&b=1",
        ),
        ("sw8.peer", "h"),
    ];
    for (name, value) in table {
        assert_eq!(attributes[name], value);
    }
    assert!(!attributes.contains_key("session.id"));
}

#[test]
fn names_and_methods() {
    let harness = Harness::with(|b| b.known_method("PURGE"));
    let table = [
        ("GET", Some("/a/{b}"), "GET /a/{b}", "GET", None),
        ("GET", None, "GET", "GET", None),
        ("PURGE", None, "PURGE", "PURGE", None),
        ("BREW", Some("/pot"), "HTTP /pot", "_OTHER", Some("BREW")),
        ("get", None, "HTTP", "_OTHER", Some("get")),
    ];
    for (method, route, name, value, original) in table {
        let mut request = Request::new(method, "/a/1");
        request.route = route.map(str::to_owned);
        let span = harness.serve(&request);
        let attributes = attributes(&span);
        assert_eq!(span.name, name);
        assert_eq!(attributes["http.request.method"], value);
        let found = attributes
            .get("http.request.method_original")
            .map(String::as_str);
        assert_eq!(found, original, "{method}");
        assert_eq!(attributes.get("http.route").map(String::as_str), route);
    }
}

#[test]
fn a_route_told_later_names_the_span() {
    let harness = Harness::new();
    let mut active = harness.instrumenter.start(&Request::get("/users/42"));
    active.set_route("/users/{id}");
    active.finish();
    let span = harness.take_span().expect("a span");
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(attributes(&span)["http.route"], "/users/{id}");
}

#[test]
fn a_route_is_wanted_where_somebody_is_told_of_it() {
    let wants = |harness: &Harness, request: &Request| {
        let active = harness.instrumenter.start(request);
        let wants = active.wants_route();
        active.finish();
        wants
    };
    let get = Request::get("/users/42");
    let call = Request::new("POST", "/shop.Cart/Add").header("content-type", "application/grpc");
    let sampled = Harness::new();
    assert!(wants(&sampled, &get));
    assert!(!wants(&sampled, &call));
    let unsampled = Harness::sampling(Sampler::AlwaysOff);
    assert!(!wants(&unsampled, &get));
    let meters = SdkMeterProvider::builder()
        .with_periodic_exporter(InMemoryMetricExporter::default())
        .build();
    let measured = Harness::sampling_with(Sampler::AlwaysOff, |b| b.meter_provider(&meters));
    assert!(wants(&measured, &get));
}

#[test]
fn a_host_is_told_the_same_each_time() {
    let table: [(&[u8], Option<&str>, Option<&str>); 7] = [
        (b"shop.example:8443", Some("shop.example"), Some("8443")),
        (b"shop.example", Some("shop.example"), None),
        (b"[2001:db8::1]:80", Some("2001:db8::1"), Some("80")),
        (
            b"user:secret@shop.example:1",
            Some("shop.example"),
            Some("1"),
        ),
        (b"shop\x07.example", Some("shop.example"), None),
        (b":80", None, None),
        (b"shop\xff.example:1", None, None),
    ];
    let harness = Harness::new();
    for (host, address, port) in table.iter().chain(&table) {
        let span = harness.serve(&Request::get("/").header("host", host));
        let attributes = attributes(&span);
        let text = |name| attributes.get(name).map(String::as_str);
        let told = (text("server.address"), text("server.port"));
        assert_eq!(told, (*address, *port), "{}", host.escape_ascii());
    }
}

#[test]
fn the_authority_goes_before_the_host_header() {
    let mut request = Request::get("/").header("host", "inner:1");
    request.authority = Some("outer.example:443".to_owned());
    request.scheme = Some("https".to_owned());
    let span = Harness::new().serve(&request);
    let attributes = attributes(&span);
    assert_eq!(attributes["server.address"], "outer.example");
    assert_eq!(attributes["server.port"], "443");
    assert_eq!(attributes["url.scheme"], "https");
}

#[test]
fn the_scheme_of_a_service_behind_a_proxy() {
    let harness = Harness::with(|b| b.scheme("https"));
    assert_eq!(
        attributes(&harness.serve(&Request::get("/")))["url.scheme"],
        "https"
    );
}

#[test]
fn statuses() {
    let table = [
        (200, Status::Unset, None),
        (302, Status::Unset, None),
        (404, Status::Unset, None),
        (499, Status::Unset, None),
        (500, Status::error(""), Some("500")),
        (503, Status::error(""), Some("503")),
        (599, Status::error(""), Some("599")),
    ];
    for (status, expected, error_type) in table {
        let span = Harness::new()
            .serve_status(&Request::get("/"), status)
            .expect("a span");
        let attributes = attributes(&span);
        assert_eq!(span.status, expected, "{status}");
        assert_eq!(attributes["http.response.status_code"], status.to_string());
        assert_eq!(
            attributes.get("error.type").map(String::as_str),
            error_type,
            "{status}"
        );
    }
}

#[test]
fn an_interim_response_is_not_the_response() {
    let harness = Harness::new();
    let mut active = harness.instrumenter.start(&Request::get("/"));
    active.on_response(&103);
    active.on_response(&204);
    active.finish();
    let span = harness.take_span().expect("a span");
    assert_eq!(attributes(&span)["http.response.status_code"], "204");
}

#[test]
fn each_end_that_is_no_completion_is_told_apart() {
    let harness = Harness::new();
    let end = |how: &dyn Fn()| {
        how();
        let span = harness.take_span().expect("a span");
        assert_eq!(span.status, Status::error(""));
        attributes(&span)["error.type"].clone()
    };
    let start = || harness.instrumenter.start(&Request::get("/"));
    assert_eq!(end(&|| drop(start())), "client_disconnected");
    assert_eq!(end(&|| start().fail(Failure::Handler)), "handler_error");
    assert_eq!(
        end(&|| start().fail(Failure::ResponseBody)),
        "response_body_error"
    );
    let panicking = || {
        let active = start();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let _scope = active.scope();
            panic!("in the handler");
        }));
        assert!(outcome.is_err());
    };
    assert_eq!(end(&panicking), "panic");
    let outside = || {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let _active = start();
            panic!("in a layer around it");
        }));
        assert!(outcome.is_err());
    };
    assert_eq!(end(&outside), "panic");
    let half_sent = || {
        let mut active = start();
        active.on_response(&200);
        drop(active);
    };
    assert_eq!(end(&half_sent), "client_disconnected_in_body");
    // A success status does not hide a body that failed.
    let failed_body = || {
        let mut active = start();
        active.on_response(&200);
        active.fail(Failure::ResponseBody);
    };
    assert_eq!(end(&failed_body), "response_body_error");
}

#[test]
fn the_filter_keeps_the_span_away_and_the_trace_going() {
    let harness = Harness::with(|b| b.filter(|request| request.path() != "/healthz"));
    let request = Request::get("/healthz").header("traceparent", TRACEPARENT);
    let active = harness.instrumenter.start(&request);
    assert_eq!(
        active.span_context().span_id().to_string(),
        SPAN,
        "the caller's own"
    );
    active.finish();
    assert!(harness.take_span().is_none());
    harness.serve(&Request::get("/other"));
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.filtered, stats.requests()), (1, 2));
}

#[test]
fn skipped_paths_get_no_span_and_the_trace_goes_on() {
    let harness = Harness::with(|b| b.skip_health_checks().skip("/internal/*"));
    for path in ["/healthz", "/internal/jobs"] {
        let request = Request::get(path)
            .header("traceparent", TRACEPARENT)
            .header("tracestate", RUM);
        let active = harness.instrumenter.start(&request);
        let mut headers = HashMap::new();
        Injection::to_own_service().inject(active.context(), &mut headers);
        assert_eq!(headers["traceparent"], TRACEPARENT, "the caller's own");
        assert_eq!(headers["tracestate"], RUM);
        active.finish();
        assert!(harness.take_span().is_none());
    }
    assert_eq!(harness.instrumenter.stats().filtered, 2);
}

#[test]
fn hooks_name_and_describe() {
    let harness = Harness::with(|b| {
        b.span_name(|request| (request.path() == "/rpc").then(|| "call".to_owned()))
            .attributes(|request, rum, attributes| {
                attributes.push(KeyValue::new(
                    "shop.path_length",
                    request.path().len() as i64,
                ));
                attributes.push(KeyValue::new("shop.known_user", rum.user_id().is_some()));
            })
    });
    let mut active = harness
        .instrumenter
        .start(&Request::get("/rpc").header("tracestate", RUM));
    active.set_route("/rpc");
    active.finish();
    let span = harness.take_span().expect("a span");
    assert_eq!(
        span.name, "call",
        "a route told later does not take the name away"
    );
    let found = attributes(&span);
    assert_eq!(
        (&*found["shop.path_length"], &*found["shop.known_user"]),
        ("4", "true")
    );
    assert_eq!(harness.serve(&Request::get("/")).name, "GET");
}

#[test]
fn listed_headers_are_captured_line_by_line() {
    let harness = Harness::with(|b| {
        b.capture_request_header("X-Tenant")
            .capture_request_header("x-absent")
            .capture_sensitive_request_header("cookie")
    });
    let request = Request::get("/")
        .header("x-tenant", "a")
        .header("X-TENANT", b"caf\xe9")
        .header("cookie", "k=v")
        .header("authorization", "Bearer secret");
    let found = attributes(&harness.serve(&request));
    assert_eq!(
        found["http.request.header.x-tenant"],
        "[\"a\",\"caf\u{fffd}\"]"
    );
    assert_eq!(found["http.request.header.cookie"], "[\"k=v\"]");
    assert!(
        !found
            .keys()
            .any(|key| key.contains("absent") || key.contains("authorization"))
    );
}

#[test]
fn bad_settings_are_told_at_build_time() {
    for name in [
        "authorization",
        "Cookie",
        "set-cookie",
        "tracestate",
        "baggage",
        "x-api-key",
    ] {
        let error = Instrumenter::builder()
            .capture_request_header(name)
            .build()
            .unwrap_err();
        assert_eq!(
            error,
            BuildError::SensitiveHeader {
                name: name.to_lowercase()
            }
        );
        assert!(
            Instrumenter::builder()
                .capture_response_header(name)
                .build()
                .is_err()
        );
        assert!(
            Instrumenter::builder()
                .capture_sensitive_request_header(name)
                .build()
                .is_ok()
        );
    }
    let table: [(fn(InstrumenterBuilder) -> InstrumenterBuilder, &str); 12] = [
        (
            |b| b.capture_request_header("cookie"),
            "capture_sensitive_request_header",
        ),
        (|b| b.capture_request_header("a b"), "RFC 9110"),
        (|b| b.scheme("ftp"), "\"http\" and \"https\""),
        (|b| b.known_method("A B"), "RFC 9110"),
        (|b| b.carriers([Carrier::W3c, Carrier::W3c]), "named twice"),
        (|b| b.carriers([Carrier::Propagator]), "fallback_propagator"),
        (|b| b.skip("healthz"), "as \"/healthz\""),
        (|b| b.skip("/a/*/b"), "there is filter"),
        (
            |b| b.metric_label(MetricLabel::AppId { at_most: 0 }),
            "choose 1 to 10000",
        ),
        (
            |b| b.metric_label(MetricLabel::AppId { at_most: 10_001 }),
            "choose 1 to 10000",
        ),
        (|b| b.rpc_method("/a.B/C"), "package.Service/Method"),
        (|b| b.rpc_method("GetItem"), "package.Service/Method"),
    ];
    for (set, hint) in table {
        let error = set(Instrumenter::builder())
            .build()
            .expect_err("refused")
            .to_string();
        assert!(error.contains(hint), "{error}");
    }
}

/// Remembers what the sampler is shown, and says no.
#[derive(Clone, Debug, Default)]
struct Witness(Arc<Mutex<Vec<KeyValue>>>);

impl ShouldSample for Witness {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        _trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(attributes);
        SamplingResult {
            decision: SamplingDecision::Drop,
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

#[test]
fn attributes_are_there_for_the_sampler() {
    let witness = Witness::default();
    let harness = Harness::sampling(witness.clone());
    let request = Request::get("/a?b=1")
        .peer("192.0.2.7:1")
        .header("host", "h:1")
        .header("user-agent", "ua")
        .header("tracestate", RUM);
    assert!(harness.serve_status(&request, 200).is_none(), "not sampled");
    let shown = witness.0.lock().expect("not poisoned");
    let shown: Vec<&str> = shown.iter().map(|kv| kv.key.as_str()).collect();
    for name in [
        "http.request.method",
        "url.path",
        "url.query",
        "url.scheme",
        "server.address",
        "server.port",
        "client.address",
        "user_agent.original",
        "session.id",
    ] {
        assert!(shown.contains(&name), "{name} in {shown:?}");
    }
}

#[test]
fn what_a_client_sends_is_kept_within_limits_and_counted() {
    let harness = Harness::with(|b| b.capture_request_header("x-long"));
    let long = "x".repeat(300_000);
    let mut request = Request::get(&format!("/{long}?{long}"))
        .header("user-agent", &long)
        .header("host", &long);
    for _ in 0..40 {
        request = request.header("x-long", &long);
    }
    request.method = long.clone();
    let span = harness.serve(&request);
    let found = attributes(&span);
    for name in [
        "http.request.method_original",
        "url.path",
        "url.query",
        "user_agent.original",
        "server.address",
    ] {
        assert_eq!(found[name].len(), 4096, "{name}");
    }
    assert!(found["http.request.header.x-long"].len() < 33 * 4100);
    let cut = 5 + 32 + 8; // the texts, the lines kept, the lines left out
    assert_eq!(harness.instrumenter.stats().over_limit, cut);
}
