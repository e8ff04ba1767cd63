//! Every captured header set, sent to an axum service over a socket: the
//! service's span is the child of the phone's span and says what
//! `tests/data/expectations/captures.json` says that it must.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use rum_trace::Instrumenter;
use rum_trace::opentelemetry::Value;
use rum_trace::opentelemetry::trace::{SpanId, SpanKind, Status};
use rum_trace_e2e::captures::{self, Capture};
use rum_trace_e2e::expectations::{Expectation, Expectations};
use rum_trace_e2e::ids;
use rum_trace_e2e::server::Server;
use rum_trace_e2e::wire::Connection;
use rum_trace_testing::{Collector, SpanView};
use support::Told;

#[test]
fn the_file_says_something_of_each_capture_and_of_nothing_else() {
    let expectations = Expectations::read();
    let told: BTreeSet<String> = expectations.cases.into_keys().collect();
    let captured = captures::all().into_iter().map(|capture| capture.case);
    assert_eq!(captured.collect::<BTreeSet<String>>(), told);
}

#[test]
fn every_capture_is_continued_and_says_what_it_can() {
    let expectations = Expectations::read();
    // Unsampled requests are looked at too: they are continued as well.
    let collector = Collector::new().with_unsampled();
    let provider = collector.tracer_provider();
    let instrumenter = Instrumenter::builder().tracer_provider(&provider);
    let instrumenter = instrumenter.build().expect("nothing is set");
    let service = Server::start(support::router(instrumenter.clone()));
    let mut connection = Connection::open(service.address());

    let captures = captures::all();
    let mut wrong = Vec::new();
    let (mut continued, mut new, mut told) = (0, 0, 0);
    for capture in &captures {
        let expected = expectations.of(&capture.case);
        let span = send(capture, &mut connection, &collector);
        let faults = faults(capture, expected, &span);
        wrong.extend(
            faults
                .iter()
                .map(|fault| format!("{}: {fault}", capture.case)),
        );
        continued += u64::from(expected.continued);
        new += u64::from(!expected.continued);
        told += expected.attributes.len();
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));

    let stats = instrumenter.stats();
    assert_eq!(stats.requests(), continued + new);
    assert_eq!((stats.absent, stats.malformed), (0, new));
    println!(
        "{} captures: {continued} continued, {new} malformed, {told} RUM and sw8 attributes as expected",
        captures.len()
    );
}

/// Android writes the whole URL of the request into its sw8.
#[test]
fn a_name_that_is_over_the_limit_is_cut_and_counted() {
    let collector = Collector::new();
    let provider = collector.tracer_provider();
    let instrumenter = Instrumenter::builder().tracer_provider(&provider);
    let instrumenter = instrumenter.build().expect("nothing is set");
    let service = Server::start(support::router(instrumenter.clone()));
    let mut connection = Connection::open(service.address());
    let mut over_limit = |case: &str| {
        let before = instrumenter.stats().over_limit;
        let captures = captures::all();
        let capture = captures.iter().find(|capture| capture.case == case);
        send(capture.expect(case), &mut connection, &collector);
        instrumenter.stats().over_limit - before
    };
    assert_eq!(over_limit("android_sw8"), 0);
    assert_eq!(over_limit("android_sw8_long_url"), 1);
}

/// Sends a capture and gives the one span that it became.
fn send(capture: &Capture, connection: &mut Connection, collector: &Collector) -> SpanView {
    collector.reset();
    let path = support::path(&capture.case);
    let answer = connection.send(&capture.method, &path, &support::lines(capture), b"");
    assert_eq!(
        (answer.status, &*answer.body),
        (200, "tapped"),
        "{}",
        capture.case
    );
    let spans = collector.wait_for(1);
    let [span] = spans.as_slice() else {
        panic!("{} became\n{}", capture.case, collector.tree());
    };
    span.clone()
}

fn faults(capture: &Capture, expected: &Expectation, span: &SpanView) -> Vec<String> {
    let mut faults = support::wrong_attributes(expected, &told(span));
    faults.extend(parent_fault(capture, expected, span));
    let mut check = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    let name = support::span_name(&capture.method);
    let path = support::path(&capture.case);
    check(
        span.name() == name,
        format!("the name is {:?}", span.name()),
    );
    check(
        span.kind() == SpanKind::Server,
        format!("the kind is {:?}", span.kind()),
    );
    check(
        span.sampled() == expected.sampled,
        format!("sampled is {}", span.sampled()),
    );
    let status = &span.data().status;
    check(
        *status == Status::Unset,
        format!("the status is {status:?}"),
    );
    for (key, value) in [
        ("http.request.method", Value::from(capture.method.clone())),
        ("http.route", Value::from(support::ROUTE)),
        ("http.response.status_code", Value::from(200)),
        ("url.path", Value::from(path)),
    ] {
        let found = span.attribute(key);
        check(found == Some(&value), format!("{key} is {found:?}"));
    }
    faults
}

/// The phone's span must be the parent, or there must be none.
fn parent_fault(capture: &Capture, expected: &Expectation, span: &SpanView) -> Option<String> {
    let data = span.data();
    let found = (
        data.parent_span_is_remote,
        span.trace_id(),
        span.parent_span_id(),
    );
    if expected.continued {
        let ids = ids::of(capture, expected);
        let wanted = (true, ids.trace_id, Some(ids.parent_id));
        return (found != wanted)
            .then(|| format!("remote, trace and parent are {found:?}, not {wanted:?}"));
    }
    let root = data.parent_span_id == SpanId::INVALID && !data.parent_span_is_remote;
    let sent = capture
        .headers
        .iter()
        .any(|(_, value)| value.contains(&found.1));
    (!root || sent).then(|| format!("no new trace began: {found:?}"))
}

fn told(span: &SpanView) -> Vec<(String, Told)> {
    let attributes = span.data().attributes.iter();
    let told = |value: &Value| match value {
        Value::String(text) => Told::Text(text.as_str().to_owned()),
        Value::I64(number) => Told::Int(*number),
        other => Told::Other(format!("{other:?}")),
    };
    attributes
        .map(|pair| (pair.key.as_str().to_owned(), told(&pair.value)))
        .collect()
}
