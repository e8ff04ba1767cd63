//! The way through a collector that nobody here wrote: the captured requests
//! are sent to an axum service, its pipeline exports to `rotel`, and `rotel`
//! forwards to a receiver in here.

#![allow(clippy::print_stdout, reason = "shows what went through the collector")]

#[path = "support/mod.rs"]
mod support;

#[path = "support/collector.rs"]
mod collector;
#[path = "support/receiver.rs"]
mod receiver;

use std::collections::BTreeMap;
use std::time::Duration;

use collector::Rotel;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use receiver::{Arrived, Receiver};
use rum_trace::Instrumenter;
use rum_trace::otlp::{Pipeline, Protocol};
use rum_trace_e2e::captures::{self, Capture};
use rum_trace_e2e::expectations::{Expectation, Expectations};
use rum_trace_e2e::server::Server;
use rum_trace_e2e::wire::Connection;
use rum_trace_e2e::{PATIENCE, ids};
use support::Told;

const SERVICE: &str = "shop-orders";

/// A request without a trace, sent and exported after all others: what a
/// collector sent twice or late would be here before it.
const LAST: &str = "last";

#[test]
#[ignore = "needs the rotel collector: run tests/e2e/run-collector"]
fn every_capture_arrives_over_http_protobuf() {
    run(Protocol::HttpProtobuf);
}

#[test]
#[ignore = "needs the rotel collector: run tests/e2e/run-collector"]
fn every_capture_arrives_over_grpc() {
    run(Protocol::Grpc);
}

fn run(protocol: Protocol) {
    let receiver = Receiver::start();
    let rotel = Rotel::start(receiver.address());
    let captures = captures::all();
    export(&captures, &rotel, protocol);
    let arrived = receiver.wait_for(&support::path(LAST));
    check(&captures, arrived, protocol);
}

/// Sends the captures to a service, and its spans to the collector.
fn export(captures: &[Capture], rotel: &Rotel, protocol: Protocol) {
    let port = match protocol {
        Protocol::Grpc => rotel.grpc_port,
        _ => rotel.http_port,
    };
    let pipeline = Pipeline::builder()
        .ignore_environment()
        .service_name(SERVICE)
        .protocol(protocol)
        .endpoint(format!("http://127.0.0.1:{port}"))
        .build()
        .expect("the settings are valid");
    let instrumenter = Instrumenter::builder()
        .tracer_provider(pipeline.tracer_provider())
        .build()
        .expect("nothing else is set");
    let service = Server::start(support::router(instrumenter));
    let mut connection = Connection::open(service.address());
    for capture in captures {
        let path = support::path(&capture.case);
        let answer = connection.send(&capture.method, &path, &support::lines(capture), b"");
        assert_eq!(answer.status, 200, "{}", capture.case);
    }
    pipeline.flush().expect("the collector takes the spans");
    let answer = connection.send("GET", &support::path(LAST), &[], b"");
    assert_eq!(answer.status, 200);
    let stats = pipeline.shutdown(Duration::from_secs(10));
    println!(
        "{protocol:?}: {:?}",
        stats.expect("the collector takes the last span")
    );
}

fn check(captures: &[Capture], arrived: Vec<Arrived>, protocol: Protocol) {
    let expectations = Expectations::read();
    let mut spans: BTreeMap<String, Vec<Arrived>> = BTreeMap::new();
    for span in arrived {
        spans.entry(span.path()).or_default().push(span);
    }
    let last = spans.remove(&support::path(LAST)).unwrap_or_default();
    assert_eq!(last.len(), 1, "the last span arrived more than once");

    let (mut exported, mut unsampled, mut told) = (0, 0, 0);
    let mut wrong = Vec::new();
    for capture in captures {
        let expected = expectations.of(&capture.case);
        let spans = spans
            .remove(&support::path(&capture.case))
            .unwrap_or_default();
        let faults = match (expected.sampled, spans.as_slice()) {
            (true, [span]) => {
                exported += 1;
                told += expected.attributes.len();
                faults(capture, expected, span)
            }
            (false, []) => {
                unsampled += 1;
                Vec::new()
            }
            (sampled, spans) => vec![format!("{} spans for sampled = {sampled}", spans.len())],
        };
        wrong.extend(
            faults
                .iter()
                .map(|fault| format!("{}: {fault}", capture.case)),
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(spans.is_empty(), "from nowhere: {:?}", spans.keys());
    assert!(
        exported > 0 && unsampled > 0,
        "{exported} sampled, {unsampled} not"
    );
    println!(
        "{protocol:?}: of {} captures {exported} arrived once with {told} RUM and sw8 attributes \
         as expected, and {unsampled} are not sampled and did not arrive",
        captures.len()
    );
}

fn faults(capture: &Capture, expected: &Expectation, arrived: &Arrived) -> Vec<String> {
    let mut faults = support::wrong_attributes(expected, &arrived.attributes);
    faults.extend(parent_fault(capture, expected, arrived));
    let span = &arrived.span;
    let mut check = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    check(
        span.kind == SpanKind::Server as i32,
        format!("the kind is {}", span.kind),
    );
    check(
        span.name == support::span_name(&capture.method),
        format!("the name is {}", span.name),
    );
    check(
        arrived.service == Some(Told::Text(SERVICE.to_owned())),
        format!("service.name is {:?}", arrived.service),
    );
    faults
}

fn parent_fault(capture: &Capture, expected: &Expectation, arrived: &Arrived) -> Option<String> {
    let (trace_id, parent_id) = (arrived.trace_id(), arrived.parent_id());
    if expected.continued {
        let ids = ids::of(capture, expected);
        let wanted = (true, ids.trace_id, ids.parent_id);
        let got = (arrived.parent_is_remote(), trace_id, parent_id);
        return (got != wanted)
            .then(|| format!("remote, trace and parent are {got:?}, not {wanted:?}"));
    }
    let new = trace_id.len() == 32 && parent_id.is_empty();
    (!new).then(|| format!("no new trace began: trace {trace_id:?}, parent {parent_id:?}"))
}
