//! The files of a spool and what happens to them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{self, Disk};
use super::format::{self, Flaw, HEADER_LEN, Header, Record};
use super::index::Entry;
use super::name::Key;

/// Where bad files go.
pub(super) const REJECTED: &str = "rejected";
/// Enough to find out what is wrong.
pub(super) const MAX_REJECTED: usize = 64;

/// Why a batch was not read.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is no such file.
    Vanished,
    /// The file is bad, and will be.
    Bad(Flaw),
    /// The file may be good: the process has too many open, say, or no right
    /// to read it.
    Unreadable(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Vanished,
            _ => Self::Unreadable(error),
        }
    }
}

impl From<Flaw> for Fault {
    fn from(flaw: Flaw) -> Self {
        Self::Bad(flaw)
    }
}

/// A directory with the files of a spool.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    disk: Box<dyn Disk>,
    max_rejected_bytes: u64,
}

impl Directory {
    pub(super) fn create(
        disk: Box<dyn Disk>,
        path: &Path,
        max_rejected_bytes: u64,
    ) -> io::Result<Self> {
        disk::create_directory(path)?;
        Ok(Self {
            path: path.to_owned(),
            disk,
            max_rejected_bytes,
        })
    }

    /// What has a name of ours, the oldest first. Temporary files are
    /// removed: whoever wrote them is gone.
    pub(super) fn list(&self) -> io::Result<Vec<Key>> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            keys.extend(Key::parse(&name));
            if Key::is_temporary(&name) {
                let _ = self.disk.remove(&self.path.join(name));
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// The header of a file that is as long as the header says.
    pub(super) fn header(&self, key: Key) -> Result<Header, Fault> {
        let len = self.regular_len(key)?;
        let header = Header::parse(&self.disk.read(&self.path(key), HEADER_LEN as u64)?)?;
        if header.file_len() != len {
            return Err(Flaw::Torn.into());
        }
        Ok(header)
    }

    /// The batch that was known as `entry`.
    pub(super) fn load(&self, key: Key, entry: Entry) -> Result<Record, Fault> {
        self.regular_len(key)?;
        // One more, to notice what was appended.
        let file = self
            .disk
            .read(&self.path(key), entry.file_len.saturating_add(1))?;
        let record = format::parse(file)?;
        if record.spans != entry.spans {
            return Err(Flaw::Replaced.into());
        }
        Ok(record)
    }

    /// Looked at before it is opened: to open a named pipe would block.
    fn regular_len(&self, key: Key) -> Result<u64, Fault> {
        let metadata = fs::symlink_metadata(self.path(key))?;
        if metadata.is_file() {
            Ok(metadata.len())
        } else {
            Err(Flaw::NotAFile.into())
        }
    }

    /// Writes a batch under its temporary name.
    pub(super) fn write_temporary(&self, key: Key, record: &Record) -> io::Result<()> {
        let header = Header::of(record).to_bytes();
        let path = self.path.join(key.temporary());
        let written = self.disk.write(&path, &header, &record.body);
        if written.is_err() {
            let _ = self.disk.remove(&path);
        }
        written
    }

    /// Gives a written batch its own name.
    pub(super) fn publish(&self, key: Key) -> io::Result<()> {
        self.disk
            .rename(&self.path.join(key.temporary()), &self.path(key))
    }

    /// Removes a batch that could not be published. On a network a rename may
    /// have been done and its answer lost: then it has its own name.
    pub(super) fn discard(&self, key: Key) {
        let _ = self.disk.remove(&self.path.join(key.temporary()));
        let _ = self.disk.remove(&self.path(key));
    }

    /// Deletes a batch. It is no error if somebody else did.
    pub(super) fn remove(&self, key: Key) -> io::Result<()> {
        match self.disk.remove(&self.path(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Moves what has this name out of the way, whatever it is: a rename
    /// neither opens nor follows it. If that fails too, it stays.
    pub(super) fn set_aside(&self, key: Key) {
        let rejected = self.path.join(REJECTED);
        let moved = disk::create_directory(&rejected).and_then(|()| {
            self.disk
                .rename(&self.path(key), &rejected.join(key.to_string()))
        });
        if moved.is_ok() {
            self.trim_rejected();
        }
    }

    /// Deletes the oldest of what was set aside while it is too much. What
    /// has another name, somebody else put there.
    pub(super) fn trim_rejected(&self) {
        let rejected = self.path.join(REJECTED);
        let mut files = sizes(&rejected).unwrap_or_default();
        files.sort_unstable();
        let mut bytes = files
            .iter()
            .fold(0_u64, |sum, file| sum.saturating_add(file.1));
        let mut count = files.len();
        for (key, size) in files {
            if count <= MAX_REJECTED && bytes <= self.max_rejected_bytes {
                return;
            }
            if self.disk.remove(&rejected.join(key.to_string())).is_ok() {
                count -= 1;
                bytes = bytes.saturating_sub(size);
            }
        }
    }

    fn path(&self, key: Key) -> PathBuf {
        self.path.join(key.to_string())
    }
}

/// Names of ours in a directory, with the lengths of the files.
fn sizes(directory: &Path) -> io::Result<Vec<(Key, u64)>> {
    let entries = fs::read_dir(directory)?.filter_map(Result::ok);
    let sized = entries.filter_map(|entry| {
        let key = Key::parse(&entry.file_name())?;
        Some((key, entry.metadata().ok()?.len()))
    });
    Ok(sized.collect())
}
