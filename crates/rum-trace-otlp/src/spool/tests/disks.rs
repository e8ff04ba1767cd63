//! Disks that fail.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::spool::disk::{Disk, Files};

/// A disk that need not survive a loss of power: much faster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quick;

impl Disk for Quick {
    fn write(&self, path: &Path, head: &[u8], body: &[u8]) -> io::Result<()> {
        fs::write(path, [head, body].concat())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        Files.read(path, limit)
    }
}

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Write,
    Rename,
    Remove,
    Read,
}

/// A disk whose next operation of a kind fails, as often as told.
#[derive(Debug, Clone, Default)]
pub(super) struct Failing(Arc<Mutex<Vec<(Step, io::ErrorKind)>>>);

impl Failing {
    pub(super) fn next(&self, step: Step, kind: io::ErrorKind) {
        self.0.lock().unwrap().push((step, kind));
    }

    pub(super) fn none(&self) {
        self.0.lock().unwrap().clear();
    }

    fn due(&self, step: Step) -> io::Result<()> {
        let mut faults = self.0.lock().unwrap();
        match faults.iter().position(|fault| fault.0 == step) {
            Some(at) => Err(faults.remove(at).1.into()),
            None => Ok(()),
        }
    }
}

impl Disk for Failing {
    fn write(&self, path: &Path, head: &[u8], body: &[u8]) -> io::Result<()> {
        // A disk is found full in the midst of a file.
        self.due(Step::Write)
            .inspect_err(|_| fs::write(path, head).unwrap())?;
        Quick.write(path, head, body)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.due(Step::Rename)?;
        Quick.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.due(Step::Remove)?;
        Quick.remove(path)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.due(Step::Read)?;
        Quick.read(path, limit)
    }
}

/// A disk as a process sees it that is killed: after some changes, nothing
/// that it does has any effect.
#[derive(Debug, Clone)]
pub(super) struct Dying {
    changes_left: Arc<Mutex<u32>>,
    /// How much of a file is written by the time of death.
    written: usize,
}

impl Dying {
    pub(super) fn new(written: usize) -> Self {
        let changes_left = Arc::new(Mutex::new(u32::MAX));
        Self {
            changes_left,
            written,
        }
    }

    /// Death comes in place of the change after `changes`.
    pub(super) fn after(&self, changes: u32) {
        *self.changes_left.lock().unwrap() = changes;
    }

    fn dies(&self) -> io::Result<()> {
        let mut left = self.changes_left.lock().unwrap();
        *left = left.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(())
    }
}

impl Disk for Dying {
    fn write(&self, path: &Path, head: &[u8], body: &[u8]) -> io::Result<()> {
        self.dies().inspect_err(|_| {
            let whole = [head, body].concat();
            fs::write(path, &whole[..self.written.min(whole.len())]).unwrap();
        })?;
        Quick.write(path, head, body)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.dies()?;
        Quick.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.dies()?;
        Quick.remove(path)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        Quick.read(path, limit)
    }
}
