//! The variables of a real process. A process's own cannot be changed safely
//! while other threads run, so each test runs itself again as a child.

use std::path::PathBuf;
use std::process::{Command, Output};

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::propagation::BaggagePropagator;
use opentelemetry_sdk::trace::InMemorySpanExporter;
use rum_trace_loopback::reserved;
use rum_trace_otlp::{Pipeline, PipelineBuilder};

use super::support::http::HttpCollector;
use super::support::tls::Authority;
use super::support::{LONG, spans};

/// Set in the children.
const CHILD: &str = "RUM_TRACE_OTLP_TEST_CHILD";

/// Runs `body` in a child process: the test of this name, alone, with these
/// variables and no other of OpenTelemetry's. Its output is for what only the
/// parent can check; in the child itself there is none.
fn child(test: &str, variables: &[(&str, &str)], body: impl FnOnce()) -> Option<Output> {
    if std::env::var_os(CHILD).is_some() {
        body();
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args([&format!("environment::{test}"), "--exact", "--nocapture"])
        .envs(variables.iter().copied())
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output)
}

/// A span of somebody else's that is sampled.
fn remote() -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(0xabc),
        SpanId::from(0xdef),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    ))
}

fn named() -> PipelineBuilder {
    Pipeline::builder().service_name("shop")
}

