//! Exporters and processors of the user's.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use opentelemetry::trace::Span as _;
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SamplingDecision, SamplingResult, ShouldSample, Span, SpanData,
    SpanExporter, SpanProcessor,
};
use rum_trace_otlp::{DropReason, FlushError, ShutdownError, Stats};

use super::support::http::HttpCollector;
use super::support::{LONG, builder, spans};

#[test]
fn an_exporter_of_the_users_gets_the_batches() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = builder().span_exporter(exporter.clone()).build().unwrap();
    spans(&pipeline, 3);
    pipeline.flush().unwrap();
    assert_eq!(exporter.get_finished_spans().unwrap().len(), 3);
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
}

/// Panics at the first batch, before or within its future.
#[derive(Debug, Default)]
struct Panicking {
    calls: AtomicUsize,
    in_future: bool,
}

impl SpanExporter for Panicking {
    fn export(&self, _: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let first = self.calls.fetch_add(1, Ordering::SeqCst) == 0;
        assert!(!first || self.in_future, "boom before the future");
        async move {
            assert!(!first, "boom in the future");
            Ok(())
        }
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        panic!("boom in the shutdown");
    }
}

#[test]
fn a_panic_of_the_exporter_is_one_lost_batch_and_not_the_end() {
    for in_future in [false, true] {
        let exporter = Panicking {
            in_future,
            ..Panicking::default()
        };
        let pipeline = builder().span_exporter(exporter).build().unwrap();
        spans(&pipeline, 2);
        match pipeline.flush() {
            Err(FlushError::NotDelivered {
                spans: 2, cause, ..
            }) => {
                assert!(cause.contains("boom"), "{cause}");
            }
            other => panic!("{other:?}"),
        }
        spans(&pipeline, 3);
        pipeline.flush().unwrap();
        let error = pipeline.shutdown(LONG).unwrap_err();
        let stats = error.stats().unwrap();
        let panicked = stats.dropped(DropReason::ExporterPanic);
        assert_eq!((panicked, stats.exported()), (2, 3));
    }
}

/// Waits with the first batch until the gate opens, and loses the second.
#[derive(Debug)]
struct Gated {
    gate: Mutex<Receiver<()>>,
    calls: AtomicUsize,
}

impl SpanExporter for Gated {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        match self.calls.fetch_add(1, Ordering::SeqCst) {
            0 => self.gate.lock().unwrap().recv_timeout(LONG).unwrap(),
            1 => return Err(OTelSdkError::InternalFailure("the second batch".to_owned())),
            _ => {}
        }
        Ok(())
    }
}

/// Opens the gate when a flush begins.
#[derive(Debug)]
struct Opener(Sender<()>);

impl SpanProcessor for Opener {
    fn on_start(&self, _: &mut Span, _: &Context) {}
    fn on_end(&self, _: SpanData) {}
    fn force_flush(&self) -> OTelSdkResult {
        self.0
            .send(())
            .map_err(|e| OTelSdkError::InternalFailure(e.to_string()))
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_flush_tells_of_any_lost_batch_and_not_of_the_last_one_only() {
    let (opener, gate) = channel();
    let exporter = Gated {
        gate: Mutex::new(gate),
        calls: AtomicUsize::new(0),
    };
    let pipeline = builder()
        .span_exporter(exporter)
        .span_processor(Opener(opener))
        .max_export_batch_size(5)
        .build()
        .unwrap();
    // Three batches or more, of which the last one is well.
    spans(&pipeline, 15);
    match pipeline.flush() {
        Err(FlushError::NotDelivered { spans, cause, .. }) => {
            assert_eq!(spans, failed(&pipeline.stats()));
            assert_eq!(cause, "the second batch");
        }
        other => panic!("{other:?}"),
    }
    let stats = pipeline.stats();
    assert_eq!(stats.exported() + failed(&stats), 15);
    let lost = failed(&stats);
    assert_eq!(pipeline.shutdown(LONG).unwrap_err().lost(), lost);
}

fn failed(stats: &Stats) -> u64 {
    stats.dropped(DropReason::ExporterFailed)
}

/// Blocks like a synchronous client, then needs a timer like an asynchronous one.
#[derive(Debug)]
struct BothKinds;

impl SpanExporter for BothKinds {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        let blocking = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        blocking.block_on(async {});
        drop(blocking);
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    }
}

#[test]
fn an_exporter_may_block_and_may_use_a_runtime() {
    let pipeline = builder().span_exporter(BothKinds).build().unwrap();
    spans(&pipeline, 1);
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 1);
}

#[derive(Debug, Clone, Default)]
struct Recorder {
    resource: Arc<Mutex<Option<Resource>>>,
    ended: Arc<AtomicUsize>,
    shutdowns: Arc<AtomicUsize>,
    fails: bool,
}

