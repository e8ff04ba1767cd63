//! The rows of the table: what goes wrong, and what is to come of it.

use std::time::Duration;

use crate::load::Load;

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) collector: Weather,
    pub(crate) load: Load,
    pub(crate) end: Ending,
    /// Of both pipelines.
    pub(crate) max_queue_size: Option<usize>,
    pub(crate) panic_at: Option<usize>,
    /// Ours only: the SDK has no disk to go to. Memory gets so little that the
    /// disk is really needed.
    pub(crate) spool: bool,
    /// What ours must show, beside that no span is in no count.
    pub(crate) wants: Wants,
}

/// What the collector does while the load runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Up,
    Away,
    /// It answers after so long.
    Slow(Duration),
    /// It goes away after `after`, for `lasts`.
    Outage {
        after: Duration,
        lasts: Duration,
    },
}

/// How the service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// SIGTERM after the load.
    Terminated,
    /// SIGTERM in the middle of it; the SDK's service has no handler.
    TerminatedUnderLoad,
    /// SIGKILL after the load, when all that goes to the disk is there.
    Killed,
}

/// What must be received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Every span.
    Everything,
    /// What is not received is counted as lost.
    Counted,
    /// All but the batch of the panic, and spans of after the panic.
    AllButOneBatch,
    /// What was on disk when the process was killed.
    Spooled,
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Of `facts/export.md`'s measurements: 2,000 requests with 10 spans a second.
const USUAL: Load = Load {
    per_second: 2_000,
    lasts: seconds(10),
};

const HEALTHY: Row = Row {
    name: "healthy",
    collector: Weather::Up,
    load: USUAL,
    end: Ending::Terminated,
    max_queue_size: None,
    panic_at: None,
    spool: false,
    wants: Wants::Everything,
};

const RESTART: Weather = Weather::Outage {
    after: seconds(3),
    lasts: seconds(3),
};

/// All of them; each builds on the first.
pub(crate) const ROWS: [Row; 10] = [
    HEALTHY,
    Row {
        name: "collector down",
        collector: Weather::Away,
        wants: Wants::Counted,
        ..HEALTHY
    },
    Row {
        name: "collector slow, 2 s a request",
        collector: Weather::Slow(seconds(2)),
        wants: Wants::Counted,
        ..HEALTHY
    },
    Row {
        name: "collector restarted, 3 s away",
        collector: RESTART,
        ..HEALTHY
    },
    Row {
        name: "64k queue, collector down",
        max_queue_size: Some(65_536),
        collector: Weather::Away,
        wants: Wants::Counted,
        ..HEALTHY
    },
    Row {
        name: "64k queue, 3 s restart",
        max_queue_size: Some(65_536),
        collector: RESTART,
        ..HEALTHY
    },
    Row {
        name: "collector 10 s away (ours: spool)",
        collector: Weather::Outage {
            after: seconds(2),
            lasts: seconds(10),
        },
        load: Load {
            lasts: seconds(14),
            ..USUAL
        },
        spool: true,
        ..HEALTHY
    },
    Row {
        name: "exporter panics once",
        panic_at: Some(3),
        wants: Wants::AllButOneBatch,
        ..HEALTHY
    },
    Row {
        name: "SIGTERM at 100 spans/s",
        load: Load {
            per_second: 10,
            lasts: seconds(6),
        },
        end: Ending::TerminatedUnderLoad,
        ..HEALTHY
    },
    Row {
        name: "SIGKILL, collector down (ours: spool)",
        collector: Weather::Away,
        load: Load {
            lasts: seconds(3),
            ..USUAL
        },
        end: Ending::Killed,
        spool: true,
        wants: Wants::Spooled,
        ..HEALTHY
    },
];

impl Row {
    /// The same in less time, for CI: the outages keep their length.
    pub(crate) fn quick(mut self) -> Self {
        let outage = match self.collector {
            Weather::Outage { lasts, .. } => lasts + seconds(1),
            _ => Duration::ZERO,
        };
        if let Weather::Outage { after, .. } = &mut self.collector {
            *after = seconds(1);
        }
        self.load.lasts = self.load.lasts.min(outage + seconds(2));
        self
    }
}
