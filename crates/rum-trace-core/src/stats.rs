//! What arrived, what was continued, what was refused: as numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use crate::diagnosis::{CarrierClass, Finding, Findings, Journal, Topic};
use crate::sharded::{self, thread_number};
use crate::{Carrier, Trust};

/// Of what is usual, one in so many looks at the clock, whether the log may tell of it.
const LOOK_EVERY: u64 = 64;

/// A snapshot of an [`Instrumenter`](crate::Instrumenter)'s counters.
///
/// Every request is in exactly one [class](CarrierClass): continued by one carrier,
/// with none that names a span (`absent`), with headers of which none could be
/// continued (`malformed`), or by somebody who is not believed (`untrusted`). A
/// message whose context was [extracted](crate::Instrumenter::extract) counts as a
/// request.
///
/// A request may have any number of [findings](Finding) beside its class.
///
/// ```
/// use rum_trace_core::Instrumenter;
///
/// let stats = Instrumenter::builder().build()?.stats();
/// assert_eq!(stats.requests(), 0);
/// assert_eq!(stats.findings().count(), 0);
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    classes: [u64; CarrierClass::COUNT],
    findings: [u64; Finding::COUNT],
    /// Requests in which no carrier that is read named a span: they start a new
    /// trace, or go on with the span that is active where they are served.
    pub absent: u64,
    /// Requests with trace headers of which none could be continued: they
    /// start a new trace.
    pub malformed: u64,
    /// Requests whose sender the [`TrustPolicy`](crate::TrustPolicy) does not believe,
    /// whatever their headers say: they start a new trace.
    pub untrusted: u64,
    /// Those of them with a link to the parent that they claim, if they claim one:
    /// [`Trust::Link`](crate::Trust::Link).
    pub untrusted_linked: u64,
    /// Those of them of which nothing tells what they claim:
    /// [`Trust::Restart`](crate::Trust::Restart).
    pub untrusted_restarted: u64,
    /// Requests continued with the other valid carrier kept as a link, since
    /// the two disagreed. (A message's other carrier is only counted.)
    pub linked: u64,
    /// `tracestate` lists not carried on because a member was illegal, they had
    /// more than 32 of them, or there was no valid `traceparent`.
    pub tracestate_refused: u64,
    /// Values cut because they were over a limit, or not read or kept at all; those of
    /// attributes only where the span was described.
    pub over_limit: u64,
    /// Requests that were [skipped](crate::InstrumenterBuilder::skip), or for
    /// which the [`filter`](crate::InstrumenterBuilder::filter) asked for no span. They are in one of the classes as well.
    pub filtered: u64,
    /// Requests that were answered with what arrived, since they held the
    /// [`verification_token`](crate::InstrumenterBuilder::verification_token).
    pub verified: u64,
    /// Requests that asked for that with another token.
    pub verification_refused: u64,
    /// Requests to other services that were to carry the trace.
    pub calls_traced: u64,
    /// Requests to others that carry nothing, because their host is not
    /// [one's own](crate::InstrumenterBuilder::own_host).
    pub calls_untraced: u64,
}

impl Stats {
    /// Requests seen: the sum of all classes.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Requests of this class.
    #[must_use]
    pub fn requests_in(&self, class: CarrierClass) -> u64 {
        self.classes.get(class.index()).copied().unwrap_or_default()
    }

    /// How often this was found; [`Finding::OverLimit`] counts values, all others
    /// requests.
    #[must_use]
    pub fn found(&self, finding: Finding) -> u64 {
        let found = self.findings.get(finding.index());
        found.copied().unwrap_or_default()
    }

    /// All that was found, and how often.
    ///
    /// ```
    /// use rum_trace_core::Stats;
    ///
    /// fn print(stats: &Stats) {
    ///     for (finding, requests) in stats.findings() {
    ///         println!("{requests} × {finding}"); // 12 × malformed: w3c, trace-id
    ///     }
    /// }
    /// # print(&Stats::default());
    /// ```
    pub fn findings(&self) -> impl Iterator<Item = (Finding, u64)> + use<> {
        let stats = *self;
        Finding::all()
            .map(move |finding| (finding, stats.found(finding)))
            .filter(|(_, requests)| *requests > 0)
    }

    /// Requests whose trace was continued from this carrier.
    #[must_use]
    pub fn continued(&self, carrier: Carrier) -> u64 {
        self.requests_in(CarrierClass::Continued(carrier))
    }

    /// Headers of this carrier that its parser refused. A request can have
    /// several, and can still be continued by another carrier.
    #[must_use]
    pub fn refused(&self, carrier: Carrier) -> u64 {
        let refused = |(finding, _): &(Finding, u64)| finding.refused() == Some(carrier);
        self.findings()
            .filter(refused)
            .map(|(_, requests)| requests)
            .sum()
    }

