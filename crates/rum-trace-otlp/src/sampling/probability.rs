//! Consistent probability sampling: OpenTelemetry, "`TraceState`: Probability Sampling".
//!
//! A trace has 56 random bits R, and a probability is a rejection threshold T of as many:
//! it is sampled if R ≥ T. Whoever knows R decides alike.

use opentelemetry::trace::TraceId;
use rum_trace_core::RumContext;
use twox_hash::XxHash3_64;

use super::decision::Reason;

/// R and T are below, and T is this if nothing is to be sampled.
const NEVER: u64 = 1 << 56;

/// The digits of R and T.
pub(super) const DIGITS: usize = 14;

/// The random bits of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Randomness {
    bits: u64,
    source: Source,
}

/// Where random bits are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Session,
    /// The `rv` that came in.
    Caller,
    TraceId,
}

impl Randomness {
    /// The session's, so that all its traces have the same; else the trace's: what came
    /// in with it, as where another service knew the session, or the least significant 56
    /// bits of its id. Those are random in a UUID, too, unlike the next eight, by which
    /// the SDK's own sampler decides.
    pub(crate) fn of(
        rum: &RumContext,
        came: impl FnOnce() -> Option<u64>,
        trace_id: TraceId,
    ) -> Self {
        let (bits, source) = match rum.session_id() {
            Some(session) => (
                XxHash3_64::oneshot(session.as_bytes()) & (NEVER - 1),
                Source::Session,
            ),
            None => match came() {
                Some(bits) => (bits, Source::Caller),
                None => (low_bits(trace_id), Source::TraceId),
            },
        };
        Randomness { bits, source }
    }

    /// What a decision by it is called.
    pub(crate) fn reason(self) -> Reason {
        match self.source {
            Source::Session => Reason::Session,
            Source::Caller | Source::TraceId => Reason::TraceId,
        }
    }
}

pub(super) fn low_bits(trace_id: TraceId) -> u64 {
    let [.., a, b, c, d, e, f, g] = trace_id.to_bytes();
    u64::from_be_bytes([0, a, b, c, d, e, f, g])
}

/// What a probability says of the random bits, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Threshold {
    bits: u64,
    /// `th:…`
    text: Box<str>,
}

impl Threshold {
    /// Of what is always sampled.
    pub(crate) fn always() -> Self {
        Threshold::of_bits(0)
    }

    /// `None` unless it is a number from 0 to 1.
    pub(crate) fn of_ratio(ratio: f64) -> Option<Self> {
        let rejected = (1.0 - ratio) * NEVER as f64;
        let is_ratio = (0.0..=1.0).contains(&ratio);
        is_ratio.then(|| Threshold::of_bits(rejected.round() as u64))
    }

    fn of_bits(bits: u64) -> Self {
        let digits: String = digits(bits).collect();
        let digits = digits.trim_end_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        Threshold {
            bits,
            text: format!("th:{digits}").into(),
        }
    }

    pub(crate) fn takes(&self, randomness: Randomness) -> bool {
        randomness.bits >= self.bits
    }

    /// The value of the `ot` member of what it took.
    pub(crate) fn member(&self, randomness: Randomness) -> String {
        let mut member = String::with_capacity(self.text.len() + 4 + DIGITS);
        member.push_str(&self.text);
        if randomness.source != Source::TraceId {
            member.push_str(";rv:");
            member.extend(digits(randomness.bits));
        }
        member
    }
}

/// All of them, the most significant first.
fn digits(bits: u64) -> impl Iterator<Item = char> {
    let digit = move |place| char::from(b"0123456789abcdef"[(bits >> (4 * place)) as usize & 0xf]);
    (0..DIGITS).rev().map(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_trace(id: u128) -> Randomness {
        Randomness::of(&RumContext::default(), || None, TraceId::from(id))
    }

    /// The examples of the specification, and the ends.
    #[test]
    fn thresholds_are_written_as_specified() {
        let table = [
            (1.0, "th:0"),
            (0.5, "th:8"),
            (0.25, "th:c"),
            (0.75, "th:4"),
            (1.0 / 16.0, "th:f"),
            (0.01, "th:fd70a3d70a3d7"),
            (0.1, "th:e6666666666668"),
        ];
        for (ratio, text) in table {
            let threshold = Threshold::of_ratio(ratio).expect("a ratio");
            let member = threshold.member(by_trace(7));
            let cut = member.len().min(text.len());
            assert_eq!(&member[..cut], text, "{ratio}: {member}");
        }
    }

    #[test]
    fn what_is_no_ratio_is_none() {
        for ratio in [-0.1, 1.1, f64::NAN, f64::INFINITY, -f64::INFINITY] {
            assert_eq!(Threshold::of_ratio(ratio), None, "{ratio}");
        }
    }

    #[test]
    fn all_and_nothing() {
        let (all, none) = (Threshold::always(), Threshold::of_ratio(0.0).expect("one"));
        for id in [0, 1, u128::MAX, 1 << 55, (1 << 56) - 1, 1 << 56] {
            assert!(all.takes(by_trace(id)), "{id:x}");
            assert!(!none.takes(by_trace(id)), "{id:x}");
        }
    }

    #[test]
    fn only_the_low_56_bits_count() {
        let half = Threshold::of_ratio(0.5).expect("one");
        assert!(half.takes(by_trace(0x80_0000_0000_0000)));
        assert!(!half.takes(by_trace(0x7f_ffff_ffff_ffff)));
        assert!(!half.takes(by_trace(u128::MAX << 56)));
    }
}
