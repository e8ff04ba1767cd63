//! Where a span's time went to none of its children.

use std::sync::Arc;

use serde::Serialize;

use super::facts;
use super::tree::Tree;
use crate::collector::Span;

/// Shorter than this nobody looks for it, in nanoseconds.
const LEAST: u64 = 1_000_000;
/// As a part of the span's time: one in five.
const LEAST_PART: u64 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Gap {
    /// From the start of the trace.
    #[serde(rename = "start_ns")]
    pub(crate) start: i64,
    #[serde(rename = "duration_ns")]
    pub(crate) duration: u64,
}

/// The gaps of a span that has children: at least a millisecond, and more than
/// 20 % of it. `origin` is the start of the trace.
pub(crate) fn gaps(spans: &[Arc<Span>], tree: &Tree, index: usize, origin: u64) -> Vec<Gap> {
    let children = tree.children(index);
    let Some(span) = spans.get(index).filter(|_| !children.is_empty()) else {
        return Vec::new();
    };
    let (start, end) = (span.start, facts::end(span));
    let enough = LEAST.max(facts::duration(span) / LEAST_PART + 1);
    let mut found = Vec::new();
    let mut covered = start;
    let mut until = |from: u64, to: u64| {
        let duration = to.saturating_sub(from);
        if duration >= enough {
            let start = offset(from, origin);
            found.push(Gap { start, duration });
        }
    };
    // They are in order of their starts.
    for child in children.iter().filter_map(|child| spans.get(*child)) {
        until(covered, child.start.min(end));
        covered = covered.max(facts::end(child));
    }
    until(covered, end);
    found
}

/// A time as a distance from another, before it or after.
pub(crate) fn offset(time: u64, origin: u64) -> i64 {
    let distance = i128::from(time) - i128::from(origin);
    i64::try_from(distance).unwrap_or(if distance < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::SpanBuilder;

    /// The gaps, in milliseconds, of a span from 100 to 200 with these children.
    fn gaps_with(children: &[(u64, u64)]) -> Vec<(i64, u64)> {
        let mut spans = vec![SpanBuilder::new("shop", 1, 1, 0).time(100, 200).build()];
        for (at, (start, end)) in children.iter().enumerate() {
            let id = u8::try_from(at + 2).unwrap();
            spans.push(
                SpanBuilder::new("shop", 1, id, 1)
                    .time(*start, *end)
                    .build(),
            );
        }
        let found = gaps(&spans, &Tree::new(&spans), 0, 100_000_000);
        let ms = |gap: &Gap| (gap.start / 1_000_000, gap.duration / 1_000_000);
        found.iter().map(ms).collect()
    }

    #[test]
    fn what_no_child_covers() {
        let table: [(&[(u64, u64)], &[(i64, u64)]); 8] = [
            (&[], &[]),
            (&[(100, 200)], &[]),
            (&[(121, 200)], &[(0, 21)]),
            (&[(120, 200)], &[]),
            (&[(100, 130), (160, 200)], &[(30, 30)]),
            (&[(100, 180), (110, 120)], &[]),
            (&[(50, 60), (300, 400)], &[(0, 100)]),
            (&[(130, 150)], &[(0, 30), (50, 50)]),
        ];
        for (children, expected) in table {
            assert_eq!(gaps_with(children), expected, "{children:?}");
        }
    }

    #[test]
    fn under_a_millisecond_there_is_none() {
        let span = |id, parent| SpanBuilder::new("shop", 1, id, parent);
        let nanos = |span: SpanBuilder, end| {
            let mut span = span.try_build().unwrap();
            span.end = end;
            Arc::new(span)
        };
        let spans = [nanos(span(1, 0), 999_999), nanos(span(2, 1), 1)];
        assert_eq!(gaps(&spans, &Tree::new(&spans), 0, 0), []);
        let spans = [nanos(span(1, 0), 1_000_001), nanos(span(2, 1), 1)];
        assert_eq!(gaps(&spans, &Tree::new(&spans), 0, 0).len(), 1);
    }

    #[test]
    fn a_distance_never_overflows() {
        assert_eq!(offset(0, 5), -5);
        assert_eq!(offset(u64::MAX, 0), i64::MAX);
        assert_eq!(offset(0, u64::MAX), i64::MIN);
    }
}