    /// Requests that started a new trace.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.absent + self.malformed + self.untrusted
    }

    /// Requests of all classes of which this holds.
    fn sum(&self, holds: impl Fn(CarrierClass) -> bool) -> u64 {
        let classes = CarrierClass::all().filter(|class| holds(*class));
        classes.map(|class| self.requests_in(class)).sum()
    }
}

impl Default for Stats {
    fn default() -> Self {
        Stats {
            classes: [0; CarrierClass::COUNT],
            findings: [0; Finding::COUNT],
            absent: 0,
            malformed: 0,
            untrusted: 0,
            untrusted_linked: 0,
            untrusted_restarted: 0,
            linked: 0,
            tracestate_refused: 0,
            over_limit: 0,
            filtered: 0,
            verified: 0,
            verification_refused: 0,
            calls_traced: 0,
            calls_untraced: 0,
        }
    }
}

/// The counters behind [`Stats`]: a set for each of some threads, so that they
/// do not take the same line of memory from each other at every request. And what
/// the log says of them.
#[derive(Debug)]
pub(crate) struct Counters {
    sets: Box<[CachePadded<Set>]>,
    journal: Journal,
}

#[derive(Debug)]
struct Set {
    classes: [AtomicU64; CarrierClass::COUNT],
    findings: [AtomicU64; Finding::COUNT],
    /// Those that the log may tell of.
    absent_to_tell: AtomicU64,
    untrusted_linked: AtomicU64,
    untrusted_restarted: AtomicU64,
    tracestate_refused: AtomicU64,
    filtered: AtomicU64,
    verified: AtomicU64,
    verification_refused: AtomicU64,
    calls_traced: AtomicU64,
    calls_untraced: AtomicU64,
}

impl Default for Set {
    fn default() -> Self {
        Set {
            classes: [const { AtomicU64::new(0) }; CarrierClass::COUNT],
            findings: [const { AtomicU64::new(0) }; Finding::COUNT],
            absent_to_tell: AtomicU64::default(),
            untrusted_linked: AtomicU64::default(),
            untrusted_restarted: AtomicU64::default(),
            tracestate_refused: AtomicU64::default(),
            filtered: AtomicU64::default(),
            verified: AtomicU64::default(),
            verification_refused: AtomicU64::default(),
            calls_traced: AtomicU64::default(),
            calls_untraced: AtomicU64::default(),
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        let set = |_| CachePadded::default();
        Counters {
            sets: (0..sharded::count()).map(set).collect(),
            journal: Journal::default(),
        }
    }
}

impl Counters {
    /// This thread's.
    fn set(&self) -> &Set {
        // The mask is below the length, which is a power of two and not zero.
        &self.sets[thread_number() & (self.sets.len() - 1)]
    }

    /// A request, and what became of its caller's trace.
    pub(crate) fn classed(&self, class: CarrierClass) {
        let earlier = add(&self.set().classes[class.index()], 1);
        if let CarrierClass::Untrusted(_) = class {
            self.tell(Topic::Untrusted, earlier, |stats| stats.untrusted);
        }
    }

    /// What else was found in it.
    #[cold]
    #[inline(never)]
    pub(crate) fn found(&self, findings: Findings) {
        for finding in findings.iter() {
            self.found_times(finding, 1);
        }
    }

    #[cold]
    #[inline(never)]
    fn found_times(&self, finding: Finding, times: u32) {
        let earlier = add(&self.set().findings[finding.index()], u64::from(times));
        let found = |stats: Stats| stats.found(finding);
        self.tell(Topic::Found(finding), earlier, found);
    }

    /// Has the log tell of a topic, of which this thread's set had counted so many.
    #[cold]
    #[inline(never)]
    fn tell(&self, topic: Topic, earlier: u64, count: impl Fn(Stats) -> u64) {
        if looks_at_clock(topic, earlier) {
            self.journal.report(topic, || count(self.snapshot()));
        }
    }

    /// Has the log tell of requests that name no caller's span, of which nothing
    /// else is to be told.
    pub(crate) fn tell_absent(&self) {
        let earlier = add(&self.set().absent_to_tell, 1);
        self.tell(Topic::Absent, earlier, |stats| stats.absent);
    }

    /// What becomes of what an untrusted request claims.
    pub(crate) fn untrusted(&self, trust: Trust) {
        let set = self.set();
        let counter = match trust {
            Trust::Restart => &set.untrusted_restarted,
            _ => &set.untrusted_linked,
        };
        add(counter, 1);
    }

    /// Has the log tell of a setting that is wrong.
    pub(crate) fn say(&self, topic: Topic) {
        self.journal.say(topic);
    }