impl SpanProcessor for Recorder {
    fn on_start(&self, span: &mut Span, _: &Context) {
        span.set_attribute(KeyValue::new("stamped", true));
    }

    fn on_end(&self, _: SpanData) {
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.result("no flush today")
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.shutdowns.fetch_add(1, Ordering::SeqCst);
        self.result("no end today")
    }

    fn set_resource(&mut self, resource: &Resource) {
        *self.resource.lock().unwrap() = Some(resource.clone());
    }
}

impl Recorder {
    fn result(&self, problem: &str) -> OTelSdkResult {
        if self.fails {
            return Err(OTelSdkError::InternalFailure(problem.to_owned()));
        }
        Ok(())
    }
}

#[test]
fn a_further_processor_sees_the_spans_and_the_resource_and_is_shut_down_once() {
    let collector = HttpCollector::start();
    let recorder = Recorder::default();
    let pipeline = builder()
        .endpoint(collector.url())
        .span_processor(recorder.clone())
        .build()
        .unwrap();
    spans(&pipeline, 2);
    pipeline.shutdown(LONG).unwrap();
    assert_eq!(recorder.ended.load(Ordering::SeqCst), 2);
    assert_eq!(recorder.shutdowns.load(Ordering::SeqCst), 1);
    let resource = recorder.resource.lock().unwrap().clone().unwrap();
    let name = resource.get(&Key::new("service.name")).unwrap();
    assert_eq!(name.as_str(), "shop");
    // What it set at the start was exported.
    let received = collector.inbox.only();
    assert!(
        received
            .spans()
            .iter()
            .all(|span| span.attributes[0].key == "stamped")
    );
}

#[test]
fn a_further_processor_that_fails_is_told_apart_from_a_loss() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .span_processor(Recorder {
            fails: true,
            ..Recorder::default()
        })
        .build()
        .unwrap();
    spans(&pipeline, 2);
    match pipeline.flush() {
        Err(FlushError::Processor(problem)) => assert!(problem.contains("no flush today")),
        other => panic!("{other:?}"),
    }
    let error = pipeline.shutdown(LONG).unwrap_err();
    assert!(matches!(&error, ShutdownError::Processor(p) if p.contains("no end today")));
    assert_eq!(error.lost(), 0);
    assert_eq!(collector.inbox.span_names().len(), 2);
}

/// Takes all the time it is given.
#[derive(Debug)]
struct Slow;

impl SpanProcessor for Slow {
    fn on_start(&self, _: &mut Span, _: &Context) {}
    fn on_end(&self, _: SpanData) {}
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        std::thread::sleep(timeout);
        Ok(())
    }
}

#[test]
fn all_processors_share_one_deadline() {
    let collector = HttpCollector::start();
    let pipeline = (0..20)
        .fold(builder().endpoint(collector.url()), |b, _| {
            b.span_processor(Slow)
        })
        .build()
        .unwrap();
    spans(&pipeline, 1);
    let start = Instant::now();
    // Twenty deadlines would be forty seconds.
    assert_eq!(
        pipeline
            .shutdown(Duration::from_secs(2))
            .unwrap()
            .exported(),
        1
    );
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

/// Records every span and samples none.
#[derive(Debug, Clone)]
struct RecordOnly;

impl ShouldSample for RecordOnly {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: opentelemetry::trace::TraceId,
        name: &str,
        span_kind: &opentelemetry::trace::SpanKind,
        attributes: &[KeyValue],
        links: &[opentelemetry::trace::Link],
    ) -> SamplingResult {
        let mut result = Sampler::AlwaysOff.should_sample(
            parent_context,
            trace_id,
            name,
            span_kind,
            attributes,
            links,
        );
        result.decision = SamplingDecision::RecordOnly;
        result
    }
}

#[test]
fn spans_that_are_only_recorded_are_not_exported() {
    let collector = HttpCollector::start();
    let recorder = Recorder::default();
    let pipeline = builder()
        .endpoint(collector.url())
        .sampler(RecordOnly)
        .span_processor(recorder.clone())
        .build()
        .unwrap();
    spans(&pipeline, 3);
    assert_eq!(pipeline.shutdown(LONG).unwrap().ended(), 0);
    assert_eq!(recorder.ended.load(Ordering::SeqCst), 3);
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn without_an_exporter_spans_go_to_the_processors_alone() {
    let collector = HttpCollector::start();
    let recorder = Recorder::default();
    let pipeline = builder()
        .endpoint(collector.url())
        .without_exporter()
        .span_processor(recorder.clone())
        .build()
        .unwrap();
    spans(&pipeline, 3);
    assert_eq!(pipeline.shutdown(LONG).unwrap(), Stats::default());
    assert_eq!(recorder.ended.load(Ordering::SeqCst), 3);
    assert!(collector.inbox.all().is_empty());
}
