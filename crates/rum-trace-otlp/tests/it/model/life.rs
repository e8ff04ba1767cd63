//! Runs the operations of a case, and looks at the books after each of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, Tracer as _,
    TracerProvider as _,
};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use rum_trace_otlp::{DropReason, FlushError, Pipeline, ShutdownError, Stats, StatsHandle};
use tempfile::TempDir;

use super::answer::{Answer, Log};
use super::case::{Case, End, Life, Op, Setup, Text, Way};
use super::collector::{Collector, LIFE};
use super::disk;
use super::exporter::{Script, Scripted};
use super::seen;
use super::verdict::{self, Record};
use crate::accounting::assert_complete;
use crate::support::{LONG, builder};

/// Too short for anything but giving up.
const SHORT: Duration = Duration::from_millis(60);

/// What outlives a pipeline.
pub(super) struct World {
    way: Way,
    log: Log,
    collector: Collector,
    script: Script,
    dir: TempDir,
    spans: usize,
}

impl World {
    pub(super) fn of(case: &Case) -> Self {
        let log = Log::default();
        Self {
            way: case.way,
            collector: Collector::start(log.clone()),
            script: Script::new(),
            dir: tempfile::tempdir().unwrap(),
            spans: 0,
            log,
        }
    }

    /// What it has seen, by name.
    pub(super) fn run(&mut self, case: &Case) -> BTreeSet<&'static str> {
        let mut records = Vec::new();
        for life in &case.lives {
            records.push(self.live(records.len(), life));
        }
        if self.way == Way::HttpWithSpool {
            records.push(self.drain(records.len()));
        }
        verdict::of_all(&records, &self.log);
        seen::of(&records, &self.log)
    }

    fn live(&mut self, number: usize, life: &Life) -> Record {
        let mut running = Running::start(self, number, life.setup);
        for op in &life.ops {
            running.apply(*op);
            running.look();
        }
        let record = running.end(life.end, life.race);
        verdict::of_life(&record, &self.log);
        record
    }

    /// A last life, in which all that is on disk is delivered.
    fn drain(&mut self, number: usize) -> Record {
        let setup = Setup {
            queue: 100,
            queue_bytes: Setup::PLENTY,
            batch: 100,
            delay: Duration::from_millis(1),
            kept_bytes: Setup::PLENTY,
            keep_for: Setup::FOREVER,
            spool_bytes: Setup::PLENTY,
        };
        self.answer_with(Answer::Accepted);
        let mut running = Running::start(self, number, setup);
        let end = Instant::now() + LONG;
        while running.look().spooled() > 0 {
            assert!(Instant::now() < end, "{}", running.last);
            std::thread::sleep(Duration::from_millis(2));
        }
        let record = running.end(End::Shutdown(Answer::Accepted), false);
        verdict::of_life(&record, &self.log);
        assert_eq!(record.left, Vec::<String>::new());
        record
    }

    fn answer(&self) -> Answer {
        match self.way {
            Way::Exporter => self.script.answer(),
            _ => self.collector.answer(),
        }
    }

    fn set_answer(&self, answer: Answer) {
        self.collector.set_answer(answer);
        self.script.set_answer(answer);
    }

    /// Whether nothing is kept waiting now.
    fn flows(&self) -> bool {
        match self.way {
            Way::Exporter => self.answer() != Answer::Hold,
            _ => !self.collector.is_away() && self.answer().accepts(),
        }
    }

    /// With a collector that is there.
    fn answer_with(&mut self, answer: Answer) {
        self.set_answer(answer);
        self.collector.come_back();
    }

    fn build(&self, life: usize, setup: Setup) -> Pipeline {
        let builder = builder()
            .endpoint(format!("http://{}", self.collector.address))
            .header(LIFE, life.to_string())
            .timeout(LONG)
            .max_queue_size(setup.queue)
            .max_queue_bytes(setup.queue_bytes)
            .max_export_batch_size(setup.batch)
            .scheduled_delay(setup.delay)
            .max_kept_bytes(setup.kept_bytes)
            .keep_for(setup.keep_for);
        let builder = match self.way {
            Way::Http => builder,
            Way::HttpWithSpool => builder.spool(self.dir.path(), setup.spool_bytes),
            Way::Exporter => builder.span_exporter(Scripted {
                life,
                script: self.script.clone(),
                log: self.log.clone(),
            }),
        };
        builder.build().unwrap()
    }

    fn on_disk(&self) -> Vec<String> {
        if self.dir.path().join("lock").exists() {
            disk::spans(self.dir.path())
        } else {
            Vec::new()
        }
    }

    fn names(&mut self, count: usize) -> Vec<String> {
        let first = self.spans;
        self.spans += count;
        (first..self.spans).map(|n| format!("span {n}")).collect()
    }
}

