//! Death at every step: by a disk that stops, and by SIGKILL.

use std::env;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::{self, ChildStderr, Command, Stdio};

use super::disks::Dying;
use super::*;

const CHILD: &str = "RUM_TRACE_SPOOL_TEST_DIRECTORY";

/// The directory to work in, if this process is a test's child.
pub(super) fn child_directory() -> Option<PathBuf> {
    env::var_os(CHILD).map(PathBuf::from)
}

/// This test binary once more, running one test as a process of its own. It
/// reports by lines on standard error, which the test harness leaves alone.
pub(super) struct Child {
    process: process::Child,
    reports: BufReader<ChildStderr>,
}

impl Child {
    /// `test` is relative to the spool's tests.
    pub(super) fn spawn(test: &str, dir: &Path) -> Self {
        let here = module_path!().trim_end_matches("crash");
        // Without the crate's name, as the harness calls its tests.
        let (_, tests) = here.split_once("::").unwrap();
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", &format!("{tests}{test}")])
            .env(CHILD, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let reports = BufReader::new(process.stderr.take().unwrap());
        Self { process, reports }
    }

    /// In the child: says something to the parent, in one piece.
    pub(super) fn report(line: &str) {
        io::stderr()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    /// In the child: not longer than the parent lives, whose end closes the
    /// pipe.
    pub(super) fn wait_for_death() -> ! {
        let _ = io::stdin().read(&mut [0]);
        process::exit(1)
    }

    /// The next whole line.
    pub(super) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.reports.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(str::to_owned)
    }

    /// SIGKILL, and the lines that were still under way.
    pub(super) fn kill(&mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::iter::from_fn(|| self.line()).collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const CAP: u64 = 8;

/// In the child.
fn put_until_killed(dir: &Path) -> ! {
    let mut spool = Spool::open(dir, CAP * BLOCK).unwrap();
    for number in 0..100_000 {
        // Of one block, with every length in it.
        let evicted = stored(spool.put(&record(number, 1, number as usize * 61 % 4000)));
        Child::report(&format!("{number} {}", evicted.batches));
    }
    process::exit(1)
}

/// The last number that was said to be stored, and how many were said to be
/// evicted.
fn last_report(reports: &[String]) -> (u64, u64) {
    let parsed = reports.iter().map(|line| {
        let (number, evicted) = line.split_once(' ').expect(line);
        (
            number.parse::<u64>().unwrap(),
            evicted.parse::<u64>().unwrap(),
        )
    });
    parsed.fold((0, 0), |(_, sum), (number, evicted)| {
        (number, sum + evicted)
    })
}

#[test]
fn what_was_stored_survives_sigkill_in_a_loop_of_puts() {
    if let Some(dir) = child_directory() {
        put_until_killed(&dir);
    }
    for reports_until_death in 1..=24 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Child::spawn(
            "crash::what_was_stored_survives_sigkill_in_a_loop_of_puts",
            dir.path(),
        );
        let mut reports: Vec<_> = (0..reports_until_death)
            .map(|_| child.line().expect("the child runs"))
            .collect();
        reports.extend(child.kill());
        let (last, evicted) = last_report(&reports);

        let mut spool = open(&dir, CAP * BLOCK);
        check(&spool, &dir, CAP * BLOCK);
        let found = drain(&mut spool);
        // The put that was under way may be done, and may have evicted one.
        let (first, newest) = (found[0], found[found.len() - 1]);
        assert!(found.iter().copied().eq(first..=newest), "{found:?}");
        assert!(
            newest == last || newest == last + 1,
            "{found:?}, stored {last}"
        );
        assert!(
            first == evicted || first == evicted + 1,
            "{found:?}, evicted {evicted}"
        );
        assert_eq!(spool.set_aside_count(), Count::default());
        assert_eq!(names(dir.path()), ["lock"]);
    }
}

/// The process dies in place of each change that it makes to the disk, with
/// any part of the file written.
#[test]
fn death_at_each_step_of_a_put() {
    let file = HEADER_LEN + 8;
    for written in [0, 1, HEADER_LEN - 1, HEADER_LEN, file - 1, file] {
        let mut changes = 0;
        while !dies_in_put(changes, written) {
            changes += 1;
        }
        assert_eq!(changes, 3, "a write, a deletion and a rename");
    }
}

/// `true` if the fourth batch in a spool of three was stored in spite of
/// death.
fn dies_in_put(changes: u32, written: usize) -> bool {
    let dir = filled(3);
    let disk = Dying::new(written);
    let mut spool = open_on(&disk, &dir, 3 * BLOCK);
    disk.after(changes);
    let put = spool.put(&small(3));
    drop(spool);

    let mut spool = open(&dir, PLENTY);
    assert_eq!(spool.set_aside_count(), Count::default());
    assert!(names(dir.path()).iter().all(|name| !name.ends_with("tmp")));
    let expected: &[u64] = match changes {
        0 | 1 => &[0, 1, 2],
        2 => &[1, 2],
        _ => &[1, 2, 3],
    };
    assert_eq!(drain(&mut spool), expected, "after {changes} changes");
    matches!(put, Put::Stored { .. })
}

/// A batch whose deletion was lost comes again: at least once.
#[test]
fn death_before_the_deletion_sends_again() {
    let dir = filled(2);
    let disk = Dying::new(0);
    let mut spool = open_on(&disk, &dir, PLENTY);
    let (id, _) = spool.oldest().unwrap();
    disk.after(0);
    assert!(spool.remove(id));
    drop(spool);
    assert_eq!(drain(&mut open(&dir, PLENTY)), [0, 1]);
}
