//! The disk spool: batches that memory would lose, kept in files until the
//! collector has them.
//!
//! One batch is one file. A file is written under a temporary name, flushed
//! to the disk and then renamed, so that under its own name it is whole or not
//! there at all. It is deleted once the batch is acknowledged. Nothing is ever
//! changed in place, and there is no index on disk that could disagree with
//! the files.
//!
//! ```text
//! spool/
//!   lock                                      held by the process that uses it
//!   00000001789000000000-0000000000.otlp      the oldest batch
//!   00000001789000000000-0000000001.otlp
//!   00000001789000004711-0000000000.otlp.tmp  being written
//!   rejected/                                 set aside: never sent
//! ```
//!
//! Names sort by age: Unix milliseconds, then a sequence number. The clock
//! may go backwards: a name is always later than the last one, also after a
//! restart (as long as a batch is left to learn it from), so batches come out
//! in the order in which they were put in.
//!
//! # The format of a file
//!
//! All numbers big-endian.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `RUMSPOOL` |
//! | 8 | 2 | version: 1 |
//! | 10 | 2 | length of the header: 48 |
//! | 12 | 1 | content encoding of the body: 0 none, 1 gzip, 2 zstd |
//! | 13 | 1 | what the body is: 1 an OTLP `ExportTraceServiceRequest` in protobuf |
//! | 14 | 2 | zero |
//! | 16 | 8 | when the batch was made, in Unix milliseconds |
//! | 24 | 8 | how many spans it has |
//! | 32 | 8 | length of the body |
//! | 40 | 4 | CRC-32 (IEEE) of the body |
//! | 44 | 4 | CRC-32 (IEEE) of the 44 bytes before |
//! | 48 | | body |
//!
//! The header has a checksum of its own: the number of spans can be trusted at
//! the start without reading all bodies. A body is checked when it is taken.
//!
//! # What survives what
//!
//! | killed (SIGKILL, out of memory, a panic that aborts) | after the restart |
//! |---|---|
//! | while the temporary file is written or flushed | the batch is lost: [`Spool::put`] had not returned. The temporary file is removed |
//! | after older batches were deleted to make room | they are lost, and the new one too |
//! | after the rename, before [`Spool::put`] returned | the batch is sent, though nobody was told that it was stored |
//! | after [`Spool::put`] said [`Put::Stored`] | the batch is sent |
//! | after the collector's acknowledgement, before the deletion | the batch is sent **again** |
//!
//! The lock is the operating system's (`flock`, `LockFileEx`) and ends with
//! the process, however it ends. A process that was forked off without `exec`
//! shares it: if the spool was not dropped, the directory stays in use until
//! both have ended.
//!
//! A loss of power is survived in the same way where the file system keeps its
//! promise about `fsync` of files and directories. Deletions are not flushed:
//! after a loss of power a batch may be sent again.
//!
//! On a full disk the oldest batches make room for the new one, once; if it
//! still does not fit, it is refused, with the numbers of what was lost.
//!
//! # At least once
//!
//! A stored batch is sent at least once, not exactly once. It is sent again
//! after a restart if the acknowledgement was lost on the way, if the process
//! died between acknowledgement and deletion, or if the file could not be
//! deleted. Within one process, a batch that was removed never comes back.
//!
//! # Files that are not ours
//!
//! Whatever has another name is left alone: a directory that was given by
//! mistake loses nothing. What has a name of ours and is not a whole batch
//! (torn, changed, of a newer version, a symbolic link, a directory, …) is
//! moved to `rejected/`, which is capped too, and never sent. To send a batch
//! that a newer version had written, move the file back while no process uses
//! the directory, and start that version. A file that cannot be read stays
//! where it is.

mod count;
mod directory;
mod disk;
mod error;
mod format;
mod index;
mod lock;
mod name;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

pub(crate) use self::count::Count;
use self::directory::{Directory, Fault};
use self::disk::{Disk, Files};
pub(crate) use self::error::{Refusal, SpoolError};
pub(crate) use self::format::{Encoding, Format, Record};
use self::index::{Entry, Index};
use self::lock::Lock;
use self::name::Key;

/// A stored batch, to be acknowledged by [`Spool::remove`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordId(Key);

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Put {
    /// It is on disk. The oldest ones had to go if the numbers are not zero.
    Stored {
        evicted_spans: u64,
        evicted_batches: u64,
    },
    /// It is not on disk and still the caller's. Older ones may have been
    /// lost in the attempt to make room for it.
    Refused {
        reason: Refusal,
        evicted_spans: u64,
        evicted_batches: u64,
    },
}

