//! Who hangs under whom.
//!
//! A span is known by its id, but two spans may share one: Zipkin's clients and
//! servers write the two halves of a call under the same id. They are two spans
//! here, the server's under the client's. What names the shared id as its parent
//! hangs under the half of its own service, otherwise under the server's.

use std::collections::HashMap;
use std::sync::Arc;

use rum_trace_propagation::SpanId;

use super::facts;
use crate::collector::Span;

/// The spans of a trace by their index, and their places.
#[derive(Debug)]
pub(crate) struct Tree {
    parents: Vec<Parent>,
    /// By start.
    children: Vec<Vec<usize>>,
    /// By start: what hangs under no span that is here.
    roots: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// It names none.
    None,
    Span(usize),
    /// It names one that is not here.
    Absent(SpanId),
    /// Its parents go round in a circle, which is cut here.
    Circle,
}

/// A span's place when a tree is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) index: usize,
    pub(crate) depth: u32,
    /// Whether no sibling follows.
    pub(crate) last: bool,
}

impl Tree {
    pub(crate) fn new(spans: &[Arc<Span>]) -> Self {
        let ids = Ids::new(spans);
        let mut parents: Vec<_> = (0..spans.len()).map(|at| ids.parent(spans, at)).collect();
        let order = by_start(spans);
        cut_circles(&mut parents, &order);
        let mut tree = Self {
            children: vec![Vec::new(); spans.len()],
            roots: Vec::new(),
            parents,
        };
        for index in order {
            let siblings = match tree.parent(index) {
                Parent::Span(parent) => tree.children.get_mut(parent),
                _ => Some(&mut tree.roots),
            };
            if let Some(siblings) = siblings {
                siblings.push(index);
            }
        }
        tree
    }

    pub(crate) fn parent(&self, index: usize) -> Parent {
        self.parents.get(index).copied().unwrap_or(Parent::None)
    }

    /// The parent, if it is here.
    pub(crate) fn parent_span(&self, index: usize) -> Option<usize> {
        match self.parent(index) {
            Parent::Span(parent) => Some(parent),
            _ => None,
        }
    }

    pub(crate) fn children(&self, index: usize) -> &[usize] {
        self.children.get(index).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// The siblings and all below them in drawing order: depth first.
    pub(crate) fn walk(&self, siblings: &[usize], depth: u32) -> Walk<'_> {
        let mut walk = Walk {
            tree: self,
            stack: Vec::new(),
        };
        walk.push(siblings, depth);
        walk
    }

    /// Every span, each after its parent.
    pub(crate) fn all(&self) -> Walk<'_> {
        self.walk(&self.roots, 0)
    }
}

/// See [`Tree::walk`].
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    tree: &'a Tree,
    /// Of its own: how deep a trace goes is up to its senders.
    stack: Vec<Place>,
}

impl Walk<'_> {
    /// In reverse, since the stack gives them back so.
    fn push(&mut self, siblings: &[usize], depth: u32) {
        let from_last = siblings.iter().rev().enumerate();
        self.stack.extend(from_last.map(|(at, index)| Place {
            index: *index,
            depth,
            last: at == 0,
        }));
    }
}

impl Iterator for Walk<'_> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        let place = self.stack.pop()?;
        let tree = self.tree;
        self.push(tree.children(place.index), place.depth.saturating_add(1));
        Some(place)
    }
}

fn by_start(spans: &[Arc<Span>]) -> Vec<usize> {
    let mut order: Vec<_> = spans.iter().enumerate().collect();
    order.sort_by(|(_, one), (_, other)| facts::by_start(one, other));
    order.into_iter().map(|(index, _)| index).collect()
}

/// Spans by id: the first, and the one that shares its id.
struct Ids(HashMap<SpanId, (usize, Option<usize>)>);

impl Ids {
    fn new(spans: &[Arc<Span>]) -> Self {
        let mut ids: HashMap<SpanId, (usize, Option<usize>)> = HashMap::with_capacity(spans.len());
        for (index, span) in spans.iter().enumerate() {
            ids.entry(span.span_id)
                .and_modify(|(_, twin)| *twin = twin.or(Some(index)))
                .or_insert((index, None));
        }
        Self(ids)
    }

    fn parent(&self, spans: &[Arc<Span>], index: usize) -> Parent {
        let Some(span) = spans.get(index) else {
            return Parent::None;
        };
        if let Some(other_half) = self.calling_half(spans, index, span) {
            return Parent::Span(other_half);
        }
        let Some(parent) = span.parent else {
            return Parent::None;
        };
        match self.0.get(&parent) {
            None => Parent::Absent(parent),
            Some((only, None)) => Parent::Span(*only),
            Some((one, Some(other))) => Parent::Span(half_for(span, spans, *one, *other)),
        }
    }

    /// Of a call that both sides wrote under one id, the client's half.
    fn calling_half(&self, spans: &[Arc<Span>], index: usize, span: &Span) -> Option<usize> {
        let (one, other) = *self.0.get(&span.span_id)?;
        let twin = if one == index { other? } else { one };
        let calls =
            facts::is_called(span) && spans.get(twin).is_some_and(|twin| facts::is_calling(twin));
        calls.then_some(twin)
    }
}

/// Which of two spans with one id is the parent of `span`.
fn half_for(span: &Span, spans: &[Arc<Span>], one: usize, other: usize) -> usize {
    let rank = |at: &usize| {
        let half = spans.get(*at);
        (
            half.is_some_and(|half| half.service() == span.service()),
            half.is_some_and(|half| facts::is_called(half)),
        )
    };
    if rank(&other) > rank(&one) {
        other
    } else {
        one
    }
}

