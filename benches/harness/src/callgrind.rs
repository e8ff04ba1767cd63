//! Instructions, counted by `valgrind --tool=callgrind`: the one figure of speed
//! that a busy machine does not change.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A program is run twice, for so many requests each. What it does at its start
/// and end is in both counts, and so in neither figure.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    few: u64,
    many: u64,
}

impl Runs {
    /// For a program whose requests are done when they are served.
    pub const SHORT: Runs = Runs {
        few: 128,
        many: 640,
    };
    /// For one that makes batches of what requests leave: there are some of either size.
    pub const BATCHES: Runs = Runs {
        few: 2_048,
        many: 10_240,
    };
}

/// Instructions a request of each row, of all threads: `program row count` is run under
/// callgrind, as many at a time as there are cores.
///
/// # Errors
///
/// If valgrind is missing, or a run fails or prints no count.
pub fn instructions(
    program: &Path,
    rows: &[String],
    runs: Runs,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let counts = Mutex::new(vec![Err("not run".to_owned()); rows.len()]);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((at, row)) = take(&next, rows) {
                    let count = each(program, row, runs).map_err(|error| format!("{row}: {error}"));
                    counts.lock().expect("no thread panics with it")[at] = count;
                }
            });
        }
    });
    let counts = counts.into_inner().expect("no thread panicked");
    Ok(counts.into_iter().collect::<Result<_, _>>()?)
}

fn take<'a>(next: &AtomicUsize, rows: &'a [String]) -> Option<(usize, &'a String)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    rows.get(at).map(|row| (at, row))
}

fn each(program: &Path, row: &str, runs: Runs) -> Result<f64, Box<dyn Error>> {
    let few = count(program, row, runs.few)?;
    let many = count(program, row, runs.many)?;
    Ok((many as f64 - few as f64) / (runs.many - runs.few) as f64)
}

fn count(program: &Path, row: &str, requests: u64) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([row, &requests.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}; install it (Debian: valgrind)"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{} failed: {log}", program.display()).into());
    }
    let collected = log
        .lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.ok_or_else(|| format!("no count in valgrind's output: {log}").into())
}
