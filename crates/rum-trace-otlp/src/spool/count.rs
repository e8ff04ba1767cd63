//! A number of batches and of the spans in them.

/// Batches, and the spans in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) batches: u64,
    pub(crate) spans: u64,
}

impl Count {
    /// One batch more. Saturating: the number of spans is read from files.
    pub(super) fn add(&mut self, spans: u64) {
        self.batches = self.batches.saturating_add(1);
        self.spans = self.spans.saturating_add(spans);
    }
}