/// Makes one span of each circle a root, or none of it would be reached.
fn cut_circles(parents: &mut [Parent], order: &[usize]) {
    // In which walk upwards a span was first seen; 0 for none.
    let mut seen = vec![0_usize; parents.len()];
    for (walk, start) in order.iter().enumerate() {
        let walk = walk.saturating_add(1);
        let mut at = *start;
        while let (Some(mark @ 0), Some(Parent::Span(parent))) = (seen.get_mut(at), parents.get(at))
        {
            *mark = walk;
            at = *parent;
        }
        // Seen in this very walk: the circle goes through here.
        let closed = seen.get(at) == Some(&walk);
        if let (true, Some(parent)) = (closed, parents.get_mut(at)) {
            *parent = Parent::Circle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::SpanBuilder;

    fn span(id: u8, parent: u8, start: u64) -> Arc<Span> {
        SpanBuilder::new("shop", 1, id, parent)
            .time(start, start + 1)
            .build()
    }

    /// Ids and depths as they would be drawn.
    fn drawn(spans: &[Arc<Span>]) -> Vec<(u8, u32)> {
        let tree = Tree::new(spans);
        tree.all()
            .map(|place| (spans[place.index].span_id.to_bytes()[0], place.depth))
            .collect()
    }

    #[test]
    fn places() {
        // (id, parent, start) of each span; ids and depths as drawn.
        let table: [(&str, &[(u8, u8, u64)], &[(u8, u32)]); 8] = [
            ("nothing", &[], &[]),
            (
                "siblings by start, whatever came first",
                &[(4, 2, 30), (3, 2, 20), (2, 0, 10)],
                &[(2, 0), (3, 1), (4, 1)],
            ),
            (
                "at the same time by id",
                &[(4, 2, 10), (3, 2, 10), (2, 0, 10)],
                &[(2, 0), (3, 1), (4, 1)],
            ),
            (
                "what hangs under nothing is a root",
                &[(2, 9, 10), (3, 2, 20), (4, 8, 5)],
                &[(4, 0), (2, 0), (3, 1)],
            ),
            ("its own parent", &[(2, 2, 10)], &[(2, 0)]),
            (
                "a circle is cut at its first span",
                &[(2, 3, 20), (3, 4, 10), (4, 2, 30)],
                &[(3, 0), (2, 1), (4, 2)],
            ),
            (
                "what hangs under a circle stays under it",
                &[(2, 3, 20), (3, 2, 30), (5, 3, 1)],
                &[(3, 0), (5, 1), (2, 1)],
            ),
            (
                "two circles and a tree",
                &[(1, 0, 9), (2, 3, 2), (3, 2, 3), (4, 5, 4), (5, 4, 5)],
                &[(2, 0), (3, 1), (4, 0), (5, 1), (1, 0)],
            ),
        ];
        for (name, spans, expected) in table {
            let spans: Vec<_> = spans
                .iter()
                .map(|(id, parent, at)| span(*id, *parent, *at))
                .collect();
            assert_eq!(drawn(&spans), expected, "{name}");
        }
    }

    #[test]
    fn parents_say_why_there_is_none() {
        let spans = [span(2, 0, 1), span(3, 9, 2), span(4, 4, 3), span(5, 2, 4)];
        let tree = Tree::new(&spans);
        let parents: Vec<_> = (0..4).map(|at| tree.parent(at)).collect();
        let absent = SpanId::from_bytes([9; 8]).unwrap();
        assert_eq!(
            parents,
            [
                Parent::None,
                Parent::Absent(absent),
                Parent::Circle,
                Parent::Span(0)
            ]
        );
        let last: Vec<_> = tree.all().map(|place| place.last).collect();
        assert_eq!(last, [false, true, false, true]);
    }

    #[test]
    fn the_halves_of_a_shared_id_are_two_spans() {
        let spans = [
            SpanBuilder::new("stock", 1, 7, 1).server().time(12, 18),
            SpanBuilder::new("shop", 1, 7, 1).client().time(10, 20),
            SpanBuilder::new("shop", 1, 1, 0).server().time(9, 21),
            SpanBuilder::new("stock", 1, 8, 7).time(13, 14),
            SpanBuilder::new("shop", 1, 9, 7).time(11, 12),
            SpanBuilder::new("third", 1, 10, 7).time(15, 16),
        ]
        .map(SpanBuilder::build);
        let tree = Tree::new(&spans);
        let parents: Vec<_> = (0..6).map(|at| tree.parent_span(at)).collect();
        assert_eq!(
            parents,
            [Some(1), Some(2), None, Some(0), Some(1), Some(0)],
            "server under client under its caller; then by service, else the server's half"
        );
    }

    #[test]
    fn a_chain_of_any_depth_is_walked() {
        let id = |n: u32| {
            let mut id = [1; 8];
            id[4..].copy_from_slice(&n.to_be_bytes());
            SpanId::from_bytes(id).unwrap().to_string()
        };
        let spans: Vec<_> = (1..100_000)
            .map(|n| {
                SpanBuilder::new("shop", 1, 1, 0)
                    .span_id(&id(n))
                    .parent(&id(n - 1))
            })
            .map(SpanBuilder::build)
            .collect();
        let tree = Tree::new(&spans);
        assert_eq!(tree.all().count(), spans.len());
        assert_eq!(tree.all().last().unwrap().depth, 99_998);
    }
}
