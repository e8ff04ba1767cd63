//! What must be so: in between, at the end of a life, and at the end of all.

use std::collections::{BTreeMap, BTreeSet};

use rum_trace_otlp::{DropReason, Stats};

use super::answer::{Fate, Log, Request, Tally};
use super::case::{Setup, Text, Way};
use crate::accounting::assert_complete;

/// What the model knows of one life.
#[derive(Debug)]
pub(super) struct Record {
    number: usize,
    way: Way,
    setup: Setup,
    /// The spans that were on disk when it began.
    found: Vec<String>,
    /// Those that ended, in any order.
    ended: Vec<String>,
    /// No more than so many wait, and so many bytes.
    waiting: u64,
    waiting_bytes: u64,
    pub(super) open: usize,
    /// Its end has begun, and so many spans end at the same time.
    ending: Option<u64>,
    /// So many spans ended after it.
    late: u64,
    /// Its end has seen the answer to every request.
    pub(super) certain: bool,
    /// Its export thread was done when its end was.
    pub(super) in_time: bool,
    /// What is on disk after it.
    pub(super) left: Vec<String>,
    /// When all is over.
    pub(super) stats: Stats,
}

impl Record {
    pub(super) fn new(number: usize, way: Way, setup: Setup, found: Vec<String>) -> Self {
        Record {
            number,
            way,
            setup,
            found,
            ended: Vec::new(),
            waiting: 0,
            waiting_bytes: 0,
            open: 0,
            ending: None,
            late: 0,
            certain: false,
            in_time: false,
            left: Vec::new(),
            stats: Stats::default(),
        }
    }

    pub(super) fn ended(&mut self, names: &[String], text: Text) {
        self.waiting += names.len() as u64;
        // Beside its text, a span and its share of a request have less.
        self.waiting_bytes += names.len() as u64 * (1024 + text.bytes() as u64);
        self.ended.extend_from_slice(names);
    }

    pub(super) fn nothing_waits(&mut self) {
        self.waiting = 0;
        self.waiting_bytes = 0;
    }

    /// The end begins, and so do these.
    pub(super) fn ends(&mut self, racing: &[String]) {
        self.ending = Some(racing.len() as u64);
        self.ended(racing, Text::Short);
    }

    /// After the end, these did.
    pub(super) fn late(&mut self, names: impl Iterator<Item = String>) {
        let before = self.ended.len();
        self.ended.extend(names);
        self.late = (self.ended.len() - before) as u64;
    }

    fn has_spool(&self) -> bool {
        self.way == Way::HttpWithSpool
    }

    /// Older files may have to make room for later ones.
    pub(super) fn gives_up_files(&self) -> bool {
        self.has_spool() && self.setup.spool_bytes < Setup::PLENTY
    }

    /// How many spans can have been dropped for `reason`, other than by an
    /// answer that is in the log. `before`: so many were.
    fn at_most(&self, reason: DropReason, before: u64) -> u64 {
        let any = |possible: bool| if possible { u64::MAX } else { 0 };
        let racing = self.ending.unwrap_or(0);
        match reason {
            DropReason::QueueFull => {
                let many = self.waiting > self.setup.queue as u64;
                let much = self.waiting_bytes > self.setup.queue_bytes;
                let kept = self.waiting_bytes > self.setup.kept_bytes && !self.has_spool();
                any(many || much || kept).max(before)
            }
            DropReason::RetryExpired => {
                any(!self.has_spool() && self.setup.keep_for < Setup::FOREVER)
            }
            // One that the queue took in the moment in which it closed is late.
            DropReason::ShutdownDeadline if self.certain => racing,
            DropReason::ShutdownDeadline if self.has_spool() && self.in_time => racing,
            DropReason::ShutdownDeadline => any(self.ending.is_some()),
            DropReason::AfterShutdown => racing + self.late,
            DropReason::SpoolFull => any(self.gives_up_files()),
            _ => 0,
        }
    }
}

/// At any time: what is counted has happened, and nothing is counted off.
pub(super) fn so_far(record: &Record, before: &Stats, stats: &Stats, log: &Log) {
    // Read after the books: what they count is in it.
    let tally = Tally::of(&log.of(record.number));
    assert_complete(stats);
    assert_eq!(stats.ended(), record.ended.len() as u64);
    assert_eq!(stats.open(), record.open as u64);
    assert_eq!(stats.recovered(), record.found.len() as u64);
    assert!(stats.exported() <= tally.exported, "{stats:?} {tally:?}");
    assert!(stats.rejected() <= tally.rejected, "{stats:?} {tally:?}");
    assert!(stats.exported() >= before.exported());
    assert!(stats.rejected() >= before.rejected());
    for reason in DropReason::ALL {
        let (earlier, dropped) = (before.dropped(reason), stats.dropped(reason));
        let most = record.at_most(reason, earlier).max(tally.lost(reason));
        assert!(dropped <= most, "{reason}: {stats:?} {tally:?}");
        // The spool may deliver what it had given up.
        let rises = dropped >= earlier || reason == DropReason::SpoolFull;
        assert!(rises, "{reason}: {before:?} {stats:?}");
    }
}