/// Batches on disk. Not shared between threads; its calls block on the disk.
///
/// At any moment, of batches and of spans:
///
/// found at the start + stored = removed + evicted + set aside + vanished
/// + held now
#[derive(Debug)]
pub(crate) struct Spool {
    directory: Directory,
    index: Index,
    max_bytes: u64,
    /// The last name given, so that the next one is later.
    last: Option<Key>,
    evicted: Count,
    set_aside: Count,
    vanished: Count,
    unreadable: u64,
    /// Given back to the operating system when the spool is dropped, after
    /// the last use of the directory.
    _lock: Lock,
}

impl Spool {
    /// Takes the directory `dir` for this process, creates it if need be and
    /// looks through it.
    ///
    /// `max_bytes` caps the batches' files, each counted in whole blocks of
    /// 4 KiB as file systems do; while one is written it comes on top, and so
    /// does `rejected/` with up to a quarter of it.
    ///
    /// Batches beyond the cap are deleted, the oldest first: see
    /// [`Spool::evicted`].
    pub(crate) fn open(dir: &Path, max_bytes: u64) -> Result<Self, SpoolError> {
        Self::open_on(Box::new(Files), dir, max_bytes)
    }

    fn open_on(disk: Box<dyn Disk>, dir: &Path, max_bytes: u64) -> Result<Self, SpoolError> {
        if max_bytes < index::BLOCK {
            return Err(SpoolError::TooSmall { max_bytes });
        }
        let failed = |source| SpoolError::Io {
            dir: dir.to_owned(),
            source,
        };
        let directory = Directory::create(disk, dir, max_bytes / 4).map_err(failed)?;
        let lock = Lock::acquire(dir)?;
        let keys = directory.list().map_err(failed)?;
        let mut spool = Self {
            directory,
            index: Index::default(),
            max_bytes,
            last: keys.last().copied(),
            evicted: Count::default(),
            set_aside: Count::default(),
            vanished: Count::default(),
            unreadable: 0,
            _lock: lock,
        };
        keys.into_iter().for_each(|key| spool.adopt(key));
        spool.directory.trim_rejected();
        // If they cannot be deleted now, the next `put` tries it again.
        let _ = spool.make_room(0, &mut Count::default());
        Ok(spool)
    }

    /// Takes a file of an earlier process into the books.
    fn adopt(&mut self, key: Key) {
        match self.directory.header(key) {
            Ok(header) => self.index.insert(key, Entry::of(&header)),
            Err(Fault::Vanished) => {}
            Err(Fault::Bad(flaw)) => self.set_aside(key, &flaw),
            Err(Fault::Unreadable(error)) => {
                self.unreadable += 1;
                tracing::warn!(file = %key, %error, "a spooled batch cannot be read and is left where it is");
            }
        }
    }

    /// Stores a batch. Never fatal: whatever happens is in the answer.
    pub(crate) fn put(&mut self, record: &Record) -> Put {
        let mut evicted = Count::default();
        let stored = self.store(record, &mut evicted);
        let (evicted_spans, evicted_batches) = (evicted.spans, evicted.batches);
        match stored {
            Ok(()) => Put::Stored {
                evicted_spans,
                evicted_batches,
            },
            Err(reason) => Put::Refused {
                reason,
                evicted_spans,
                evicted_batches,
            },
        }
    }

    fn store(&mut self, record: &Record, evicted: &mut Count) -> Result<(), Refusal> {
        self.index.delete_again(&self.directory);
        let entry = Entry::of_record(record);
        let size = entry.size();
        if size > self.max_bytes {
            let max = self.max_bytes;
            return Err(Refusal::TooLarge { size, max });
        }
        match self.attempt(record, entry, evicted) {
            Err(error) if disk::is_full(&error) && self.free(size, evicted)? => {
                self.attempt(record, entry, evicted)
            }
            outcome => outcome,
        }
        .map_err(Refusal::from)
    }

    /// The new file is written before older ones are deleted for the cap: a
    /// disk that takes no writes must not cost what is stored already.
    fn attempt(&mut self, record: &Record, entry: Entry, evicted: &mut Count) -> io::Result<()> {
        let key = self.next_key(record)?;
        self.directory.write_temporary(key, record)?;
        let published = self
            .make_room(entry.size(), evicted)
            .and_then(|()| self.directory.publish(key));
        if published.is_err() {
            self.directory.discard(key);
            return published;
        }
        self.index.insert(key, entry);
        Ok(())
    }

