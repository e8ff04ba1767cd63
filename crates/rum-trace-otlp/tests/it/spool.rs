//! What memory would lose goes to disk, and from there to the collector.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rum_trace_loopback::reserved;
use rum_trace_otlp::{DropReason, Pipeline, PipelineBuilder, PipelineError, Stats};

use super::accounting::assert_complete;
use super::support::http::{HttpCollector, Reply};
use super::support::{LONG, builder, spans};

const CAP: u64 = 64 << 20;

/// A fifth of it is for writing to a disk that may be slow.
const DEADLINE: Duration = Duration::from_secs(3);

fn down(dir: &Path) -> PipelineBuilder {
    builder()
        .endpoint(format!("http://{}", reserved()))
        .scheduled_delay(Duration::from_millis(1))
        .max_export_batch_size(10)
        .spool(dir, CAP)
}

fn batches(dir: &Path) -> usize {
    let files = std::fs::read_dir(dir).unwrap();
    files
        .filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            name.to_string_lossy().ends_with(".otlp")
        })
        .count()
}

/// Three spans on disk, and nobody who uses it.
fn fill(builder: PipelineBuilder) {
    let pipeline = builder.keep_for(Duration::ZERO).build().unwrap();
    spans(&pipeline, 3);
    wait(&pipeline, |stats| stats.spooled() == 3);
    assert_eq!(pipeline.shutdown(DEADLINE).unwrap().spooled(), 3);
}

/// Waits until `what` holds.
fn wait(pipeline: &Pipeline, what: impl Fn(&Stats) -> bool) -> Stats {
    let end = Instant::now() + LONG;
    loop {
        let stats = pipeline.stats();
        assert_complete(&stats);
        if what(&stats) {
            return stats;
        }
        assert!(Instant::now() < end, "{stats}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_a_shutdown_cannot_send_is_sent_after_the_restart() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = down(dir.path()).build().unwrap();
    spans(&pipeline, 35);
    let stats = pipeline.shutdown(DEADLINE).unwrap();
    assert_complete(&stats);
    assert_eq!(
        (stats.spooled(), stats.lost(), stats.exported()),
        (35, 0, 0)
    );
    assert!(batches(dir.path()) > 0);

    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .spool(dir.path(), CAP)
        .build()
        .unwrap();
    assert_eq!(pipeline.stats().recovered(), 35);
    wait(&pipeline, |stats| stats.spooled() == 0);
    spans(&pipeline, 5);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!(
        (stats.exported(), stats.ended(), stats.recovered()),
        (40, 5, 35)
    );
    assert_eq!(collector.inbox.span_names().len(), 40);
    assert_eq!(batches(dir.path()), 0);
}

#[test]
fn what_is_too_old_for_memory_waits_on_disk_for_the_collector() {
    let dir = tempfile::tempdir().unwrap();
    let collector = HttpCollector::start();
    let url = collector.url();
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    drop(collector);
    let pipeline = builder()
        .endpoint(&url)
        .scheduled_delay(Duration::from_millis(1))
        .keep_for(Duration::from_millis(20))
        .spool(dir.path(), CAP)
        .build()
        .unwrap();
    spans(&pipeline, 1_000);
    let stats = wait(&pipeline, |stats| stats.spooled() == 1_000);
    assert_eq!(stats.lost(), 0);
    let collector = HttpCollector::on(port);
    wait(&pipeline, |stats| stats.exported() == 1_000);
    assert_eq!(collector.inbox.span_names().len(), 1_000);
    assert_eq!(pipeline.shutdown(LONG).unwrap().lost(), 0);
}

#[test]
fn a_directory_is_for_one_pipeline() {
    let dir = tempfile::tempdir().unwrap();
    let first = down(dir.path()).build().unwrap();
    let error = down(dir.path()).build().unwrap_err();
    assert!(matches!(error, PipelineError::Spool { .. }), "{error:?}");
    assert!(error.to_string().contains("in use by another"), "{error}");
    drop(first);
}

#[test]
fn over_its_limit_the_oldest_go_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = down(dir.path())
        .keep_for(Duration::ZERO)
        .spool(dir.path(), 64 << 10)
        .build()
        .unwrap();
    spans(&pipeline, 2_000);
    wait(&pipeline, |stats| {
        let full = stats.dropped(DropReason::SpoolFull);
        full > 0 && stats.spooled() + full == 2_000
    });
    let error = pipeline.shutdown(DEADLINE).unwrap_err();
    let stats = error.stats().unwrap();
    assert_complete(stats);
    let full = stats.dropped(DropReason::SpoolFull);
    assert_eq!(
        (stats.spooled() + full, stats.lost()),
        (2_000, full),
        "{stats}"
    );
}

#[test]
fn a_batch_on_disk_that_the_collector_refuses_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    fill(down(dir.path()));
    let collector = HttpCollector::answering(|_| Reply::status(400));
    let pipeline = builder()
        .endpoint(collector.url())
        .spool(dir.path(), CAP)
        .build()
        .unwrap();
    wait(&pipeline, |stats| stats.dropped(DropReason::Refused) == 3);
    assert_eq!(batches(dir.path()), 0);
}

#[cfg(all(feature = "gzip", feature = "zstd"))]
#[test]
fn the_compression_may_change_between_two_starts() {
    use rum_trace_otlp::Compression;

    let all = [Compression::None, Compression::Gzip, Compression::Zstd];
    for (before, after) in all.into_iter().flat_map(|a| all.map(|b| (a, b))) {
        let dir = tempfile::tempdir().unwrap();
        fill(down(dir.path()).compression(before));
        let collector = HttpCollector::start();
        let pipeline = builder()
            .endpoint(collector.url())
            .compression(after)
            .spool(dir.path(), CAP)
            .build()
            .unwrap();
        wait(&pipeline, |stats| stats.exported() == 3);
        assert_eq!(
            collector.inbox.span_names().len(),
            3,
            "{before:?} {after:?}"
        );
    }
}

const CHILD: &str = "RUM_TRACE_OTLP_TEST_SPOOL";

/// Not a test of its own: what the child of the next one does.
#[test]
fn the_child_that_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let pipeline = down(Path::new(&dir))
        .keep_for(Duration::ZERO)
        .build()
        .unwrap();
    for round in 1.. {
        spans(&pipeline, 10);
        wait(&pipeline, |stats| stats.spooled() >= round * 10);
        eprintln!("spooled {}", pipeline.stats().spooled());
    }
}

#[test]
fn what_was_spooled_survives_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "spool::the_child_that_is_killed", "--nocapture"])
        .env(CHILD, dir.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let spooled = lines
        .filter_map(|line| {
            line.unwrap()
                .strip_prefix("spooled ")?
                .parse::<usize>()
                .ok()
        })
        .find(|count| *count >= 200)
        .unwrap();
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();

    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .spool(dir.path(), CAP)
        .build()
        .unwrap();
    wait(&pipeline, |stats| stats.spooled() == 0);
    pipeline.shutdown(LONG).unwrap();
    let received = collector.inbox.span_names().len();
    assert!(received >= spooled, "{received} of {spooled}");
}
