//! What a forked process may do, and when it may be forked.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use rum_trace_otlp::{DropReason, FlushError, Pipeline, PipelineError, ShutdownError, Stats};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, registry};

use super::child::forked;
use super::support::http::{HttpCollector, Reply};
use super::support::{LONG, builder, spans};

/// The errors that were logged. A child has those of its own.
static ERRORS: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub(super) fn run() {
    registry().with(Errors).init();
    let scenarios: [(&str, fn()); 6] = [
        ("a child counts, says and reports", counts_says_and_reports),
        ("a child that drops the pipeline ends", drops_the_pipeline),
        (
            "what waited at the fork is the parent's",
            what_waited_is_the_parents,
        ),
        (
            "books that were open at the fork hang nobody",
            open_books_hang_nobody,
        ),
        ("the spool stays the parent's", the_spool_stays_the_parents),
        (
            "a pipeline of the child's own exports",
            a_pipeline_of_its_own,
        ),
    ];
    for (name, scenario) in scenarios {
        scenario();
        println!("{name} ... ok");
    }
    println!("{} passed, 0 failed", scenarios.len());
}

fn forked_in(stats: &Stats) -> u64 {
    stats.dropped(DropReason::Forked)
}

/// The identity that the documentation gives.
fn assert_complete(stats: &Stats) {
    let places = stats.exported() + stats.lost() + stats.spooled();
    let places = places + stats.queued() + stats.in_flight();
    assert_eq!(stats.ended() + stats.recovered(), places, "{stats:?}");
}

fn counts_says_and_reports() {
    let collector = HttpCollector::start();
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 5);
    pipeline.flush().unwrap();
    let mut open = pipeline.tracer_provider().tracer("test").start("open");
    let mut pipeline = Some(pipeline);

    forked(|| {
        let pipeline = pipeline.take().unwrap();
        spans(&pipeline, 3);
        open.end();
        let stats = pipeline.stats();
        assert_complete(&stats);
        assert_eq!((stats.exported(), forked_in(&stats)), (5, 4), "{stats}");
        assert_eq!(stats.open(), 0);
        assert_eq!(pipeline.flush(), Err(FlushError::Forked));

        spans(&pipeline, 1_000);
        let result = pipeline.shutdown(LONG);
        println!("  the child's shutdown: {}", result.as_ref().unwrap_err());
        let Err(ShutdownError::Lost { stats, .. }) = result else {
            panic!("{result:?}");
        };
        assert_complete(&stats);
        assert_eq!((stats.lost(), forked_in(&stats)), (1_004, 1_004));

        let errors = ERRORS.lock().unwrap();
        println!("  the child's log: {errors:?}");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains("build the pipeline after the fork"));
    });

    open.end();
    let pipeline = pipeline.unwrap();
    spans(&pipeline, 4);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!((stats.exported(), stats.lost()), (10, 0));
    assert_eq!(collector.inbox.span_names().len(), 10);
    assert!(ERRORS.lock().unwrap().is_empty());
}

fn drops_the_pipeline() {
    let collector = HttpCollector::start();
    let mut pipeline = Some(builder().endpoint(collector.url()).build().unwrap());
    forked(|| {
        let pipeline = pipeline.take().unwrap();
        spans(&pipeline, 2);
        drop(pipeline);
        let errors = ERRORS.lock().unwrap();
        let lost = errors.iter().find(|error| error.contains("were lost"));
        assert!(lost.unwrap().contains("forked 2"), "{errors:?}");
    });
    spans(pipeline.as_ref().unwrap(), 2);
    assert_eq!(pipeline.unwrap().shutdown(LONG).unwrap().exported(), 2);
}

