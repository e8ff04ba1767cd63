//! The weight of what spans share: a resource and a scope are there once for all
//! spans of a batch, and as long as the last of them is.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::Span;

/// What is held, by its address: nothing else can have that as long as it is.
#[derive(Debug, Default)]
pub(super) struct Shared(HashMap<usize, Held>);

#[derive(Debug)]
struct Held {
    spans: usize,
    weight: usize,
}

/// Its entry in the table here, and the counters of an `Arc`.
const OVERHEAD: usize = 80;

impl Shared {
    /// Takes note of a span that is kept from now on, and says by how many bytes
    /// the memory grows.
    pub(super) fn hold(&mut self, span: &Span) -> usize {
        let resource = self.add(address(&span.resource), || span.resource.weight());
        resource + self.add(address(&span.scope), || span.scope.weight())
    }

    /// The opposite: by how many bytes the memory shrinks.
    pub(super) fn release(&mut self, span: &Span) -> usize {
        self.remove(address(&span.resource)) + self.remove(address(&span.scope))
    }

    fn add(&mut self, address: usize, weight: impl FnOnce() -> usize) -> usize {
        if let Some(held) = self.0.get_mut(&address) {
            held.spans = held.spans.saturating_add(1);
            return 0;
        }
        let weight = weight() + OVERHEAD;
        self.0.insert(address, Held { spans: 1, weight });
        weight
    }

    fn remove(&mut self, address: usize) -> usize {
        let Some(held) = self.0.get_mut(&address) else {
            return 0;
        };
        held.spans = held.spans.saturating_sub(1);
        if held.spans > 0 {
            return 0;
        }
        let weight = held.weight;
        self.0.remove(&address);
        weight
    }
}

fn address<T>(shared: &Arc<T>) -> usize {
    Arc::as_ptr(shared).addr()
}
