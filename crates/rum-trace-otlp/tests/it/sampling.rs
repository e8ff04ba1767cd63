//! The sampler that knows sessions, where no request of a layer's is.

use opentelemetry::trace::Tracer as _;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, SamplingDecision, SamplingResult, ShouldSample,
};
use rum_trace_otlp::sampling::{
    Condition, Keep, Reason, Rule, RuleDecision, Rules, SamplingError, SessionSampler,
};

use crate::support::builder;

mod layers;

/// A trace id that a ratio below a half leaves out, and one that it takes.
const LOW: u128 = 0x0af7_6519_16cd_43dd_8400_0000_0000_0001;
const HIGH: u128 = 0x0af7_6519_16cd_43dd_84ff_ffff_ffff_ffff;

fn caller(id: u128, is_sampled: bool, is_remote: bool, list: &[(&str, &str)]) -> Context {
    let flags = TraceFlags::default().with_sampled(is_sampled);
    let list = TraceState::from_key_value(list.iter().copied()).unwrap();
    let span = SpanContext::new(id.into(), SpanId::from(7), flags, is_remote, list);
    Context::new().with_remote_span_context(span)
}

fn ask(sampler: &SessionSampler, cx: &Context, id: u128, kind: &SpanKind) -> SamplingResult {
    let attributes = [
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("url.path", "/items"),
        KeyValue::new("client.address", "10.1.2.3"),
    ];
    sampler.should_sample(Some(cx), TraceId::from(id), "GET", kind, &attributes, &[])
}

fn is_sampled(sampler: &SessionSampler, cx: &Context, id: u128, kind: &SpanKind) -> bool {
    ask(sampler, cx, id, kind).decision == SamplingDecision::RecordAndSample
}

