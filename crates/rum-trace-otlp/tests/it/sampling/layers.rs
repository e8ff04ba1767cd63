//! The sampler, asked by a layer: what its spans and the next service are told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, Span, SpanData, SpanProcessor};
use rum_trace_core::tracer::RequestWithoutSpan;
use rum_trace_core::{Injection, Instrumenter, RequestInfo};
use rum_trace_otlp::Pipeline;
use rum_trace_otlp::sampling::{
    Keep, Rule, RuleDecision, Rules, SessionSampler, SessionSamplerBuilder,
};

use crate::support::builder;

const RUM: &str = "rum=v2&browser&demo@1&4f04d2f5&uid_1";

struct Request(
    &'static str,
    Vec<(&'static str, String)>,
    Option<SocketAddr>,
);

impl Request {
    fn of_caller(flags: &str, list: &str) -> Self {
        let parent = format!("00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-{flags}");
        Request(
            "/items/42",
            vec![("traceparent", parent), ("tracestate", list.to_owned())],
            None,
        )
    }
}

impl RequestInfo for Request {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        self.0
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.2
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in &self.1 {
            visit(name, value.as_bytes());
        }
    }
}

struct Service {
    pipeline: Pipeline,
    exporter: InMemorySpanExporter,
    instrumenter: Instrumenter,
}

impl Service {
    /// With another span processor SERVER spans are the SDK's own.
    fn new(sampler: SessionSamplerBuilder, another: bool) -> Self {
        let exporter = InMemorySpanExporter::default();
        let sampler = sampler.build().unwrap();
        let pipeline = builder().span_exporter(exporter.clone()).sampler(sampler);
        let pipeline = match another {
            true => pipeline.span_processor(Onlooker),
            false => pipeline,
        };
        let pipeline = pipeline.build().unwrap();
        let instrumenter = Instrumenter::builder().span_starter(pipeline.span_starter());
        Service {
            instrumenter: instrumenter.skip("/skipped").build().unwrap(),
            pipeline,
            exporter,
        }
    }

    /// The list that the next service gets.
    fn serve(&self, request: &Request, status: u16) -> String {
        let mut active = self.instrumenter.start(request);
        let mut headers = HashMap::new();
        Injection::to_own_service().inject(active.context(), &mut headers);
        active.on_response(&status);
        active.finish();
        headers.remove("tracestate").unwrap_or_default()
    }

    /// Those of the spans that were exported.
    fn lists(&self) -> Vec<String> {
        self.pipeline.flush().unwrap();
        let spans = self.exporter.get_finished_spans().unwrap().into_iter();
        spans
            .map(|span| span.span_context.trace_state().header())
            .collect()
    }

    /// That of the one span.
    fn list(&self) -> String {
        let [list] = self.lists().try_into().unwrap();
        list
    }
}

/// However its spans are started.
fn all(sampler: impl Fn() -> SessionSamplerBuilder) -> [Service; 2] {
    [false, true].map(|another| Service::new(sampler(), another))
}

#[derive(Debug)]
struct Onlooker;