/// When a life is over, every span is in one place.
pub(super) fn of_life(record: &Record, log: &Log) {
    assert_eq!(record.stats.queued() + record.stats.in_flight(), 0);
    assert!(record.stats.dropped(DropReason::AfterShutdown) >= record.late);

    let requests = log.of(record.number);
    let mut result = agrees(record, &requests);
    if result.is_err() && !record.certain {
        // The answer to the last request may not have been waited for.
        let seen = &requests[..requests.len().saturating_sub(1)];
        result = agrees(record, seen).map_err(|other| format!("{result:?}, or else {other}"));
    }
    if let Err(problem) = result {
        panic!("{problem}\n{record:#?}\n{requests:#?}");
    }
}

/// Whether the books say what these requests and the disk say.
fn agrees(record: &Record, requests: &[Request]) -> Result<(), String> {
    let (stats, tally) = (&record.stats, Tally::of(requests));
    equal("exported", stats.exported(), tally.exported)?;
    equal("rejected", stats.rejected(), tally.rejected)?;

    let mine: BTreeSet<_> = record.ended.iter().chain(&record.found).collect();
    let decided = once(requests.iter().filter(|r| r.fate != Fate::Open))?;
    let left: BTreeSet<_> = record.left.iter().collect();
    equal("files with the same span", record.left.len(), left.len())?;
    if let Some(foreign) = decided.union(&left).find(|name| !mine.contains(*name)) {
        return Err(format!("{foreign} is from nowhere"));
    }
    if let Some(both) = decided.intersection(&left).next() {
        return Err(format!("{both} was decided and is still on disk"));
    }
    let gone = (mine.len() - decided.len() - left.len()) as u64;
    let dropped = stats.lost() - stats.rejected();
    let unseen = unseen(record)?;
    equal(
        "dropped",
        dropped.checked_add_signed(-unseen),
        Some(gone + tally.all_lost()),
    )?;
    DropReason::ALL
        .into_iter()
        .try_for_each(|reason| dropped_by_answer(stats, &tally, reason))
}

/// How many spans more are on disk than the books say: none, but for an export
/// thread that the end did not wait for. It may have stored what was given up,
/// and older ones may have made room for that.
fn unseen(record: &Record) -> Result<i64, String> {
    let (left, books) = (record.left.len() as i64, record.stats.spooled() as i64);
    let given_up = record.stats.dropped(DropReason::ShutdownDeadline) as i64;
    let possible = if record.in_time {
        0..=0
    } else if record.gives_up_files() {
        -books..=given_up
    } else {
        0..=given_up
    };
    match left - books {
        unseen if possible.contains(&unseen) => Ok(unseen),
        unseen => Err(format!("{unseen} more on disk than in the books")),
    }
}

/// The reasons that an answer is.
fn dropped_by_answer(stats: &Stats, tally: &Tally, reason: DropReason) -> Result<(), String> {
    let (dropped, told) = (stats.dropped(reason), tally.lost(reason));
    match reason {
        DropReason::ExporterFailed | DropReason::ExporterPanic => {
            equal(reason.as_str(), dropped, told)
        }
        // What was evicted while it was under way, was evicted.
        DropReason::Refused => {
            let evicted = stats.dropped(DropReason::SpoolFull);
            equal(
                "refused",
                dropped,
                dropped.clamp(told.saturating_sub(evicted), told),
            )
        }
        _ => Ok(()),
    }
}

/// The spans of these requests, each of which must be in one of them only.
fn once<'a>(requests: impl Iterator<Item = &'a Request>) -> Result<BTreeSet<&'a String>, String> {
    let mut names = BTreeSet::new();
    for name in requests.flat_map(|request| &request.spans) {
        if !names.insert(name) {
            return Err(format!("{name} was decided twice"));
        }
    }
    Ok(names)
}

fn equal<T: PartialEq + Copy + std::fmt::Debug>(
    what: &str,
    books: T,
    truth: T,
) -> Result<(), String> {
    if books == truth {
        return Ok(());
    }
    Err(format!(
        "{what}: {books:?} in the books, {truth:?} in truth"
    ))
}

/// At the end of all: at least once, in batches that never change, and again
/// only where nobody can have known of the answer.
pub(super) fn of_all(records: &[Record], log: &Log) {
    let requests = log.lock().clone();
    let last_of = |life: usize| requests.iter().rposition(|request| request.life == life);
    let mut batches: BTreeMap<&String, &[String]> = BTreeMap::new();
    let mut decided = BTreeSet::new();
    for (at, request) in requests.iter().enumerate() {
        assert!(!request.spans.is_empty());
        let unheard = !records[request.life].certain && last_of(request.life) == Some(at);
        for name in &request.spans {
            let batch = batches.entry(name).or_insert(&request.spans);
            assert_eq!(*batch, &request.spans[..], "another batch with {name}");
            assert!(!decided.contains(name), "{name} once more: {requests:#?}");
            if request.fate != Fate::Open && !unheard {
                decided.insert(name);
            }
        }
    }
    let ended: BTreeSet<_> = records.iter().flat_map(|record| &record.ended).collect();
    assert!(batches.keys().all(|name| ended.contains(*name)));
}
