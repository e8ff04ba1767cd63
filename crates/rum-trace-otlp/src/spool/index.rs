//! What is known of the files, in memory.

use std::collections::BTreeMap;

use super::count::Count;
use super::directory::Directory;
use super::format::{Header, Record};
use super::name::Key;

/// File systems give room in blocks, nearly all of them of this size. Counted
/// so, many small files stay under the cap too, and their number is bounded.
pub(super) const BLOCK: u64 = 4096;

/// A stored batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Length of the file.
    pub(super) file_len: u64,
    pub(super) spans: u64,
    /// It could not be read; the others come first.
    deferred: bool,
}

impl Entry {
    pub(super) fn of(header: &Header) -> Self {
        Self {
            file_len: header.file_len(),
            spans: header.spans,
            deferred: false,
        }
    }

    pub(super) fn of_record(record: &Record) -> Self {
        Self {
            file_len: (super::format::HEADER_LEN as u64) + record.body.len() as u64,
            spans: record.spans,
            deferred: false,
        }
    }

    /// What it takes on disk.
    pub(super) fn size(&self) -> u64 {
        let blocks = self.file_len.checked_next_multiple_of(BLOCK);
        blocks.unwrap_or(u64::MAX)
    }
}

/// The stored batches by age, with their sums.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: BTreeMap<Key, Entry>,
    /// Removed, but still on disk: not sent again, and deleted when it works.
    undeleted: BTreeMap<Key, Entry>,
    held: Count,
    bytes: u64,
}

impl Index {
    pub(super) fn insert(&mut self, key: Key, entry: Entry) {
        self.held.add(entry.spans);
        self.bytes = self.bytes.saturating_add(entry.size());
        self.entries.insert(key, entry);
    }

    pub(super) fn take(&mut self, key: Key) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        self.held.batches -= 1;
        self.held.spans = self.held.spans.saturating_sub(entry.spans);
        self.bytes = self.bytes.saturating_sub(entry.size());
        Some(entry)
    }

    pub(super) fn oldest(&self) -> Option<(Key, Entry)> {
        self.entries
            .iter()
            .next()
            .map(|(key, entry)| (*key, *entry))
    }

    /// The oldest that could be read when it was last tried; if there is
    /// none, all are tried again.
    pub(super) fn oldest_readable(&mut self) -> Option<(Key, Entry)> {
        let readable = self.entries.iter().find(|(_, entry)| !entry.deferred);
        let readable = readable.map(|(key, entry)| (*key, *entry));
        readable.or_else(|| {
            self.entries.values_mut().for_each(|e| e.deferred = false);
            self.oldest()
        })
    }

    pub(super) fn defer(&mut self, key: Key) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.deferred = true;
        }
    }

    /// Still counts as bytes: it is on the disk.
    pub(super) fn delete_later(&mut self, key: Key, entry: Entry) {
        self.bytes = self.bytes.saturating_add(entry.size());
        self.undeleted.insert(key, entry);
    }

    /// Up to the first that fails: then the next will fail too.
    pub(super) fn delete_again(&mut self, directory: &Directory) {
        while let Some(next) = self.undeleted.first_entry() {
            if directory.remove(*next.key()).is_err() {
                return;
            }
            self.bytes = self.bytes.saturating_sub(next.remove().size());
        }
    }

    pub(super) fn held(&self) -> Count {
        self.held
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