impl SpanProcessor for Onlooker {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Each call of a handler is then a span that no span of ours is above.
#[test]
fn the_cap_holds_in_requests_without_a_span() {
    let parent = "00-f1b2e75f6c574672afb1e12a6a6fc0dd-ecb5e66ba09a2fd3-01".to_owned();
    let headers = [vec![], vec![("traceparent", parent)]];
    for headers in headers {
        for service in all(|| SessionSampler::builder().at_most(1)) {
            let tracer = service.pipeline.tracer_provider().tracer("handlers");
            let request = Request("/skipped", headers.clone(), None);
            for _ in 0..50 {
                let active = service.instrumenter.start(&request);
                let _scope = active.scope();
                tracer.start("step").end();
                let call = Request("/stock", Vec::new(), None);
                drop(service.instrumenter.start_call(&call, active.context()));
            }
            assert!(service.lists().len() < 50);
            // A job of one's own is nobody's request.
            for _ in 0..50 {
                tracer.start("job").end();
            }
            assert!(service.lists().len() >= 50);
        }
    }
}

/// The decision is made once, also where the request has no span.
#[test]
fn a_trusted_caller_has_decided_for_a_skipped_request_too() {
    let mut request = Request::of_caller("01", "a=1");
    request.0 = "/skipped";
    for (caller, spans) in [("10.1.2.3:4", 1), ("192.0.2.1:4", 0)] {
        request.2 = Some(caller.parse().unwrap());
        let none = || SessionSampler::builder().by_session(0.0);
        for service in all(|| none().trusted_callers(["10.0.0.0/8"])) {
            let tracer = service.pipeline.tracer_provider().tracer("handlers");
            let active = service.instrumenter.start(&request);
            tracer.start_with_context("step", active.context()).end();
            assert_eq!(service.lists().len(), spans, "{caller}");
        }
    }
}

/// What was said of the caller's decision is not said of another one, to nobody.
#[test]
fn a_threshold_that_does_not_hold_is_not_told() {
    let out = Rules::new([Rule::new(RuleDecision::Out)]);
    let by_rule = || SessionSampler::builder().rules(out.clone());
    let lists = [
        format!("ot=th:4,{RUM}"),
        "ot=th:4".to_owned(),
        "ot=th:4,a=1".to_owned(),
    ];
    for list in lists {
        for service in all(by_rule) {
            let told = service.serve(&Request::of_caller("01", &list), 200);
            assert!(!told.contains("th:"), "{list}: {told}");
        }
    }
}

/// Nobody knows how likely it was to be kept.
#[test]
fn one_that_is_kept_alone_stands_for_itself() {
    for service in all(|| SessionSampler::builder().keep(Keep::new().errors())) {
        let told = service.serve(&Request::of_caller("00", "ot=th:4,a=1"), 500);
        assert_eq!((&*told, &*service.list()), ("a=1", "a=1"));
    }
}

/// What says nothing of a threshold stays as it came, and where.
#[test]
fn a_list_without_a_threshold_is_left_alone() {
    for service in all(|| SessionSampler::builder().keep(Keep::new().errors())) {
        let came = "a=1,ot=rv:30000000000000";
        let told = service.serve(&Request::of_caller("00", came), 500);
        assert_eq!((&*told, &*service.list()), (came, came));
    }
}

/// A health check has nothing made for a sampler that will not look.
#[test]
fn who_asks_of_skipped_requests() {
    let sdks = builder().sampler(Sampler::AlwaysOn);
    let own = builder().sampler(SessionSampler::builder().build().unwrap());
    for (pipeline, asks) in [(sdks, false), (own, true)] {
        let exporter = InMemorySpanExporter::default();
        let pipeline = pipeline.span_exporter(exporter).build().unwrap();
        let instrumenter = Instrumenter::builder().span_starter(pipeline.span_starter());
        let instrumenter = instrumenter.skip("/skipped").build().unwrap();
        let active = instrumenter.start(&Request("/skipped", Vec::new(), None));
        let there = RequestWithoutSpan::in_context(active.context()).is_some();
        assert_eq!(there, asks, "{pipeline:?}");
    }
}

/// The trace id's last 56 bits are below the second of these thresholds.
#[test]
fn a_callers_threshold_is_told_if_it_can_be() {
    let table = [
        ("ot=th:4,a=1", "ot=th:4,a=1"),
        ("ot=th:f,a=1", "a=1"),
        ("ot=th:f;rv:f0000000000000", "ot=th:f;rv:f0000000000000"),
        ("ot=th:4;rv:30000000000000", "ot=rv:30000000000000"),
    ];
    for (came, expected) in table {
        for service in all(SessionSampler::builder) {
            let told = service.serve(&Request::of_caller("01", came), 200);
            assert_eq!((&*told, &*service.list()), (expected, expected), "{came}");
        }
    }
}

/// Where no session is told the randomness that came in decides, which may be one's.
#[test]
fn the_randomness_that_came_in_goes_before_the_trace_id() {
    let table = [
        ("ot=rv:fe000000000000", Some("ot=th:c;rv:fe000000000000")),
        ("ot=rv:01000000000000", None),
        (
            "ot=th:8;rv:fe000000000000;x:1",
            Some("ot=th:c;rv:fe000000000000;x:1"),
        ),
        ("ot=rv:fe", None),
    ];
    for (came, expected) in table {
        for service in all(|| SessionSampler::builder().by_session(0.25)) {
            service.serve(&Request::of_caller("00", came), 200);
            let lists = service.lists();
            assert_eq!(lists.first().map(String::as_str), expected, "{came}");
        }
    }
}
