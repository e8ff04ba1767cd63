//! One process a directory.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process;

use fs4::{FileExt, TryLockError};

use super::error::SpoolError;

/// The name of the locked file. It is never deleted: who deletes a lock file
/// may delete one that another process has just locked.
pub(super) const FILE: &str = "lock";

/// An exclusive lock, held until dropped or until the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    owner: u32,
}

impl Lock {
    pub(super) fn acquire(dir: &Path) -> Result<Self, SpoolError> {
        let failed = |source| SpoolError::Io {
            dir: dir.to_owned(),
            source,
        };
        let file = open(&dir.join(FILE)).map_err(failed)?;
        // By the trait's name: `File` has a method of this name since 1.89.
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Self {
                file,
                owner: process::id(),
            }),
            Err(TryLockError::WouldBlock) => Err(SpoolError::InUse {
                dir: dir.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// `flock` belongs to the open file, which forked processes share. So closing
/// it is not enough: one that is just being started, between `fork` and
/// `exec`, would hold the lock a little longer. And a forked copy of this
/// value must not unlock: it would do so for its parent.
impl Drop for Lock {
    fn drop(&mut self) {
        if process::id() == self.owner {
            let _ = FileExt::unlock(&self.file);
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    super::disk::only_for_us(&mut options);
    options.open(path)
}