#[test]
fn what_cannot_be_used_is_an_error_that_says_what_to_write() {
    let table = [
        (
            SessionSampler::builder().by_session(1.5),
            "by_session is 1.5",
        ),
        (SessionSampler::builder().roots(f64::NAN), "roots is NaN"),
        (SessionSampler::builder().at_most(0), "at_most is 0"),
        (
            SessionSampler::builder().at_most_per_app(0),
            "at_most_per_app is 0",
        ),
        (SessionSampler::builder().keep(Keep::new()), "Keep::errors"),
        (
            SessionSampler::builder().keep(Keep::new().errors().at_most(0)),
            "Keep::at_most is 0",
        ),
        (
            SessionSampler::builder().trusted_callers(["10.0.0.7/8"]),
            "10.0.0.7/8",
        ),
        (
            SessionSampler::builder().rules_file("no/such/rules.toml"),
            "no/such/rules.toml",
        ),
    ];
    for (builder, says) in table {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let error = SessionSampler::builder().roots(-1.0).build().unwrap_err();
    assert!(matches!(error, SamplingError::InvalidRatio { .. }));
}

/// A pipeline's builder prints its sampler.
#[test]
fn debug_shows_no_ids() {
    let mut rule = Rule::new(RuleDecision::In);
    rule.user = Condition::any_of(["uid_4711"]);
    let sampler_builder = SessionSampler::builder().rules(Rules::new([rule]));
    let shown_builder = format!("{sampler_builder:?}");
    let sampler = sampler_builder.build().unwrap();
    let handle = sampler.handle();
    let shown = [
        shown_builder,
        format!("{sampler:?}"),
        format!("{handle:?}"),
        format!("{:?}", builder().sampler(sampler)),
    ];
    for text in shown {
        assert!(
            text.contains("rules: 1") && !text.contains("4711"),
            "{text}"
        );
    }
}

#[test]
fn nothing_said_it_is_parent_based() {
    let sampler = SessionSampler::builder().build().unwrap();
    for flag in [true, false] {
        let cx = caller(LOW, flag, true, &[]);
        assert_eq!(is_sampled(&sampler, &cx, LOW, &SpanKind::Server), flag);
    }
    assert!(is_sampled(
        &sampler,
        &Context::new(),
        LOW,
        &SpanKind::Server
    ));
    let stats = sampler.handle().stats();
    let numbers = (
        stats.sampled(Reason::Parent),
        stats.dropped(Reason::Parent),
        stats.sampled(Reason::TraceId),
    );
    assert_eq!((numbers, stats.decisions()), ((1, 1, 1), 3));
}

/// A span in the process follows its parent, whatever is set, and is not counted.
#[test]
fn children_follow() {
    let rules = Rules::new([Rule::new(RuleDecision::Out)]);
    let sampler = SessionSampler::builder().rules(rules).by_session(0.0);
    let sampler = sampler.build().unwrap();
    for flag in [true, false] {
        let cx = caller(LOW, flag, false, &[("a", "1")]);
        let result = ask(&sampler, &cx, LOW, &SpanKind::Internal);
        let sampled = result.decision == SamplingDecision::RecordAndSample;
        assert_eq!((sampled, &*result.trace_state.header()), (flag, "a=1"));
        assert!(result.attributes.is_empty());
    }
    assert_eq!(sampler.handle().stats().decisions(), 0);
}

#[test]
fn messages_and_trusted_callers_have_decided() {
    let sampler = SessionSampler::builder().by_session(0.0).build().unwrap();
    let trusting = SessionSampler::builder().by_session(0.0);
    let trusting = trusting.trusted_callers(["10.0.0.0/8"]).build().unwrap();
    let cx = caller(HIGH, true, true, &[("ot", "th:8")]);
    assert!(is_sampled(&sampler, &cx, HIGH, &SpanKind::Consumer));
    assert!(!is_sampled(&sampler, &cx, HIGH, &SpanKind::Server));
    let result = ask(&trusting, &cx, HIGH, &SpanKind::Server);
    assert_eq!(result.decision, SamplingDecision::RecordAndSample);
    assert_eq!(result.trace_state.header(), "ot=th:8");
}

/// The caller's word on the probability does not outlive its decision.
#[test]
fn the_threshold_is_of_whoever_decided() {
    let sampler = SessionSampler::builder().by_session(0.25).build().unwrap();
    let list = [("a", "1"), ("ot", "th:4;xx:1")];
    let of = |id| {
        ask(
            &sampler,
            &caller(id, true, true, &list),
            id,
            &SpanKind::Server,
        )
    };
    let (low, high) = (of(LOW), of(HIGH));
    assert_eq!(low.decision, SamplingDecision::Drop);
    assert_eq!(low.trace_state.get("ot"), Some("xx:1"));
    assert_eq!(high.decision, SamplingDecision::RecordAndSample);
    assert_eq!(high.trace_state.header(), "ot=th:c;xx:1,a=1");
}

/// Jobs begin traces, too; no client can have them sampled.
#[test]
fn the_cap_is_for_what_begins_outside() {
    let sampler = SessionSampler::builder().at_most(1).build().unwrap();
    let roots = |kind: &SpanKind| {
        let sampled = (0..50).filter(|_| is_sampled(&sampler, &Context::new(), HIGH, kind));
        sampled.count()
    };
    assert_eq!(roots(&SpanKind::Internal), 50);
    assert_eq!(roots(&SpanKind::Client), 50);
    assert!(roots(&SpanKind::Server) < 50);
    // As those of a request that a layer skipped.
    let cx = caller(HIGH, true, true, &[]);
    let calls = (0..50).filter(|_| is_sampled(&sampler, &cx, HIGH, &SpanKind::Client));
    assert!(calls.count() < 50);
    assert!(sampler.handle().stats().dropped(Reason::Cap) > 0);
}

/// A rule by the method is for requests that come in.
#[test]
fn a_call_is_no_request() {
    let rules = Rules::from_toml("[[rules]]\nmethod = 'GET'\npath = '/items'\ndecision = 'out'");
    let sampler = SessionSampler::builder().rules(rules.unwrap());
    let sampler = sampler.build().unwrap();
    let nothing = Context::new();
    assert!(is_sampled(&sampler, &nothing, HIGH, &SpanKind::Client));
    assert!(!is_sampled(&sampler, &nothing, HIGH, &SpanKind::Server));
}

#[test]
fn with_a_pipeline_jobs_are_sampled_by_their_trace_id() {
    let exporter = InMemorySpanExporter::default();
    let sampler = SessionSampler::builder().roots(0.5).build().unwrap();
    let handle = sampler.handle();
    let pipeline = builder().span_exporter(exporter.clone()).sampler(sampler);
    let pipeline = pipeline.build().unwrap();
    let tracer = pipeline.tracer_provider().tracer("jobs");
    for _ in 0..100 {
        tracer.in_span("job", |_| tracer.in_span("step", |_| {}));
    }
    pipeline.flush().unwrap();
    let spans = exporter.get_finished_spans().unwrap();
    let sampled = handle.stats().sampled(Reason::TraceId);
    assert_eq!(spans.len() as u64, 2 * sampled);
    assert_eq!(handle.stats().decisions(), 100);
    let half = |span: &opentelemetry_sdk::trace::SpanData| {
        span.span_context.trace_state().get("ot") == Some("th:8")
    };
    assert!(spans.iter().all(half), "children have it, too");
}

/// A pipe would hold up whoever opens it, until somebody writes to it.
#[cfg(unix)]
#[test]
fn rules_come_from_a_regular_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let pipe = directory.path().join("rules.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("coreutils").success());
    for path in [pipe.as_path(), directory.path()] {
        let error = SessionSampler::builder().rules_file(path).build();
        let error = error.expect_err("no rules").to_string();
        assert!(error.contains("no regular file"), "{error}");
    }
}
