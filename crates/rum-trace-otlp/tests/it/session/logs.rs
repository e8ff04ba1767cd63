//! Log records that `tracing` events become, by OpenTelemetry's own appender.

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{AnyValue, Severity};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::in_memory_exporter::LogDataWithResource;
use opentelemetry_sdk::logs::{InMemoryLogExporter, LogProcessor, SdkLogRecord, SdkLoggerProvider};
use rum_trace_core::tracing_layer;
use rum_trace_otlp::SessionLogProcessor;
use tracing::dispatcher::set_default;
use tracing::{Dispatch, Subscriber, info};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::*;

/// A log provider, and what it exported.
struct Logs {
    provider: SdkLoggerProvider,
    exporter: InMemoryLogExporter,
}

impl Logs {
    fn new() -> Self {
        let exporter = InMemoryLogExporter::default();
        let provider = SdkLoggerProvider::builder()
            .with_log_processor(SessionLogProcessor::new())
            .with_simple_exporter(exporter.clone())
            .build();
        Logs { provider, exporter }
    }

    fn subscriber(&self) -> impl Subscriber + for<'span> LookupSpan<'span> + Send + Sync + use<> {
        tracing_subscriber::registry().with(OpenTelemetryTracingBridge::new(&self.provider))
    }

    /// Each record's message, with session and app.
    fn records(&self) -> Vec<(String, BTreeMap<&'static str, String>)> {
        let records = self.exporter.get_emitted_logs().unwrap();
        let read = |it: &LogDataWithResource| (text(it.record.body().unwrap()), told(&it.record));
        // Ours, of the diagnosis, stand for themselves.
        let of_service = |it: &&LogDataWithResource| {
            it.record
                .target()
                .is_none_or(|target| target != "rum_trace")
        };
        records.iter().filter(of_service).map(read).collect()
    }
}

fn text(value: &AnyValue) -> String {
    match value {
        AnyValue::String(text) => text.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn told(record: &SdkLogRecord) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    for name in ["session.id", "rum.app.id"] {
        let mut values = record.attributes_iter().filter(|it| it.0.as_str() == name);
        if let Some((_, value)) = values.next() {
            found.insert(name, text(value));
        }
        assert!(values.next().is_none(), "{name} is there twice: {record:?}");
    }
    found
}

/// What a service logs, in and outside of a request. Messages that begin with `in` are the
/// request's.
async fn log(instrumenter: &Instrumenter) {
    info!("before");
    let active = instrumenter.start(&Request::of_a_phone());
    let (with, without) = {
        let _scope = active.scope();
        info!("in the handler");
        tracing::info_span!("child").in_scope(|| info!("in a child"));
        let with = ContextSnapshot::current().wrap(async {
            tokio::task::yield_now().await;
            info!("in a task with the context");
        });
        (
            tokio::spawn(with),
            tokio::spawn(async { info!("task without") }),
        )
    };
    finish(active);
    with.await.unwrap();
    without.await.unwrap();
    serve(instrumenter, &Request::of_a_stranger(), || {
        info!("a stranger's");
    });
    info!("after");
}

#[tokio::test]
async fn records_of_a_request_have_it_and_others_do_not() {
    let telemetry = Telemetry::new(|builder| builder);
    let otel = tracing_opentelemetry::layer().with_tracer(telemetry.tracer());
    let beside = tracing_opentelemetry::layer().with_tracer(telemetry.tracer());
    let only_spans = filter_fn(|metadata| !metadata.is_event());
    let logs = [Logs::new(), Logs::new(), Logs::new()];
    let subscribers = [
        Dispatch::new(logs[0].subscriber()),
        Dispatch::new(logs[1].subscriber().with(otel)),
        Dispatch::new(logs[2].subscriber().with(tracing_layer(beside, only_spans))),
    ];
    for (mode, (logs, subscriber)) in logs.iter().zip(subscribers).enumerate() {
        let builder = Instrumenter::builder().span_starter(telemetry.pipeline.span_starter());
        let instrumenter = builder.tracing_spans(mode > 0).build().unwrap();
        let guard = set_default(&subscriber);
        log(&instrumenter).await;
        drop(guard);
        let records = logs.records();
        assert_eq!(records.len(), 7, "{mode}: {records:?}");
        for (message, found) in records {
            let expected = if message.starts_with("in") {
                of_the_phone()
            } else {
                BTreeMap::new()
            };
            assert_eq!(found, expected, "{mode}: {message}");
        }
    }
}

#[test]
fn what_a_record_has_already_it_keeps() {
    let telemetry = Telemetry::new(|builder| builder);
    let logs = Logs::new();
    with_default(logs.subscriber(), || {
        serve(&telemetry.instrumenter(), &Request::of_a_phone(), || {
            info!(session.id = "of its own", "line");
        });
    });
    let (_, found) = logs.records().remove(0);
    assert_eq!(found["session.id"], "of its own");
    assert_eq!(found["rum.app.id"], APP);
}

#[test]
fn the_processors_before_it_do_not_see_it() {
    let exporter = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .with_log_processor(SessionLogProcessor::new())
        .build();
    let telemetry = Telemetry::new(|builder| builder);
    let bridge = OpenTelemetryTracingBridge::new(&provider);
    with_default(tracing_subscriber::registry().with(bridge), || {
        serve(&telemetry.instrumenter(), &Request::of_a_phone(), || {
            info!("line");
        });
    });
    let records = exporter.get_emitted_logs().unwrap();
    assert_eq!(told(&records[0].record), BTreeMap::new());
}

/// A processor that wants no records, and counts those that it is shown all the same.
#[derive(Clone, Debug, Default)]
struct Refusing(Arc<Mutex<usize>>);

impl LogProcessor for Refusing {
    fn emit(&self, _: &mut SdkLogRecord, _: &InstrumentationScope) {
        *self.0.lock().unwrap() += 1;
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn event_enabled(&self, _: Severity, _: &str, _: Option<&str>) -> bool {
        false
    }
}

#[test]
fn a_record_that_nobody_wants_is_not_made() {
    let refusing = Refusing::default();
    let provider = SdkLoggerProvider::builder()
        .with_log_processor(SessionLogProcessor::new())
        .with_log_processor(refusing.clone())
        .build();
    let bridge = OpenTelemetryTracingBridge::new(&provider);
    with_default(tracing_subscriber::registry().with(bridge), || {
        info!("line");
    });
    assert_eq!(*refusing.0.lock().unwrap(), 0);
    assert!(provider.force_flush().is_ok() && provider.shutdown().is_ok());
}
