//! Every fault of a collector or of the way to it, with what is counted.
//!
//! A row is one fault over one protocol. The whole of the books is compared:
//! what a row does not name must be zero.

mod disk;
#[cfg(feature = "grpc")]
mod grpc;
mod http;
mod peers;

use std::time::Duration;

use rum_trace_otlp::{DropReason, PipelineBuilder, ShutdownError, Stats};

use self::peers::Peer;
use super::accounting::assert_complete;
use super::support::{LONG, builder, spans};

/// They go out as one batch.
const SPANS: u64 = 6;

/// For spans that will not have a fate before the deadline.
const DEADLINE: Duration = Duration::from_millis(1_500);

/// For an attempt that nobody answers.
const TIMEOUT: Duration = Duration::from_millis(200);

/// One fault, with all that must come of it.
struct Fault {
    name: &'static str,
    peer: Peer,
    setup: fn(PipelineBuilder) -> PipelineBuilder,
    outcome: Outcome,
    /// How often the collector got the batch, where that is certain.
    requests: Option<usize>,
    /// In the error of the shutdown.
    says: &'static str,
}

/// What becomes of the six spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Exported,
    /// So many, and the others are exported.
    Rejected(u64),
    Dropped(DropReason),
}

use Outcome::{Dropped, Exported, Rejected};

impl Fault {
    fn new(name: &'static str, peer: Peer, outcome: Outcome) -> Self {
        Fault {
            name,
            peer,
            setup: |builder| builder,
            outcome,
            requests: None,
            says: "",
        }
    }

    fn requests(mut self, requests: usize) -> Self {
        self.requests = Some(requests);
        self
    }

    fn says(mut self, text: &'static str) -> Self {
        self.says = text;
        self
    }

    fn setup(mut self, setup: fn(PipelineBuilder) -> PipelineBuilder) -> Self {
        self.setup = setup;
        self
    }

    fn check(&self, builder: PipelineBuilder) {
        let name = self.name;
        let pipeline = (self.setup)(builder.endpoint(&self.peer.url))
            .build()
            .unwrap();
        spans(&pipeline, SPANS as usize);
        let result = pipeline.shutdown(self.deadline());
        let stats = match &result {
            Ok(stats) => stats,
            Err(error) => error.stats().unwrap(),
        };
        assert_eq!(counts(stats), self.expected(), "{name}");
        assert_complete(stats);
        self.check_result(&result);
        if let Some(requests) = self.requests {
            let all = self.peer.inbox.all();
            assert_eq!(all.len(), requests, "{name}");
            assert!(
                all.iter().all(|one| one.request == all[0].request),
                "{name}"
            );
        }
    }

    /// The error is of the right kind and gives the reason.
    fn check_result(&self, result: &Result<Stats, ShutdownError>) {
        let kind = match result {
            Ok(_) => Exported,
            Err(ShutdownError::DeadlineExceeded { .. }) => Dropped(DropReason::ShutdownDeadline),
            Err(ShutdownError::Lost { stats, .. }) if stats.rejected() > 0 => {
                Rejected(stats.rejected())
            }
            Err(ShutdownError::Lost { .. }) => Dropped(DropReason::Refused),
            Err(other) => panic!("{}: {other}", self.name),
        };
        assert_eq!(kind, self.outcome, "{}", self.name);
        let text = result
            .as_ref()
            .map_or_else(ToString::to_string, |_| String::new());
        assert!(text.contains(self.says), "{}: {text}", self.name);
    }

    fn deadline(&self) -> Duration {
        match self.outcome {
            Dropped(DropReason::ShutdownDeadline) => DEADLINE,
            _ => LONG,
        }
    }

    fn expected(&self) -> Vec<(&'static str, u64)> {
        match self.outcome {
            Exported => vec![("exported", SPANS)],
            Rejected(SPANS) => vec![("rejected", SPANS)],
            Rejected(rejected) => vec![("exported", SPANS - rejected), ("rejected", rejected)],
            Dropped(reason) => vec![(reason.as_str(), SPANS)],
        }
    }
}

/// All the counts that are not zero.
fn counts(stats: &Stats) -> Vec<(&'static str, u64)> {
    let rest = [
        ("exported", stats.exported()),
        ("rejected", stats.rejected()),
        ("queued", stats.queued()),
        ("in flight", stats.in_flight()),
        ("spooled", stats.spooled()),
        ("recovered", stats.recovered()),
        ("open", stats.open()),
    ];
    let dropped = DropReason::ALL.map(|reason| (reason.as_str(), stats.dropped(reason)));
    let all = rest.into_iter().chain(dropped);
    all.filter(|(_, count)| *count > 0).collect()
}

/// Each row on a thread of its own: most of the time they wait.
fn check_all(faults: Vec<Fault>, builder: fn() -> PipelineBuilder) {
    std::thread::scope(|scope| {
        let rows: Vec<_> = faults
            .into_iter()
            .map(|fault| scope.spawn(move || fault.check(builder())))
            .collect();
        let failed = rows.into_iter().filter_map(|row| row.join().err()).count();
        assert_eq!(failed, 0, "rows that failed, each of which is told above");
    });
}

#[test]
fn over_http() {
    check_all(http::faults(), builder);
}

#[cfg(feature = "grpc")]
#[test]
fn over_grpc() {
    check_all(grpc::faults(), || {
        builder().protocol(rum_trace_otlp::Protocol::Grpc)
    });
}
