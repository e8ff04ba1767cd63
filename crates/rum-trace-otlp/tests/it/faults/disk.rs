//! A disk that is full, end to end: a real file system of 64 KiB, in a process
//! of its own that may mount one.
//!
//! What every operation of a spool does on such a disk is tested beside the
//! spool, with simulated answers where nothing can be mounted.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rum_trace_loopback::reserved;
use rum_trace_otlp::{DropReason, Pipeline, PipelineBuilder, Stats};

use super::super::accounting::assert_complete;
use super::super::support::http::HttpCollector;
use super::super::support::{LONG, builder, spans};

/// Where the child has its disk.
const CHILD: &str = "RUM_TRACE_OTLP_TEST_FULL_DISK";

/// Mounts the disk at `$0` and runs the rest there.
const IN_IT: &str = r#"mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@""#;

/// With a mount table of their own, so that nothing is left behind: as anybody,
/// where the system lets anybody have one, or as root.
const NAMESPACES: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];

fn on_a_small_disk(namespaces: &[&str], dir: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(namespaces).args(["sh", "-c", IN_IT]).arg(dir);
    command
}

#[test]
fn a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let may = |namespaces: &&&[&str]| {
        let mut probe = on_a_small_disk(namespaces, dir.path());
        probe
            .arg("true")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let Some(namespaces) = NAMESPACES.iter().find(may) else {
        eprintln!(
            "skipped: this user may mount no file system of its own; the spool's own tests \
             have the answers of a full disk from a disk that is simulated"
        );
        return;
    };
    let status = on_a_small_disk(namespaces, dir.path())
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "faults::disk::the_child_with_the_full_disk",
            "--nocapture",
        ])
        .env(CHILD, dir.path())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

/// Not a test of its own: what the child of the one above does.
#[test]
fn the_child_with_the_full_disk() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let dir = Path::new(&dir);
    let address = reserved();
    let pipeline = down(&format!("http://{address}"), dir).build().unwrap();

    // 200 batches on a disk with room for fifteen: the oldest make room.
    spans(&pipeline, 2_000);
    let stats = wait(&pipeline, |stats| settled(stats) == 2_000);
    let evicted = stats.dropped(DropReason::SpoolFull);
    assert!(evicted > 0 && stats.spooled() > 0, "{stats}");
    assert_eq!(stats.lost(), evicted, "for no other reason");

    // The collector is back, and takes what there is.
    let collector = HttpCollector::on(address.port());
    let stats = wait(&pipeline, |stats| stats.spooled() == 0);
    assert_eq!((stats.exported(), stats.lost()), (2_000 - evicted, evicted));
    assert_eq!(collector.inbox.span_names().len() as u64, stats.exported());
    drop(collector);

    // Somebody else has filled the disk: nothing can be stored, nothing hangs.
    let ballast = dir.join("ballast");
    let error = std::fs::write(&ballast, vec![0; 256 << 10]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    spans(&pipeline, 10);
    let stats = wait(&pipeline, |stats| settled(stats) == 10 + 2_000);
    assert_eq!(
        stats.dropped(DropReason::SpoolFull),
        evicted + 10,
        "{stats}"
    );

    // There is room again.
    std::fs::remove_file(&ballast).unwrap();
    spans(&pipeline, 10);
    wait(&pipeline, |stats| stats.spooled() == 10);
    let error = pipeline.shutdown(Duration::from_secs(1)).unwrap_err();
    let stats = error.stats().unwrap();
    assert_complete(stats);
    assert_eq!(
        (stats.spooled(), stats.lost()),
        (10, evicted + 10),
        "{stats}"
    );
    assert!(error.to_string().contains("the disk is full"), "{error}");

    let collector = HttpCollector::start();
    let pipeline = down(&collector.url(), dir).build().unwrap();
    assert_eq!(pipeline.stats().recovered(), 10);
    wait(&pipeline, |stats| stats.exported() == 10);
}

/// Every batch goes to the disk at once.
fn down(url: &str, dir: &Path) -> PipelineBuilder {
    builder()
        .endpoint(url)
        .scheduled_delay(Duration::from_millis(1))
        .max_export_batch_size(10)
        .keep_for(Duration::ZERO)
        .spool(dir, 64 << 20)
}

/// How many spans are either on disk or lost or exported.
fn settled(stats: &Stats) -> u64 {
    stats.ended() - stats.queued() - stats.in_flight()
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