    pub(crate) fn tracestate_refused(&self) {
        add(&self.set().tracestate_refused, 1);
    }

    pub(crate) fn over_limit(&self, count: u32) {
        if count > 0 {
            self.found_times(Finding::OverLimit, count);
        }
    }

    pub(crate) fn filtered(&self) {
        add(&self.set().filtered, 1);
    }

    pub(crate) fn verified(&self) {
        add(&self.set().verified, 1);
    }

    pub(crate) fn verification_refused(&self) {
        add(&self.set().verification_refused, 1);
    }

    /// A request to another service.
    pub(crate) fn called(&self, traced: bool) {
        let set = self.set();
        let counter = match traced {
            true => &set.calls_traced,
            false => &set.calls_untraced,
        };
        add(counter, 1);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        let mut stats = Stats::default();
        for set in &self.sets {
            add_all(&mut stats.classes, &set.classes);
            add_all(&mut stats.findings, &set.findings);
            stats.untrusted_linked += read(&set.untrusted_linked);
            stats.untrusted_restarted += read(&set.untrusted_restarted);
            stats.tracestate_refused += read(&set.tracestate_refused);
            stats.filtered += read(&set.filtered);
            stats.verified += read(&set.verified);
            stats.verification_refused += read(&set.verification_refused);
            stats.calls_traced += read(&set.calls_traced);
            stats.calls_untraced += read(&set.calls_untraced);
        }
        stats.absent = stats.requests_in(CarrierClass::Absent);
        stats.malformed = stats.sum(|class| matches!(class, CarrierClass::Malformed(_)));
        stats.untrusted = stats.sum(|class| matches!(class, CarrierClass::Untrusted(_)));
        stats.linked = stats.found(Finding::CarriersDisagree);
        stats.over_limit = stats.found(Finding::OverLimit);
        stats
    }
}

/// The first of a thread's set always does, so that a kind is told of at once.
fn looks_at_clock(topic: Topic, earlier: u64) -> bool {
    !topic.is_usual() || earlier % LOOK_EVERY == 0
}

fn add_all(sums: &mut [u64], counters: &[AtomicU64]) {
    for (sum, counter) in sums.iter_mut().zip(counters) {
        *sum += read(counter);
    }
}

/// Returns what there was before.
// Relaxed: the counters order nothing, they are only read as numbers.
fn add(counter: &AtomicU64, count: u64) -> u64 {
    counter.fetch_add(count, Ordering::Relaxed)
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use rum_trace_propagation::traceparent::TraceParentPart;

    use super::*;
    use crate::MalformedPart;

    #[test]
    fn who_is_not_believed_is_a_class_of_its_own() {
        let counters = Counters::default();
        counters.classed(CarrierClass::Untrusted(Some(Carrier::Sw8)));
        counters.classed(CarrierClass::Continued(Carrier::Sw8));
        let stats = counters.snapshot();
        assert_eq!(
            (stats.requests(), stats.untrusted, stats.started()),
            (2, 1, 1)
        );
        assert_eq!(
            stats.requests_in(CarrierClass::Untrusted(Some(Carrier::Sw8))),
            1
        );
        assert_eq!(
            stats.requests_in(CarrierClass::Untrusted(Some(Carrier::W3c))),
            0
        );
    }

    #[test]
    fn what_is_usual_looks_at_the_clock_now_and_then_and_the_first_one_does() {
        let malformed = MalformedPart::TraceParent(TraceParentPart::TraceId);
        let table = [
            (Topic::Absent, 64),
            (Topic::Untrusted, 64),
            (Topic::Found(Finding::TraceParentWithoutRum), 64),
            (Topic::Found(Finding::NotRecording), 64),
            // Something is wrong, or several are counted at once.
            (Topic::Found(Finding::StrippedOnTheWay), 1),
            (Topic::Found(Finding::Malformed(malformed)), 1),
            (Topic::Found(Finding::OverLimit), 1),
            (Topic::AppliedTwice, 1),
        ];
        for (topic, every) in table {
            let looks = (0..200).filter(|earlier| looks_at_clock(topic, *earlier));
            let expected = (0..200).step_by(every);
            assert!(looks.eq(expected), "{topic:?}");
        }
    }

    #[test]
    fn what_many_threads_count_adds_up() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    (0..100).for_each(|_| counters.classed(CarrierClass::Continued(Carrier::Sw8)));
                    counters.over_limit(3);
                });
            }
        });
        let stats = counters.snapshot();
        assert_eq!(stats.continued(Carrier::Sw8), 4_000);
        assert_eq!((stats.requests(), stats.over_limit), (4_000, 120));
    }
}
