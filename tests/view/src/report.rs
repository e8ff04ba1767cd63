//! The table, and the limits.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::load::Sent;
use crate::search::{LEAST, Search};

/// The slowest that a search may be, but for one in a hundred.
const SEARCH: Duration = Duration::from_millis(100);
const MIB: u64 = 1 << 20;
/// What the process may have beside its store: its own, and what is being decoded.
const BESIDE: u64 = 32 * MIB;

pub(crate) struct Report {
    /// Whether the clock is asked: not on a machine that may be busy with else.
    pub(crate) judges_time: bool,
    pub(crate) rate: u32,
    pub(crate) max_bytes: u64,
    pub(crate) sent: Sent,
    pub(crate) searches: Vec<Search>,
    /// Several times a second.
    pub(crate) memory: Vec<u64>,
    pub(crate) peak: u64,
    /// As `/api/v1/status` answers, in the end.
    pub(crate) status: Value,
}

impl Report {
    /// Each limit that was not kept to, in words.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut broken = self.lost_or_grown();
        if self.judges_time {
            broken.extend(self.too_slow());
        }
        broken
    }

    fn too_slow(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut limit = |kept: bool, text: String| {
            if !kept {
                broken.push(text);
            }
        };
        let due = u64::from(self.rate).saturating_mul(self.sent.took.as_secs());
        // The last requests may be cut short.
        let due = due / 100 * 99;
        limit(self.sent.spans >= due, format!("{} spans were due", due));
        limit(
            self.search(99) <= SEARCH,
            format!("searches take more than {SEARCH:?}"),
        );
        broken
    }

    fn lost_or_grown(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut limit = |kept: bool, text: String| {
            if !kept {
                broken.push(text);
            }
        };
        let received = self.number("/received/spans");
        limit(
            received == self.sent.spans,
            format!("{received} spans of {} were received", self.sent.spans),
        );
        limit(
            self.refused() == 0,
            format!("{} were refused", self.refused()),
        );
        limit(
            self.number("/store/evicted_traces") > 0,
            "the store was never full".into(),
        );
        limit(
            self.searches.len() >= LEAST,
            format!("there were less than {LEAST} searches with the store full"),
        );
        // The store's own count is an estimate, and an allocator that gets and gives
        // back so much keeps some of it.
        let most = (self.max_bytes / 2 * 3).saturating_add(BESIDE);
        limit(
            self.peak <= most,
            format!("memory went over {} MiB", most / MIB),
        );
        let middle = self.middle();
        let last = self.memory.last().copied().unwrap_or_default();
        // Full is full: from there on it must not grow, but for what is kept back.
        limit(
            last <= middle.saturating_add(middle / 8).saturating_add(16 * MIB),
            format!("memory grew from {} to {} MiB", middle / MIB, last / MIB),
        );
        broken
    }

    fn middle(&self) -> u64 {
        let middle = self.memory.get(self.memory.len() / 2);
        middle.copied().unwrap_or_default()
    }

    fn number(&self, pointer: &str) -> u64 {
        self.status
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    fn refused(&self) -> u64 {
        let kinds = ["/refused/spans", "/refused/requests"].into_iter();
        let counts = kinds.filter_map(|kind| self.status.pointer(kind)?.as_object());
        counts
            .flat_map(|counts| counts.values().filter_map(Value::as_u64))
            .sum()
    }

    /// So many of a hundred searches took at most this long.
    fn search(&self, percent: usize) -> Duration {
        let mut took: Vec<_> = self.searches.iter().map(|search| search.took).collect();
        took.sort_unstable();
        let index = took
            .len()
            .saturating_mul(percent)
            .div_ceil(100)
            .saturating_sub(1);
        took.get(index).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: Option<&u64>| bytes.copied().unwrap_or_default() / MIB;
        let seconds = self.sent.took.as_secs_f64();
        // Exact up to 2^53 spans.
        #[expect(clippy::cast_precision_loss)]
        let rate = self.sent.spans as f64 / seconds;
        writeln!(
            f,
            "sent      {} spans in {} requests over gRPC in {seconds:.1} s: {rate:.0}/s",
            self.sent.spans, self.sent.requests
        )?;
        writeln!(
            f,
            "received  {} spans in {} requests",
            self.number("/received/spans"),
            self.number("/received/requests")
        )?;
        writeln!(f, "refused   {}", self.refused())?;
        writeln!(
            f,
            "held      {} traces with {} spans, {} MiB of {} MiB",
            self.number("/store/traces"),
            self.number("/store/spans"),
            self.number("/store/bytes") / MIB,
            self.max_bytes / MIB
        )?;
        writeln!(
            f,
            "evicted   {} traces with {} spans",
            self.number("/store/evicted_traces"),
            self.number("/store/evicted_spans")
        )?;
        writeln!(
            f,
            "memory    {} MiB at first, {} in the middle, {} at last, {} at most",
            mib(self.memory.first()),
            self.middle() / MIB,
            mib(self.memory.last()),
            self.peak / MIB
        )?;
        writeln!(
            f,
            "searches  {} with the store full: p50 {:.1?}, p99 {:.1?}, the slowest {:.1?}",
            self.searches.len(),
            self.search(50),
            self.search(99),
            self.search(100)
        )?;
        let mut slowest: Vec<_> = self.searches.iter().collect();
        slowest.sort_unstable_by_key(|search| std::cmp::Reverse(search.took));
        for search in slowest.into_iter().take(3) {
            writeln!(
                f,
                "          {:.1?} for ?{}, {} found",
                search.took, search.query, search.found
            )?;
        }
        writeln!(f, "machine   {}", machine())?;
        for broken in self.broken() {
            writeln!(f, "BROKEN    {broken}")?;
        }
        Ok(())
    }
}

/// What the figures depend on: nothing is fast where others work, too.
fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{processors} processors, a load average of {load}")
}
