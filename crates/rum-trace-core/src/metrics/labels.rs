//! The attributes of a measurement.

use std::cell::Cell;

use opentelemetry::{KeyValue, Value};

/// As many as a measurement has at most.
const MOST: usize = 8;

/// A list of attributes.
///
/// To be pushed in the order of their names: the SDK keeps a list of another
/// order twice, as it was given and sorted.
pub(super) struct Labels(Vec<KeyValue>);

impl Labels {
    /// Has a list written and read, which each thread uses again.
    pub(super) fn with(use_once: impl FnOnce(&mut Labels)) {
        thread_local! {
            static UNUSED: Cell<Vec<KeyValue>> = const { Cell::new(Vec::new()) };
        }
        // A thread that is ending may have lost its own.
        let mut labels = Labels(UNUSED.try_with(Cell::take).unwrap_or_default());
        labels.0.reserve(MOST);
        use_once(&mut labels);
        labels.0.clear();
        let _ = UNUSED.try_with(|unused| unused.set(labels.0));
    }

    pub(super) fn push(&mut self, name: &'static str, value: impl Into<Value>) {
        let in_order = |last: &KeyValue| last.key.as_str() < name;
        debug_assert!(self.0.last().is_none_or(in_order), "{name} is too late");
        self.0.push(KeyValue::new(name, value));
    }

    pub(super) fn push_some(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    pub(super) fn as_slice(&self) -> &[KeyValue] {
        &self.0
    }
}
