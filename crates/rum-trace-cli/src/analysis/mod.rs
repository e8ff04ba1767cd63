//! What the spans of a trace, or of all, tell together. Pure functions: no clock,
//! no store, no I/O.

pub(crate) mod digest;
pub(crate) mod facts;
pub(crate) mod findings;
pub(crate) mod gaps;
pub(crate) mod phone;
pub(crate) mod rows;
pub(crate) mod session;
pub(crate) mod sketch;
pub(crate) mod summary;
pub(crate) mod topology;
pub(crate) mod tree;

use std::sync::Arc;

use crate::collector::Span;
use findings::Evidence;
use phone::Tap;
use topology::Peers;
use tree::Tree;

/// Puts the spans of a trace in their places for whoever looks at them.
pub(crate) fn look<T>(
    spans: &[Arc<Span>],
    quiet: bool,
    peers: &Peers,
    look: impl FnOnce(Evidence<'_>) -> T,
) -> T {
    let tree = Tree::new(spans);
    let tap = Tap::of(spans, &tree);
    look(Evidence {
        spans,
        tree: &tree,
        tap: tap.as_ref(),
        quiet,
        peers,
    })
}
