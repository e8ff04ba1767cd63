//! A thousand mutations of each captured header set. Whatever comes, the
//! service answers 200 with exactly one SERVER span, which either has the
//! caller's span as its parent or begins a new trace, and is counted as what it
//! is.
//!
//! All mutations are sent in process, through the same router that serves the
//! socket: as HTTP requests if the `http` crate takes the bytes as a header
//! value (it takes what HTTP allows), otherwise by hand, since a framework
//! without an adapter of ours may be less strict. One in twenty goes over a
//! keep-alive socket as well, and must be counted there as it was in process;
//! over sockets alone the test would take minutes.

#![allow(clippy::print_stdout, reason = "a long test tells how far it is")]

#[path = "support/mod.rs"]
mod support;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::BodyExt;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use rum_trace::opentelemetry::trace::{SpanId, SpanKind, TraceId};
use rum_trace::{Carrier, Instrumenter, RequestInfo, Stats};
use rum_trace_e2e::captures::{self, Capture};
use rum_trace_e2e::expectations::Expectations;
use rum_trace_e2e::mutate::{Line, mutate};
use rum_trace_e2e::rng::Rng;
use rum_trace_e2e::server::Server;
use rum_trace_e2e::wire::Connection;
use rum_trace_testing::Collector;
use tower::ServiceExt;

const MUTATIONS: usize = 1_000;
const ONE_OVER_THE_SOCKET_IN: usize = 20;
const CARRIERS: [Carrier; 4] = Carrier::DEFAULT;

#[test]
fn whatever_comes_is_served_and_counted() {
    let captures = captures::all();
    let expectations = Expectations::read();
    let mut bench = Bench::start();
    for (i, capture) in captures.iter().enumerate() {
        let expected = if expectations.of(&capture.case).continued {
            None
        } else {
            Some(Class::Malformed)
        };
        bench.run(capture, expected);
        println!(
            "{:>2} of {}: {:<28} {:?}",
            i + 1,
            captures.len(),
            capture.case,
            bench.counts
        );
    }
    bench.check_totals(captures.len());
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Continued(Carrier),
    Absent,
    Malformed,
}

/// How the requests were sent, and what became of them.
#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    over_socket: u64,
    by_hand: u64,
    continued: u64,
    new: u64,
}

struct Bench {
    runtime: tokio::runtime::Runtime,
    router: axum::Router,
    instrumenter: Instrumenter,
    collector: Collector,
    connection: Connection,
    _server: Server,
    _provider: SdkTracerProvider,
    counts: Counts,
}

impl Bench {
    fn start() -> Self {
        let collector = Collector::new();
        // Also the unsampled ones must have a span, or it could not be counted.
        let provider = collector
            .provider_builder()
            .with_sampler(Sampler::AlwaysOn)
            .build();
        let instrumenter = Instrumenter::builder().tracer_provider(&provider);
        let instrumenter = instrumenter.build().expect("nothing is set");
        let router = support::router(instrumenter.clone());
        let server = Server::start(router.clone());
        Bench {
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime"),
            connection: Connection::open(server.address()),
            router,
            instrumenter,
            collector,
            _server: server,
            _provider: provider,
            counts: Counts::default(),
        }
    }

    fn run(&mut self, capture: &Capture, expected: Option<Class>) {
        let sent = support::lines(capture);
        let unchanged = self.in_process(capture, &sent).expect("captures are HTTP");
        match expected {
            Some(class) => assert_eq!(unchanged, class, "{}", capture.case),
            None => assert!(matches!(unchanged, Class::Continued(_)), "{}", capture.case),
        }
        let mut rng = Rng::seeded(&capture.case);
        for i in 0..MUTATIONS {
            let mut lines = sent.clone();
            mutate(&mut lines, &mut rng);
            let Some(class) = self.in_process(capture, &lines) else {
                self.by_hand(capture, &lines);
                continue;
            };
            if i % ONE_OVER_THE_SOCKET_IN == 0 {
                let over_socket = self.over_socket(capture, &lines);
                assert_eq!(over_socket, class, "{} as {}", capture.case, shown(&lines));
            }
            if lines == sent {
                assert_eq!(class, unchanged, "{}", capture.case);
            }
        }
    }

