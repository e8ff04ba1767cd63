//! The rows of the table: what goes wrong, and what is to come of it.

use std::time::Duration;

use crate::load::Load;
use crate::service::{Kind, Transport};

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The pipelines that are put through it.
    pub(crate) of: &'static [Kind],
    pub(crate) transport: Transport,
    pub(crate) collector: Weather,
    pub(crate) load: Load,
    /// Made by each request.
    pub(crate) spans: usize,
    pub(crate) end: Ending,
    /// Of both pipelines.
    pub(crate) max_queue_size: Option<usize>,
    /// Ours only, in bytes: the SDK has no such limit.
    pub(crate) max_kept_bytes: Option<u64>,
    pub(crate) panic_at: Option<usize>,
    /// Ours only: the SDK has no disk to go to.
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
    /// SIGTERM in the middle of it. Ours has `Serve`; the SDK's service has a
    /// handler of its own and calls shutdown, or has none.
    TerminatedUnderLoad { sdk_handler: bool },
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
    /// The same, and some are received while the load runs.
    CountedAndFlowing,
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

/// So little that no batch is ever full.
const LITTLE: Load = Load {
    per_second: 10,
    lasts: seconds(6),
};

const HEALTHY: Row = Row {
    name: "healthy",
    of: &[Kind::Sdk, Kind::Ours],
    transport: Transport::Http,
    collector: Weather::Up,
    load: USUAL,
    spans: 10,
    end: Ending::Terminated,
    max_queue_size: None,
    max_kept_bytes: None,
    panic_at: None,
    spool: false,
    wants: Wants::Everything,
};

/// A spool's row gives so little memory, in bytes, that the disk is needed.
const LITTLE_MEMORY: u64 = 2 << 20;

const RESTART: Weather = Weather::Outage {
    after: seconds(3),
    lasts: seconds(3),
};

/// All of them; each builds on the first.
pub(crate) const ROWS: [Row; 13] = [
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
        name: "collector restarted, 3 s away, gRPC",
        transport: Transport::Grpc,
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
        max_kept_bytes: Some(LITTLE_MEMORY),
        spool: true,
        ..HEALTHY
    },
    Row {
        // 600,000 spans a second. At 200,000 one thread still compressed them all.
        name: "producers faster than the encoder, gzip",
        transport: Transport::HttpGzip,
        load: Load {
            per_second: 600,
            lasts: seconds(5),
        },
        spans: 1_000,
        max_kept_bytes: Some(8 << 20),
        wants: Wants::CountedAndFlowing,
        ..HEALTHY
    },
    Row {
        name: "exporter panics once",
        panic_at: Some(3),
        wants: Wants::AllButOneBatch,
        ..HEALTHY
    },
    Row {
        name: "SIGTERM at 100 spans/s (SDK: no handler)",
        load: LITTLE,
        end: Ending::TerminatedUnderLoad { sdk_handler: false },
        ..HEALTHY
    },
    Row {
        // Ours is in the row above.
        name: "SIGTERM at 100 spans/s (SDK: handler)",
        of: &[Kind::Sdk],
        load: LITTLE,
        end: Ending::TerminatedUnderLoad { sdk_handler: true },
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
        max_kept_bytes: Some(LITTLE_MEMORY),
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
