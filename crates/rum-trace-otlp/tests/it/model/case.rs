//! What happens in a case.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::answer::Answer;

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) way: Way,
    pub(super) lives: Vec<Life>,
}

/// How spans leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Http,
    HttpWithSpool,
    Exporter,
}

/// A pipeline from its start to its end.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) setup: Setup,
    pub(super) ops: Vec<Op>,
    pub(super) end: End,
    /// Spans end on another thread while it ends.
    pub(super) race: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    pub(super) queue: usize,
    pub(super) queue_bytes: u64,
    pub(super) batch: usize,
    pub(super) delay: Duration,
    pub(super) kept_bytes: u64,
    pub(super) keep_for: Duration,
    pub(super) spool_bytes: u64,
}

impl Setup {
    /// Nothing can hit these limits.
    pub(super) const PLENTY: u64 = 64 << 20;
    pub(super) const FOREVER: Duration = Duration::from_secs(600);
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    /// Spans that end at once, on so many threads.
    End {
        threads: usize,
        each: usize,
        text: Text,
    },
    /// Spans that stay open.
    Begin(usize),
    /// So many of those end, here or on another thread.
    EndOpen {
        spans: usize,
        elsewhere: bool,
    },
    /// Spans that nobody wants.
    Unsampled(usize),
    /// How the collector answers from now on.
    Answer(Answer),
    Away,
    Back,
    Flush,
    /// So many milliseconds for the export thread. After a failure it waits for
    /// up to a hundred.
    Pause(u64),
}

/// How much text a span has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Short,
    Long,
}

impl Text {
    pub(super) fn bytes(self) -> usize {
        match self {
            Text::Short => 1,
            Text::Long => 4096,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// By a shutdown with time enough, and a collector that takes everything.
    Shutdown(Answer),
    /// By a shutdown with nearly no time, whatever the collector does.
    ShortShutdown,
    /// Without a shutdown, with a collector that takes everything.
    Drop(Answer),
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let way = prop_oneof![
        3 => Just(Way::Http),
        4 => Just(Way::HttpWithSpool),
        3 => Just(Way::Exporter),
    ];
    (way, vec(life(), 1..4)).prop_map(|(way, lives)| Case { way, lives })
}

fn life() -> impl Strategy<Value = Life> {
    let race = prop::bool::weighted(0.3);
    (setup(), vec(op(), 1..12), end(), race).prop_map(|(setup, ops, end, race)| Life {
        setup,
        ops,
        end,
        race,
    })
}

fn setup() -> impl Strategy<Value = Setup> {
    let queue = prop_oneof![Just(8_usize), Just(50), Just(10_000)];
    let batch = prop_oneof![Just(1_usize), Just(7), Just(2_048)];
    // The second one: only full batches and flushes are sent.
    let delay = prop_oneof![
        2 => Just(Duration::from_millis(1)),
        1 => Just(Duration::from_secs(3_600)),
    ];
    let bytes = || prop_oneof![Just(64_u64 << 10), Just(Setup::PLENTY)];
    let keep_for = prop_oneof![
        2 => Just(Duration::ZERO),
        1 => Just(Duration::from_millis(20)),
        3 => Just(Setup::FOREVER),
    ];
    let spool = prop_oneof![Just(8_u64 << 10), Just(64 << 10), Just(Setup::PLENTY)];
    (queue, bytes(), batch, delay, bytes(), keep_for, spool).prop_map(
        |(queue, queue_bytes, batch, delay, kept_bytes, keep_for, spool_bytes)| Setup {
            queue,
            queue_bytes,
            batch: batch.min(queue),
            delay,
            kept_bytes,
            keep_for,
            spool_bytes,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    let text = prop_oneof![3 => Just(Text::Short), 1 => Just(Text::Long)];
    prop_oneof![
        6 => (1_usize..4, 0_usize..40, text)
            .prop_map(|(threads, each, text)| Op::End { threads, each, text }),
        2 => (1_usize..5).prop_map(Op::Begin),
        2 => (1_usize..5, any::<bool>())
            .prop_map(|(spans, elsewhere)| Op::EndOpen { spans, elsewhere }),
        1 => (1_usize..5).prop_map(Op::Unsampled),
        5 => answer().prop_map(Op::Answer),
        1 => Just(Op::Away),
        1 => Just(Op::Back),
        3 => Just(Op::Flush),
        4 => prop_oneof![Just(2), Just(10), Just(70)].prop_map(Op::Pause),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let again = prop_oneof![
        1 => Just(Answer::Unavailable),
        1 => Just(Answer::Throttled),
        1 => Just(Answer::CutBefore),
        1 => Just(Answer::CutInHead),
        1 => Just(Answer::Reset),
        3 => Just(Answer::Hold),
    ];
    let refused = prop_oneof![
        Just(Answer::BadRequest),
        Just(Answer::TooLarge),
        Just(Answer::ServerError),
    ];
    prop_oneof![2 => accepted(), 2 => refused, 2 => again]
}

fn accepted() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => Just(Answer::Accepted),
        2 => (1_u64..9).prop_map(Answer::Partial),
        1 => Just(Answer::Warning),
        1 => Just(Answer::CutInBody),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        3 => accepted().prop_map(End::Shutdown),
        3 => Just(End::ShortShutdown),
        1 => accepted().prop_map(End::Drop),
    ]
}
