//! Start and end, with each kind of runtime and with none.

use std::time::{Duration, Instant};

use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use rum_trace_loopback::reserved;
use rum_trace_otlp::{DropReason, FlushError, Pipeline, PipelineBuilder, ShutdownError, Stats};

use super::support::http::{HttpCollector, Reply};
use super::support::{LONG, builder, spans};

/// Each transport, with a collector that goes with it.
fn transports() -> Vec<(
    PipelineBuilder,
    super::support::Inbox,
    Box<dyn std::any::Any>,
)> {
    let http = HttpCollector::start();
    #[cfg_attr(not(feature = "grpc"), allow(unused_mut))]
    let mut all: Vec<(_, _, Box<dyn std::any::Any>)> = vec![(
        builder().endpoint(http.url()),
        http.inbox.clone(),
        Box::new(http),
    )];
    #[cfg(feature = "grpc")]
    {
        let grpc = super::support::grpc::GrpcCollector::start();
        all.push((
            builder()
                .protocol(rum_trace_otlp::Protocol::Grpc)
                .endpoint(grpc.url()),
            grpc.inbox.clone(),
            Box::new(grpc),
        ));
    }
    all
}

#[test]
fn without_any_runtime() {
    for (builder, inbox, _collector) in transports() {
        let pipeline = builder.build().unwrap();
        spans(&pipeline, 5);
        pipeline.shutdown(LONG).unwrap();
        assert_eq!(inbox.span_names().len(), 5);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn shut_down_inline_on_a_current_thread_runtime() {
    for (builder, inbox, _collector) in transports() {
        let pipeline = builder.build().unwrap();
        spans(&pipeline, 5);
        pipeline.flush().unwrap();
        spans(&pipeline, 5);
        pipeline.shutdown(LONG).unwrap();
        assert_eq!(inbox.span_names().len(), 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shut_down_inline_on_a_multi_thread_runtime() {
    for (builder, inbox, _collector) in transports() {
        let pipeline = builder.build().unwrap();
        spans(&pipeline, 5);
        pipeline.shutdown(LONG).unwrap();
        assert_eq!(inbox.span_names().len(), 5);
    }
}

#[test]
fn the_runtime_it_was_built_in_may_be_gone() {
    for (builder, inbox, _collector) in transports() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let pipeline = runtime.block_on(async {
            let pipeline = builder.build().unwrap();
            spans(&pipeline, 5);
            pipeline.flush().unwrap();
            pipeline
        });
        drop(runtime);
        spans(&pipeline, 5);
        pipeline.shutdown(LONG).unwrap();
        assert_eq!(inbox.span_names().len(), 10);
    }
}

#[test]
fn a_pipeline_that_is_dropped_flushes() {
    for (builder, inbox, _collector) in transports() {
        let pipeline = builder.build().unwrap();
        spans(&pipeline, 5);
        drop(pipeline);
        assert_eq!(inbox.span_names().len(), 5);
    }
}

#[test]
fn the_deadline_holds_and_what_was_open_is_lost() {
    let collector = HttpCollector::answering(|_| Reply::ok().after(LONG));
    let pipeline = builder()
        .endpoint(collector.url())
        .max_export_batch_size(2)
        .timeout(LONG)
        .build()
        .unwrap();
    spans(&pipeline, 7);
    let provider = pipeline.tracer_provider().clone();
    let deadline = Duration::from_millis(300);
    let start = Instant::now();
    let error = pipeline.shutdown(deadline).unwrap_err();
    assert!(start.elapsed() < LONG / 2, "{:?}", start.elapsed());
    assert!(
        matches!(error, ShutdownError::DeadlineExceeded { .. }),
        "{error:?}"
    );
    let stats = error.stats().unwrap();
    assert_eq!((stats.ended(), stats.lost(), stats.exported()), (7, 7, 0));
    assert!(error.to_string().contains("300ms"), "{error}");
    drop(provider);
}

#[test]
fn the_longest_deadline_is_none_at_all() {
    let collector = HttpCollector::start();
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 1);
    assert_eq!(pipeline.shutdown(Duration::MAX).unwrap().exported(), 1);
}

#[test]
fn a_full_queue_drops_and_counts() {
    let collector = HttpCollector::answering(|_| Reply::ok().after(Duration::from_millis(100)));
    let pipeline = builder()
        .endpoint(collector.url())
        .max_queue_size(10)
        .build()
        .unwrap();
    spans(&pipeline, 1_000);
    let full = |stats: &Stats| stats.dropped(DropReason::QueueFull);
    assert!(full(&pipeline.stats()) > 0, "{}", pipeline.stats());
    let error = pipeline.shutdown(LONG).unwrap_err();
    let stats = error.stats().unwrap();
    assert_eq!(stats.ended(), 1_000);
    assert_eq!(stats.exported() + full(stats), 1_000);
    assert_eq!(collector.inbox.span_names().len() as u64, stats.exported());
}

#[test]
fn unsampled_spans_are_neither_exported_nor_counted() {
    use opentelemetry_sdk::trace::Sampler;

    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .sampler(Sampler::AlwaysOff)
        .build()
        .unwrap();
    spans(&pipeline, 5);
    assert_eq!(pipeline.shutdown(LONG).unwrap().ended(), 0);
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn spans_after_the_shutdown_are_harmless() {
    let collector = HttpCollector::start();
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    let provider = pipeline.tracer_provider().clone();
    pipeline.shutdown(LONG).unwrap();
    provider.tracer("late").in_span("late", |_| {});
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn a_provider_that_somebody_else_shut_down_loses_nothing() {
    let collector = HttpCollector::start();
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 3);
    pipeline.tracer_provider().shutdown().unwrap();
    assert_eq!(pipeline.flush(), Err(FlushError::AfterShutdown));
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
}

#[test]
fn the_global_provider_is_the_pipelines() {
    let collector = HttpCollector::start();
    let pipeline = builder().endpoint(collector.url()).install().unwrap();
    opentelemetry::global::tracer("global").in_span("through the global one", |_| {});
    pipeline.shutdown(LONG).unwrap();
    assert!(
        collector
            .inbox
            .span_names()
            .contains(&"through the global one".to_owned())
    );
}

#[test]
fn many_threads_at_once_lose_nothing() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .max_queue_size(100_000)
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| spans(&pipeline, 1_000));
        }
    });
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 8_000);
    assert_eq!(collector.inbox.span_names().len(), 8_000);
}

#[test]
fn a_dropped_pipeline_with_a_dead_collector_ends() {
    let pipeline = builder()
        .endpoint(format!("http://{}", reserved()))
        .timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    spans(&pipeline, 1);
    drop(pipeline);
}

#[test]
fn a_pipeline_goes_from_thread_to_thread() {
    fn assert_send_sync<T: Send + Sync>() {}
    assert_send_sync::<Pipeline>();
    fn assert_send<T: Send>() {}
    assert_send::<PipelineBuilder>();
}
