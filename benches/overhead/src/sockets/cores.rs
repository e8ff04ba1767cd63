//! A thread on a core of its own, where there is more than one.

use rustix::io;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps the calling thread on the process's n-th core.
///
/// # Errors
///
/// If the system does not let it.
pub fn pin(nth: usize) -> io::Result<()> {
    let allowed = sched_getaffinity(None)?;
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    // On a single core there is nothing to choose.
    let Some(core) = cores.nth(nth) else {
        return Ok(());
    };
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only)
}
