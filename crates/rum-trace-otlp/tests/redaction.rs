//! No secret in any error, debug print or log line: neither ours nor those of
//! the SDK and of the HTTP libraries, down to their TRACE level.
//!
//! A test binary of its own: it sets the process's subscriber.

// Clippy's leave for tests does not reach the helpers beside them.
#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rum_trace_loopback::reserved;
use rum_trace_otlp::PipelineBuilder;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, registry};

use self::support::http::{HttpCollector, Reply};
use self::support::tls::Authority;
use self::support::{COLLECTOR_THREAD, LONG, spans};

/// In every secret.
const MARK: &str = "s3cr3t";
const PATH: &str = "/adapt_s3cr3tuser@53df7ad2afe8301_s3cr3tpart/api/otlp/traces";
const TOKEN: &str = "s3cr3ttoken@a1b2c3";
const HEADER: &str = "Bearer s3cr3theader";

/// Every event and span with all fields, as text: one line each, with the
/// target in front.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<String>>>);

impl Capture {
    fn add(&self, target: &str, fields: impl FnOnce(&mut Line<'_>)) {
        // What the collector logs about the requests that it got is not ours.
        if std::thread::current().name() == Some(COLLECTOR_THREAD) {
            return;
        }
        let mut text = format!("{target}:");
        fields(&mut Line(&mut text));
        self.0.lock().unwrap().push(text);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.add(event.metadata().target(), |line| event.record(line));
    }

    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.add(span.metadata().target(), |line| span.record(line));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.add("(record)", |line| values.record(line));
    }
}

/// Ends spans, flushes, shuts down, and adds what that printed to the log.
fn run(capture: &Capture, builder: PipelineBuilder) {
    let mut printed = format!("builder: {builder:?}\n");
    let pipeline = builder.build().unwrap();
    spans(&pipeline, 3);
    write!(printed, "flush: {:?}\n{pipeline:?}\n", pipeline.flush()).unwrap();
    spans(&pipeline, 3);
    match pipeline.shutdown(support::SHORT) {
        Ok(stats) => write!(printed, "{stats:?} {stats}").unwrap(),
        Err(error) => write!(printed, "{error:?} {error}").unwrap(),
    }
    capture.add("printed", |line| line.0.push_str(&printed));
}

fn with_secrets(builder: PipelineBuilder) -> PipelineBuilder {
    builder
        .token(TOKEN)
        .header("authorization", HEADER)
        .timeout(Duration::from_millis(100))
}

fn http(url: &str) -> PipelineBuilder {
    with_secrets(support::builder()).traces_endpoint(format!("{url}{PATH}"))
}

fn over_http(capture: &Capture) {
    let echo = format!(
        "no route for {PATH} with {TOKEN} and {HEADER}, or s3cr3theader, or s3cr3tpart alone"
    );
    let live = HttpCollector::start();
    run(capture, http(&live.url()));
    assert_eq!(live.inbox.all()[0].path, PATH, "the secret was used");

    run(capture, http(&format!("http://{}", reserved())));
    run(capture, http("http://host.invalid"));
    run(
        capture,
        http(&HttpCollector::tls(Authority::new().acceptor()).url()),
    );

    let refusing = HttpCollector::answering({
        let echo = echo.clone();
        move |_| {
            Reply::status(401)
                .header("content-type", "text/plain")
                .body(echo.clone())
        }
    });
    run(capture, http(&refusing.url()));
    let warning = HttpCollector::answering(move |_| Reply::partial(1, &echo));
    run(capture, http(&warning.url()));
    let redirecting =
        HttpCollector::answering(|_| Reply::status(307).header("location", format!("{PATH}/x")));
    run(capture, http(&redirecting.url()));
    let silent = HttpCollector::answering(|_| Reply::ok().after(LONG));
    run(capture, http(&silent.url()));
}

#[cfg(feature = "grpc")]
fn over_grpc(capture: &Capture) {
    use rum_trace_otlp::Protocol;
    use support::grpc::GrpcCollector;

    let grpc = |url: String| {
        with_secrets(support::builder())
            .protocol(Protocol::Grpc)
            .endpoint(url)
    };
    let live = GrpcCollector::start();
    run(capture, grpc(live.url()));
    assert_eq!(
        live.inbox.all()[0].header("authentication"),
        Some(TOKEN),
        "it was used"
    );

    run(capture, grpc(format!("http://{}", reserved())));
    let authority = Authority::new();
    let with_tls = GrpcCollector::tls(authority.tonic());
    run(
        capture,
        grpc(with_tls.url()).ca_certificate_pem(Authority::new().ca_pem),
    );
    run(
        capture,
        grpc(with_tls.url()).ca_certificate_pem(authority.ca_pem.clone()),
    );
    let refusing = GrpcCollector::answering(|_| {
        Err(tonic::Status::permission_denied(format!(
            "{TOKEN} and {HEADER} may not"
        )))
    });
    run(capture, grpc(refusing.url()));
}

fn build_errors(capture: &Capture) {
    let builders: [PipelineBuilder; 6] = [
        support::builder().endpoint(format!("{MARK}://host{PATH}")),
        support::builder().traces_endpoint(format!("host{PATH}")),
        support::builder().endpoint(format!("http://user:{MARK}@host/")),
        support::builder().header("x\n", HEADER),
        support::builder().header("x", format!("{HEADER}\n")),
        support::builder().ca_certificate_pem(format!("{MARK} is no certificate")),
    ];
    for builder in builders {
        let error = builder.build().unwrap_err();
        capture.add("printed", |line| {
            write!(line.0, "{error:?} {error}").unwrap();
        });
    }
}

#[test]
fn no_secret_is_printed_anywhere() {
    let capture = Capture::default();
    registry().with(capture.clone()).init();

    over_http(&capture);
    #[cfg(feature = "grpc")]
    over_grpc(&capture);
    build_errors(&capture);

    let lines = capture.take();
    for target in ["hyper_util", "rum_trace_otlp", "printed"] {
        assert!(
            lines.iter().any(|line| line.starts_with(target)),
            "nothing from {target}"
        );
    }
    #[cfg(feature = "grpc")]
    assert!(
        lines.iter().any(|line| line.starts_with("h2")),
        "nothing from h2"
    );
    let leaks: Vec<_> = lines.iter().filter(|line| line.contains(MARK)).collect();
    assert!(
        leaks.is_empty(),
        "{} of {} lines: {leaks:#?}",
        leaks.len(),
        lines.len()
    );
}