#[test]
fn disabled_it_records_nothing_and_traces_pass_through() {
    let collector = HttpCollector::start();
    child(
        "disabled_it_records_nothing_and_traces_pass_through",
        &[
            ("OTEL_SDK_DISABLED", "True"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
            // Does no harm then.
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            // Is followed all the same, by the specification.
            ("OTEL_PROPAGATORS", "tracecontext"),
        ],
        || {
            let exporter = InMemorySpanExporter::default();
            let pipeline = named().span_exporter(exporter.clone()).install().unwrap();
            spans(&pipeline, 3);
            let tracer = global::tracer("test");
            let span = tracer.start_with_context("work", &remote());
            assert!(!span.is_recording());
            assert_eq!(span.span_context(), remote().span().span_context());
            let cx = remote().with_span(span);
            let mut headers = std::collections::HashMap::new();
            global::get_text_map_propagator(|global| global.inject_context(&cx, &mut headers));
            let traceparent = "00-00000000000000000000000000000abc-0000000000000def-01";
            assert_eq!(headers["traceparent"], traceparent);

            let span = pipeline.tracer_provider().tracer("test").start("work");
            assert!(!span.is_recording() && !span.span_context().is_valid());
            pipeline.flush().unwrap();
            assert_eq!(pipeline.stats().ended(), 0);
            let stats = pipeline.shutdown(LONG).unwrap();
            assert_eq!((stats.ended(), stats.lost()), (0, 0));
            assert!(exporter.get_finished_spans().unwrap().is_empty());
        },
    );
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn a_program_can_disable_it_and_enable_it() {
    let collector = HttpCollector::start();
    let output = child(
        "a_program_can_disable_it_and_enable_it",
        &[
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
        ],
        || {
            for (disabled, ended) in [(true, 0), (false, 2)] {
                let pipeline = named().disabled(disabled).build().unwrap();
                spans(&pipeline, 2);
                assert_eq!(pipeline.shutdown(LONG).unwrap().ended(), ended);
            }
        },
    );
    if output.is_some() {
        assert_eq!(collector.inbox.span_names().len(), 2);
    }
}

#[test]
fn console_prints_a_line_for_each_span() {
    let output = child(
        "console_prints_a_line_for_each_span",
        &[("OTEL_TRACES_EXPORTER", "console")],
        || {
            let pipeline = named().build().unwrap();
            let tracer = pipeline.tracer_provider().tracer("scope");
            let mut span = tracer.start("GET /pay");
            span.set_attribute(KeyValue::new("http.route", "/pay\nby"));
            span.end();
            spans(&pipeline, 2);
            assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
        },
    );
    if let Some(output) = output {
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.contains(" trace="))
            .collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].contains(r#" INTERNAL "GET /pay" "#), "{text}");
        assert!(
            lines[0].ends_with(r#" scope=scope http.route="/pay\nby""#),
            "{text}"
        );
        assert!(lines[2].contains(r#" "span 1" "#), "{text}");
    }
}

#[test]
fn none_exports_nothing_and_leaves_the_rest_at_work() {
    let collector = HttpCollector::start();
    child(
        "none_exports_nothing_and_leaves_the_rest_at_work",
        &[
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
        ],
        || {
            let seen = InMemorySpanExporter::default();
            let simple = opentelemetry_sdk::trace::SimpleSpanProcessor::new(seen.clone());
            let pipeline = named().span_processor(simple).build().unwrap();
            spans(&pipeline, 2);
            assert_eq!(seen.get_finished_spans().unwrap().len(), 2);
            pipeline.flush().unwrap();
            let stats = pipeline.shutdown(LONG).unwrap();
            assert_eq!((stats.ended(), stats.lost()), (0, 0));
        },
    );
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn an_exporter_of_the_programs_goes_before_the_variable() {
    child(
        "an_exporter_of_the_programs_goes_before_the_variable",
        &[("OTEL_TRACES_EXPORTER", "none")],
        || {
            let exporter = InMemorySpanExporter::default();
            let pipeline = named().span_exporter(exporter.clone()).build().unwrap();
            spans(&pipeline, 2);
            pipeline.flush().unwrap();
            assert_eq!(exporter.get_finished_spans().unwrap().len(), 2);
        },
    );
}

/// The headers that the global propagator writes.
fn fields() -> Vec<String> {
    global::get_text_map_propagator(|global| {
        let mut fields: Vec<_> = global.fields().map(str::to_owned).collect();
        fields.sort();
        fields
    })
}

fn install() -> Pipeline {
    let exporter = InMemorySpanExporter::default();
    named().span_exporter(exporter).install().unwrap()
}

#[test]
fn the_global_propagator_is_what_the_variable_names() {
    child(
        "the_global_propagator_is_what_the_variable_names",
        &[("OTEL_PROPAGATORS", "b3,baggage,tracecontext")],
        || {
            let _pipeline = install();
            assert_eq!(fields(), ["baggage", "traceparent", "tracestate"]);
        },
    );
}

#[test]
fn without_the_variable_no_propagator_is_set() {
    child("without_the_variable_no_propagator_is_set", &[], || {
        let _pipeline = install();
        assert!(fields().is_empty());
    });
}

#[test]
fn a_propagator_of_the_programs_goes_before_the_variable() {
    child(
        "a_propagator_of_the_programs_goes_before_the_variable",
        &[("OTEL_PROPAGATORS", "tracecontext")],
        || {
            global::set_text_map_propagator(BaggagePropagator::new());
            let _pipeline = install();
            assert_eq!(fields(), ["baggage"]);
        },
    );
}

#[test]
fn resource_attributes_are_percent_decoded() {
    let collector = HttpCollector::start();
    let output = child(
        "resource_attributes_are_percent_decoded",
        &[
            ("OTEL_RESOURCE_ATTRIBUTES", "team=a%2Cb%20%C3%A9"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
        ],
        || {
            let pipeline = named().build().unwrap();
            spans(&pipeline, 1);
            pipeline.shutdown(LONG).unwrap();
        },
    );
    if output.is_some() {
        let team = collector.inbox.only().resource("team");
        assert_eq!(team.as_deref(), Some("a,b \u{e9}"));
    }
}

/// A directory that is there until the value goes.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("rum-trace-otlp-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn certificates_and_key_are_read_from_files() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.mutual_acceptor());
    let directory = Directory::new("certificates");
    let output = child(
        "certificates_and_key_are_read_from_files",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
            (
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                &directory.file("ca.pem", &authority.ca_pem),
            ),
            (
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                &directory.file("client.pem", &authority.client_pem),
            ),
            (
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                &directory.file("client.key", &authority.client_key_pem),
            ),
        ],
        || {
            let pipeline = named().build().unwrap();
            spans(&pipeline, 3);
            assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
        },
    );
    if output.is_some() {
        assert_eq!(collector.inbox.span_names().len(), 3);
    }
}

#[test]
fn the_environment_can_be_left_aside() {
    child(
        "the_environment_can_be_left_aside",
        &[
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
            ("OTEL_PROPAGATORS", "tracecontext"),
        ],
        || {
            let exporter = InMemorySpanExporter::default();
            let pipeline = named()
                .ignore_environment()
                .span_exporter(exporter.clone())
                .install()
                .unwrap();
            let mut span = global::tracer("test").start("work");
            span.set_attribute(KeyValue::new("a", 1));
            span.end();
            pipeline.flush().unwrap();
            assert_eq!(
                exporter.get_finished_spans().unwrap()[0].attributes.len(),
                1
            );
            assert!(fields().is_empty());
            let endpoint = format!("http://{}", reserved());
            let otlp = named().ignore_environment().endpoint(endpoint).build();
            assert!(otlp.is_ok(), "{otlp:?}");
        },
    );
}
