//! Forked processes, each of which has to end in time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use fork::{ChildEvent, ProcessFork, ProcessId, Signal};

use super::support::LONG;

/// Runs `what` in a forked process, and waits until that has ended well. One
/// that hangs is killed.
pub(super) fn forked(what: impl FnOnce()) {
    match fork::fork_process().unwrap() {
        ProcessFork::Child => {
            let well = catch_unwind(AssertUnwindSafe(what)).is_ok();
            // Not a return: that would be the parent's next scenario.
            std::process::exit(i32::from(!well));
        }
        ProcessFork::Parent(child) => {
            let event = ended(child);
            let well = matches!(event, ChildEvent::Exited { code: 0, .. });
            assert!(well, "{event:?}");
        }
    }
}

fn ended(child: ProcessId) -> ChildEvent {
    let end = Instant::now() + LONG;
    loop {
        if let Some(event) = fork::wait_event_nohang(child).unwrap() {
            return event;
        }
        if Instant::now() > end {
            fork::signal_process(child, Signal::KILL).unwrap();
            let event = fork::wait_event(child).unwrap();
            panic!("the forked process hung: {event:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