    /// Through the router; `None` if the `http` crate refuses a value.
    fn in_process(&mut self, capture: &Capture, lines: &[Line]) -> Option<Class> {
        let mut request = Request::builder()
            .method(&*capture.method)
            .uri(support::path(&capture.case))
            .body(Body::empty())
            .expect("names of cases can stand in a path");
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("names are not mutated");
            request
                .headers_mut()
                .append(name, HeaderValue::from_bytes(value).ok()?);
        }
        let before = self.instrumenter.stats();
        let router = self.router.clone();
        let status = self.runtime.block_on(async {
            let response = router.oneshot(request).await.expect("a router cannot fail");
            let status = response.status().as_u16();
            // The span ends with the body.
            response
                .into_body()
                .collect()
                .await
                .expect("the body is a text");
            status
        });
        assert_eq!(status, 200, "{} as {}", capture.case, shown(lines));
        Some(self.judge(before, lines))
    }

    fn over_socket(&mut self, capture: &Capture, lines: &[Line]) -> Class {
        let before = self.instrumenter.stats();
        let path = support::path(&capture.case);
        let answer = self.connection.send(&capture.method, &path, lines, b"");
        assert_eq!(answer.status, 200, "{} as {}", capture.case, shown(lines));
        self.counts.over_socket += 1;
        self.collector.wait_for(1);
        self.judge(before, lines)
    }

    /// Without the `http` crate, as a framework without an adapter would.
    fn by_hand(&mut self, capture: &Capture, lines: &[Line]) -> Class {
        let before = self.instrumenter.stats();
        let path = support::path(&capture.case);
        let mut active = self.instrumenter.start(&Raw {
            capture,
            path: &path,
            lines,
        });
        active.on_response(&200_u16);
        active.finish();
        self.counts.by_hand += 1;
        self.judge(before, lines)
    }

    /// What the request was counted as; its one span must agree.
    fn judge(&mut self, before: Stats, lines: &[Line]) -> Class {
        let class = counted_as(before, self.instrumenter.stats())
            .unwrap_or_else(|what| panic!("{what} for {}", shown(lines)));
        let spans = self.collector.spans();
        self.collector.reset();
        let [span] = spans.as_slice() else {
            panic!("{} spans for {}", spans.len(), shown(lines));
        };
        let data = span.data();
        assert_eq!(span.kind(), SpanKind::Server);
        assert_ne!(data.span_context.trace_id(), TraceId::INVALID);
        let child = data.parent_span_id != SpanId::INVALID;
        assert_eq!(child, data.parent_span_is_remote, "{}", shown(lines));
        assert_eq!(
            child,
            matches!(class, Class::Continued(_)),
            "{class:?}: {}",
            shown(lines)
        );
        if class == Class::Continued(Carrier::W3c) {
            check_w3c(&span.trace_id(), &data.parent_span_id.to_string(), lines);
        }
        self.counts.requests += 1;
        self.counts.continued += u64::from(child);
        self.counts.new += u64::from(!child);
        class
    }

    fn check_totals(&self, captures: usize) {
        let stats = self.instrumenter.stats();
        let continued: u64 = CARRIERS
            .iter()
            .map(|carrier| stats.continued(*carrier))
            .sum();
        let counts = &self.counts;
        assert_eq!(stats.requests(), counts.requests);
        assert_eq!(stats.requests(), continued + stats.absent + stats.malformed);
        assert_eq!(continued, counts.continued);
        assert_eq!(stats.absent + stats.malformed, counts.new);
        let least = captures * (MUTATIONS + 1);
        assert!(counts.requests >= least as u64, "{counts:?}");
        // A test in which one kind of outcome or of sending never comes shows nothing.
        let seen = [
            counts.over_socket,
            counts.by_hand,
            stats.absent,
            stats.malformed,
        ];
        assert!(seen.iter().all(|seen| *seen > 100), "{counts:?} {stats:?}");
        let continued = CARRIERS.map(|carrier| (carrier.as_str(), stats.continued(carrier)));
        assert!(
            continued.iter().all(|(_, seen)| *seen > 100),
            "{continued:?}"
        );
        println!("{counts:?}");
        println!(
            "continued {continued:?}, absent {}, malformed {}",
            stats.absent, stats.malformed
        );
    }
}

/// The one class that grew by the one request between two snapshots.
fn counted_as(before: Stats, after: Stats) -> Result<Class, String> {
    let continued = |carrier: Carrier| {
        let grew = after.continued(carrier) - before.continued(carrier);
        (Class::Continued(carrier), grew)
    };
    let grew: Vec<(Class, u64)> = CARRIERS
        .map(continued)
        .into_iter()
        .chain([
            (Class::Absent, after.absent - before.absent),
            (Class::Malformed, after.malformed - before.malformed),
        ])
        .filter(|(_, grew)| *grew > 0)
        .collect();
    match grew.as_slice() {
        [(class, 1)] if after.requests() == before.requests() + 1 => Ok(*class),
        _ => Err(format!("counted as {grew:?}")),
    }
}

/// Ids that are continued from W3C stand in the one `traceparent` line.
fn check_w3c(trace_id: &str, parent_id: &str, lines: &[Line]) {
    let parents: Vec<&Line> = lines
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("traceparent"))
        .collect();
    let [(_, value)] = parents.as_slice() else {
        panic!("continued from {}", shown(lines));
    };
    let ids = format!("-{trace_id}-{parent_id}-");
    let holds = value
        .windows(ids.len())
        .any(|window| window == ids.as_bytes());
    assert!(holds, "{ids} was continued from {}", shown(lines));
}

/// A request whose header values may be any bytes.
struct Raw<'a> {
    capture: &'a Capture,
    path: &'a str,
    lines: &'a [Line],
}

impl RequestInfo for Raw<'_> {
    fn method(&self) -> &str {
        &self.capture.method
    }

    fn path(&self) -> &str {
        self.path
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in self.lines {
            visit(name, value);
        }
    }
}

/// The lines, so that a failure can be repeated.
fn shown(lines: &[Line]) -> String {
    let shown = |(name, value): &Line| format!("{name}: {}", value.escape_ascii());
    lines.iter().map(shown).collect::<Vec<String>>().join(" | ")
}