/// The child has a copy of it, and nobody who would send that.
fn what_waited_is_the_parents() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .scheduled_delay(Duration::from_secs(3_600))
        .build()
        .unwrap();
    spans(&pipeline, 20);
    let mut pipeline = Some(pipeline);
    forked(|| {
        let pipeline = pipeline.take().unwrap();
        spans(&pipeline, 3);
        let stats = pipeline.shutdown(LONG).unwrap_err();
        let stats = stats.stats().unwrap();
        assert_complete(stats);
        assert_eq!((forked_in(stats), stats.exported()), (23, 0));
    });
    assert_eq!(pipeline.unwrap().shutdown(LONG).unwrap().exported(), 20);
    assert_eq!(collector.inbox.span_names().len(), 20);
}

/// Threads of the parent's that hold the lock of the books nearly all the time,
/// so that it is held in most of the forks.
fn open_books_hang_nobody() {
    let collector = HttpCollector::start();
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 5);
    pipeline.flush().unwrap();
    let mut pipeline = Some(pipeline);
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (done, handle) = (Arc::clone(&done), pipeline.as_ref().unwrap().stats_handle());
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    assert_complete(&handle.stats());
                }
            })
        })
        .collect();
    for _ in 0..20 {
        forked(|| {
            let pipeline = pipeline.take().unwrap();
            spans(&pipeline, 3);
            let stats = pipeline.stats();
            assert_complete(&stats);
            // Of books that were open nothing is known.
            assert!([3, 8].contains(&forked_in(&stats)), "{stats}");
            assert_eq!(pipeline.flush(), Err(FlushError::Forked));
            assert_eq!(
                pipeline.shutdown(LONG).unwrap_err().lost(),
                forked_in(&stats)
            );
        });
    }
    done.store(true, Ordering::Relaxed);
    readers
        .into_iter()
        .for_each(|reader| reader.join().unwrap());
    spans(pipeline.as_ref().unwrap(), 5);
    assert_eq!(pipeline.unwrap().shutdown(LONG).unwrap().exported(), 10);
}

/// Neither its files nor its lock go with the child.
fn the_spool_stays_the_parents() {
    let dir = tempfile::tempdir().unwrap();
    let collector = HttpCollector::answering(|_| Reply::status(503));
    let build = |dir: &Path| {
        builder()
            .endpoint(collector.url())
            .spool(dir, 1 << 20)
            .build()
    };
    let pipeline = build(dir.path()).unwrap();
    spans(&pipeline, 7);
    let mut pipeline = Some(pipeline);
    forked(|| {
        let pipeline = pipeline.take().unwrap();
        spans(&pipeline, 1);
        assert_eq!(pipeline.shutdown(LONG).unwrap_err().lost(), 8);
    });
    let second = build(dir.path()).unwrap_err();
    assert!(matches!(second, PipelineError::Spool { .. }), "{second:?}");
    let stats = pipeline.unwrap().shutdown(Duration::from_secs(1)).unwrap();
    assert_eq!((stats.spooled(), stats.lost()), (7, 0));
    assert_eq!(build(dir.path()).unwrap().stats().recovered(), 7);
}

/// As the message says: built after the fork.
fn a_pipeline_of_its_own() {
    let collector = HttpCollector::start();
    let url = collector.url();
    let mut pipeline = Some(builder().endpoint(&url).build().unwrap());
    forked(|| {
        drop(pipeline.take());
        let own = builder().endpoint(&url).build().unwrap();
        spans(&own, 3);
        assert_eq!(own.shutdown(LONG).unwrap().exported(), 3);
    });
    assert_eq!(collector.inbox.span_names().len(), 3);
    shut_down_unused(pipeline.unwrap());
}

fn shut_down_unused(pipeline: Pipeline) {
    assert_eq!(pipeline.shutdown(LONG).unwrap(), Stats::default());
}

/// Keeps what is logged as an error.
struct Errors;

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            let mut text = Text(String::new());
            event.record(&mut text);
            ERRORS.lock().unwrap().push(text.0);
        }
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !self.0.is_empty() {
            self.0.push_str(", ");
        }
        self.0.push_str(&format!("{}={value:?}", field.name()));
    }
}
