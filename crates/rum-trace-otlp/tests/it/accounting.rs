//! Every span is in one place, at every moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use rum_trace_otlp::{DropReason, FlushError, Pipeline, Stats};

use super::support::http::{HttpCollector, Reply};
use super::support::{LONG, SHORT, builder, spans};

/// The identity that the documentation gives.
pub(super) fn assert_complete(stats: &Stats) {
    let dropped: u64 = DropReason::ALL
        .map(|reason| stats.dropped(reason))
        .iter()
        .sum();
    let places = stats.exported() + stats.rejected() + dropped;
    let places = places + stats.spooled() + stats.queued() + stats.in_flight();
    assert_eq!(stats.ended() + stats.recovered(), places, "{stats:?}");
    assert_eq!(stats.lost(), stats.rejected() + dropped);
}

#[test]
fn the_books_are_right_at_every_moment() {
    // Everything that a collector may answer, in turn.
    let collector = HttpCollector::answering(|n| match n % 7 {
        1 => Reply::status(503),
        2 => Reply::status(400),
        3 => Reply::partial(3, "some"),
        4 => Reply::status(429).header("retry-after", "0"),
        _ => Reply::ok(),
    });
    let pipeline = builder()
        .endpoint(collector.url())
        .max_queue_size(500)
        .max_export_batch_size(50)
        .scheduled_delay(Duration::from_millis(5))
        .build()
        .unwrap();
    let pipeline = Arc::new(pipeline);
    let done = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (pipeline, done) = (Arc::clone(&pipeline), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut looks = 0_u64;
            while !done.load(Ordering::Acquire) {
                assert_complete(&pipeline.stats());
                looks += 1;
            }
            looks
        })
    };
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let pipeline = Arc::clone(&pipeline);
            std::thread::spawn(move || spans(&pipeline, 5_000))
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    done.store(true, Ordering::Release);
    assert!(watcher.join().unwrap() > 100, "it has looked often");

    let pipeline = Arc::into_inner(pipeline).unwrap();
    let error = pipeline.shutdown(LONG).unwrap_err();
    let stats = error.stats().unwrap();
    assert_complete(stats);
    assert_eq!((stats.ended(), stats.open()), (20_000, 0));
    assert_eq!(stats.queued() + stats.in_flight(), 0);
    assert!(
        stats.rejected() > 0 && stats.dropped(DropReason::Refused) > 0,
        "{stats}"
    );
}

#[test]
fn spans_that_have_not_ended_are_open() {
    let collector = HttpCollector::start();
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    let tracer = pipeline.tracer_provider().tracer("test");
    let span = tracer.start("open");
    assert_eq!((pipeline.stats().open(), pipeline.stats().ended()), (1, 0));
    drop(span);
    assert_eq!((pipeline.stats().open(), pipeline.stats().ended()), (0, 1));
}

/// What was sent before the collector went, and what ends while it is away.
#[test]
fn a_collector_that_comes_back_gets_everything() {
    let collector = HttpCollector::start();
    let url = collector.url();
    let pipeline = builder()
        .endpoint(&url)
        .scheduled_delay(Duration::from_millis(10))
        .build()
        .unwrap();
    spans(&pipeline, 100);
    pipeline.flush().unwrap();
    let first = collector.inbox.span_names().len();
    drop(collector);

    spans(&pipeline, 10_000);
    // Not before an attempt has failed.
    let waiting = |stats: &Stats| stats.queued() + stats.in_flight() == 10_000;
    assert!(waiting(&pipeline.stats()), "{}", pipeline.stats());
    match pipeline.flush() {
        Err(FlushError::Timeout(_)) => {}
        other => panic!("{other:?}"),
    }
    assert!(waiting(&pipeline.stats()), "{}", pipeline.stats());

    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let collector = HttpCollector::on(port);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!((stats.exported(), stats.lost()), (10_100, 0));
    assert_eq!((first, collector.inbox.span_names().len()), (100, 10_000));
}

#[test]
fn what_is_too_old_or_too_much_goes_and_the_oldest_first() {
    let down = |builder: rum_trace_otlp::PipelineBuilder| {
        let address = rum_trace_loopback::reserved();
        builder
            .endpoint(format!("http://{address}"))
            .scheduled_delay(Duration::from_millis(1))
            .max_export_batch_size(100)
            .build()
            .unwrap()
    };
    let lost = |pipeline: &Pipeline, reason| {
        let end = Instant::now() + LONG;
        while pipeline.stats().dropped(reason) == 0 {
            assert!(Instant::now() < end, "{}", pipeline.stats());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_complete(&pipeline.stats());
    };
    let pipeline = down(builder().keep_for(Duration::from_millis(50)));
    spans(&pipeline, 10);
    lost(&pipeline, DropReason::RetryExpired);

    let pipeline = down(builder().max_kept_bytes(64 << 10));
    spans(&pipeline, 5_000);
    lost(&pipeline, DropReason::QueueFull);
    let error = pipeline.shutdown(SHORT).unwrap_err();
    assert_eq!(error.lost(), 5_000);
}

#[test]
fn spans_that_end_after_the_shutdown_are_dropped() {
    let collector = HttpCollector::start();
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    let tracer = pipeline.tracer_provider().tracer("test");
    let late = tracer.start("late");
    spans(&pipeline, 1);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!(
        (stats.exported(), stats.open()),
        (1, 1),
        "one is still open"
    );
    drop(late);
    assert_eq!(collector.inbox.span_names(), ["span 0"]);
}

/// Spans that end faster than they are encoded: the queue is never empty.
#[test]
fn a_queue_that_never_gets_empty_holds_nothing_up() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .max_queue_size(1_000)
        .max_export_batch_size(100)
        .build()
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    spans(&pipeline, 100);
                }
            });
        }
        let end = Instant::now() + LONG;
        while pipeline.stats().exported() < 1_000 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        // What ended before is sent, whatever ends meanwhile.
        let flushed = pipeline.flush();
        done.store(true, Ordering::Release);
        assert!(
            !matches!(flushed, Err(FlushError::Timeout(_))),
            "{flushed:?}"
        );
    });
    let stats = pipeline.stats();
    assert!(stats.exported() >= 1_000, "{stats}");
    assert!(stats.dropped(DropReason::QueueFull) > 0, "{stats}");
    assert_complete(&stats);
}

#[test]
fn the_sdk_is_told_of_losses_too() {
    let collector = HttpCollector::answering(|_| Reply::status(400));
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    let provider = pipeline.tracer_provider().clone();
    spans(&pipeline, 1);
    let flushed = format!("{:?}", provider.force_flush());
    assert!(flushed.contains("1 spans were not delivered"), "{flushed}");
    let shutdown = format!("{:?}", provider.shutdown());
    assert!(shutdown.contains("refused 1"), "{shutdown}");
    assert_eq!(pipeline.shutdown(LONG).unwrap_err().lost(), 1);
}

/// Both wait for the same end.
#[test]
fn a_second_shutdown_waits_for_the_first() {
    let collector = HttpCollector::answering(|_| Reply::ok().after(Duration::from_millis(300)));
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    let provider = pipeline.tracer_provider().clone();
    spans(&pipeline, 1);
    std::thread::scope(|scope| {
        scope.spawn(|| provider.shutdown().unwrap());
        while provider
            .tracer("late")
            .start("late")
            .span_context()
            .is_valid()
        {
            std::thread::yield_now();
        }
        let stats = pipeline.shutdown(LONG).unwrap();
        assert_eq!((stats.queued(), stats.in_flight()), (0, 0), "{stats}");
    });
}