    /// A name is used for one attempt only: of a failed one, a file may be
    /// left that could not be removed.
    fn next_key(&mut self, record: &Record) -> io::Result<Key> {
        let key = Key::after(self.last, record.created);
        self.last = key.or(self.last);
        key.ok_or_else(|| io::Error::other("all names are used up: empty the directory"))
    }

    /// Deletes the oldest until `size` bytes fit under the cap.
    fn make_room(&mut self, size: u64, evicted: &mut Count) -> io::Result<()> {
        while self.bytes().saturating_add(size) > self.max_bytes {
            if self.evict_oldest(evicted)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Deletes the oldest until `size` bytes are free that were not before.
    /// `false` if there is nothing to delete.
    fn free(&mut self, size: u64, evicted: &mut Count) -> io::Result<bool> {
        let mut freed = 0;
        while freed < size {
            let Some(more) = self.evict_oldest(evicted)? else {
                break;
            };
            freed += more;
        }
        Ok(freed > 0)
    }

    /// The size of what was deleted. On an error nothing was lost.
    fn evict_oldest(&mut self, evicted: &mut Count) -> io::Result<Option<u64>> {
        let Some((key, entry)) = self.index.oldest() else {
            return Ok(None);
        };
        self.directory.remove(key)?;
        self.index.take(key);
        evicted.add(entry.spans);
        self.evicted.add(entry.spans);
        Ok(Some(entry.size()))
    }

    /// The oldest batch, read and verified. The same one again until it is
    /// removed.
    ///
    /// Files that turn out bad are set aside on the way. `None` if there is
    /// no batch, or if the oldest could not be read just now (too many open
    /// files, say): the next call then begins with the one after it, and
    /// [`Spool::batches`] tells the two apart.
    pub(crate) fn oldest(&mut self) -> Option<(RecordId, Record)> {
        loop {
            let (key, entry) = self.index.oldest_readable()?;
            match self.directory.load(key, entry) {
                Ok(record) => return Some((RecordId(key), record)),
                Err(Fault::Vanished) => self.vanished(key),
                Err(Fault::Bad(flaw)) => self.set_aside(key, &flaw),
                Err(Fault::Unreadable(error)) => {
                    self.index.defer(key);
                    tracing::debug!(file = %key, %error, "a spooled batch cannot be read now");
                    return None;
                }
            }
        }
    }

    /// Deletes a batch that was acknowledged, or that is given up.
    ///
    /// `false` if it was no longer held: it had been evicted, and was counted
    /// there, since it was taken.
    pub(crate) fn remove(&mut self, id: RecordId) -> bool {
        let Some(entry) = self.index.take(id.0) else {
            return false;
        };
        if let Err(error) = self.directory.remove(id.0) {
            tracing::debug!(file = %id.0, %error, "a sent batch cannot be deleted now");
            self.index.delete_later(id.0, entry);
        }
        true
    }

    fn vanished(&mut self, key: Key) {
        if let Some(entry) = self.index.take(key) {
            self.vanished.add(entry.spans);
        }
    }

    /// If the file cannot be moved either it stays, out of the books.
    fn set_aside(&mut self, key: Key, flaw: &format::Flaw) {
        self.directory.set_aside(key);
        self.set_aside
            .add(self.index.take(key).map_or(0, |entry| entry.spans));
        if self.set_aside.batches.is_power_of_two() {
            let files = self.set_aside.batches;
            tracing::warn!(file = %key, reason = %flaw, files, "a file of the spool was set aside");
        }
    }

    /// How many spans the stored batches have.
    pub(crate) fn spans(&self) -> u64 {
        self.index.held().spans
    }

    /// How many batches are stored.
    pub(crate) fn batches(&self) -> u64 {
        self.index.held().batches
    }

    /// How much disk the files take, in whole blocks of 4 KiB; files that
    /// were removed but could not be deleted yet included.
    pub(crate) fn bytes(&self) -> u64 {
        self.index.bytes()
    }

    /// What was deleted to stay under the cap or to make room on a full
    /// disk: when the spool was opened, and in each [`Spool::put`], which
    /// says its part.
    pub(crate) fn evicted(&self) -> Count {
        self.evicted
    }

    /// What was set aside. The spans are those that [`Spool::spans`] had
    /// counted: of a file found bad at the start nobody knows how many it had.
    pub(crate) fn set_aside_count(&self) -> Count {
        self.set_aside
    }

    /// What somebody else took away.
    pub(crate) fn vanished_count(&self) -> Count {
        self.vanished
    }

    /// How many files could not be read at the start and were left.
    pub(crate) fn unreadable(&self) -> u64 {
        self.unreadable
    }
}