impl Drop for World {
    /// Nobody is kept waiting for ever.
    fn drop(&mut self) {
        self.set_answer(Answer::Accepted);
    }
}

/// One life.
struct Running<'a> {
    world: &'a mut World,
    /// There until the end.
    pipeline: Option<Pipeline>,
    tracer: SdkTracer,
    handle: StatsHandle,
    open: Vec<(String, Span)>,
    record: Record,
    /// As it was at the last look.
    last: Stats,
}

impl<'a> Running<'a> {
    fn start(world: &'a mut World, number: usize, setup: Setup) -> Self {
        let found = world.on_disk();
        let pipeline = world.build(number, setup);
        let mut running = Running {
            tracer: pipeline.tracer_provider().tracer("model"),
            handle: pipeline.stats_handle(),
            pipeline: Some(pipeline),
            open: Vec::new(),
            record: Record::new(number, world.way, setup, found),
            last: Stats::default(),
            world,
        };
        running.look();
        running
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::End {
                threads,
                each,
                text,
            } => self.end_spans(threads, each, text),
            Op::Begin(spans) => self.begin(spans),
            Op::EndOpen { spans, elsewhere } => {
                let spans = self.open.len().min(spans);
                self.end_open(spans, elsewhere);
            }
            Op::Unsampled(spans) => self.unsampled(spans),
            Op::Answer(answer) => self.world.set_answer(answer),
            Op::Away => self.world.collector.go_away(),
            Op::Back => self.world.collector.come_back(),
            Op::Flush => self.flush(),
            Op::Pause(millis) => std::thread::sleep(Duration::from_millis(millis)),
        }
    }

    fn end_spans(&mut self, threads: usize, each: usize, text: Text) {
        let tracer = &self.tracer;
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let names = self.world.names(each);
                self.record.ended(&names, text);
                scope.spawn(move || {
                    names
                        .into_iter()
                        .for_each(|name| end_span(tracer, name, text));
                });
            }
            for _ in 0..20 {
                assert_complete(&self.handle.stats());
            }
        });
    }

    fn begin(&mut self, spans: usize) {
        for name in self.world.names(spans) {
            let span = self.tracer.start(name.clone());
            self.open.push((name, span));
        }
    }

    fn end_open(&mut self, spans: usize, elsewhere: bool) {
        let (names, spans): (Vec<_>, Vec<_>) = self.open.drain(..spans).unzip();
        self.record.ended(&names, Text::Short);
        if elsewhere {
            std::thread::spawn(move || drop(spans)).join().unwrap();
        }
    }

    fn unsampled(&self, spans: usize) {
        let parent = SpanContext::new(
            TraceId::from(1),
            SpanId::from(1),
            TraceFlags::default(),
            true,
            opentelemetry::trace::TraceState::default(),
        );
        let parent = opentelemetry::Context::new().with_remote_span_context(parent);
        for _ in 0..spans {
            drop(self.tracer.start_with_context("unsampled", &parent));
        }
    }

    /// If batches are kept waiting when it begins, they are not when it ends.
    fn flush(&mut self) {
        let (pipeline, world) = (self.pipeline.as_ref().unwrap(), &mut *self.world);
        let result = std::thread::scope(|scope| {
            let flush = scope.spawn(|| pipeline.flush());
            if !world.flows() {
                std::thread::sleep(Duration::from_millis(5));
                world.answer_with(Answer::Accepted);
            }
            flush.join().unwrap()
        });
        self.flushed(&result);
    }

    fn flushed(&mut self, result: &Result<(), FlushError>) {
        let lost = self.last.lost();
        let stats = self.look();
        match result {
            Ok(()) => {
                assert_eq!(stats.queued() + stats.in_flight(), 0, "{stats}");
                self.record.nothing_waits();
            }
            // A small spool may deliver what it had given up before.
            Err(FlushError::NotDelivered { spans, .. }) => assert!(
                self.record.gives_up_files() || *spans <= stats.lost() - lost,
                "{spans} of {stats}"
            ),
            // The exporter's pause had become longer than a flush is.
            Err(FlushError::Timeout(_)) => {}
            other => panic!("{other:?}"),
        }
    }

    /// The books, which must be right at any time.
    fn look(&mut self) -> Stats {
        let stats = self.handle.stats();
        self.record.open = self.open.len();
        verdict::so_far(&self.record, &self.last, &stats, &self.world.log);
        self.last = stats;
        stats
    }

    fn end(mut self, end: End, race: bool) -> Record {
        if let End::Shutdown(answer) | End::Drop(answer) = end {
            self.world.answer_with(answer);
        }
        self.look();
        let racing = self.world.names(if race { 50 } else { 0 });
        self.record.ends(&racing);
        let told = self.race(end, racing);
        self.record.left = self.world.on_disk();
        if let (Some(told), false) = (&told, race) {
            shut_down(told, &self.handle.stats());
        }
        // Half of what is open ends now, the rest never.
        let half = self.open.len().div_ceil(2);
        let late: Vec<_> = self.open.drain(..half).collect();
        self.record.late(late.iter().map(|(name, _)| name.clone()));
        drop(late);
        self.look();
        self.record.stats = self.last;
        self.record
    }

    /// The end, beside spans that end at the same time.
    fn race(&mut self, end: End, racing: Vec<String>) -> Option<Result<Stats, ShutdownError>> {
        let pipeline = self.pipeline.take().unwrap();
        let start = Instant::now();
        let tracer = &self.tracer;
        let told = std::thread::scope(|scope| {
            scope.spawn(move || {
                for name in racing {
                    end_span(tracer, name, Text::Short);
                    std::thread::sleep(Duration::from_micros(20));
                }
            });
            match end {
                End::Shutdown(_) => Some(pipeline.shutdown(LONG)),
                End::ShortShutdown => Some(pipeline.shutdown(SHORT)),
                End::Drop(_) => {
                    drop(pipeline);
                    None
                }
            }
        });
        // The pipeline waits for its thread for half a second longer than it
        // may take. If it has not waited so long, the thread was in time.
        let in_time = start.elapsed() < SHORT + Duration::from_millis(400);
        self.record.certain = matches!(end, End::Shutdown(_));
        self.record.in_time = self.record.certain || in_time;
        told
    }
}

fn end_span(tracer: &SdkTracer, name: String, text: Text) {
    let mut span = tracer.start(name);
    span.set_attribute(KeyValue::new("text", "x".repeat(text.bytes())));
    span.end();
}

/// The result of a shutdown says what the books say.
fn shut_down(result: &Result<Stats, ShutdownError>, stats: &Stats) {
    match result {
        Ok(told) => assert_eq!((told, stats.lost()), (stats, 0)),
        Err(error) => {
            assert!(error.lost() > 0, "{error}");
            assert_eq!(error.stats(), Some(stats));
            let late = stats.dropped(DropReason::ShutdownDeadline) > 0;
            let deadline = matches!(error, ShutdownError::DeadlineExceeded { .. });
            assert_eq!(deadline, late, "{error}");
        }
    }
}
