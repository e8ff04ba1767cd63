//! Why the spool cannot be used, and why a batch is not in it.

use std::io;
use std::path::PathBuf;

use super::{disk, index};

/// Why a spool could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SpoolError {
    /// Somebody else has it.
    #[error(
        "the spool directory {} is in use by another process or another pipeline of this one: \
         give each its own directory",
        dir.display()
    )]
    InUse { dir: PathBuf },
    /// The directory cannot be used.
    #[error(
        "the spool directory {} cannot be used: {source}; it must be a directory that this \
         process may read and write, on a file system with file locks",
        dir.display()
    )]
    Io { dir: PathBuf, source: io::Error },
    /// Nothing would fit.
    #[error(
        "a spool of {max_bytes} bytes holds nothing: allow at least {}, and better some hundred \
         times the size of a batch",
        index::BLOCK
    )]
    TooSmall { max_bytes: u64 },
}

/// Why a batch was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// It alone is larger than the spool may be.
    #[error("the batch takes {size} bytes on disk, and the spool may have {max}")]
    TooLarge { size: u64, max: u64 },
    /// There is no room on the disk, or in the user's quota, even after older
    /// batches were deleted.
    #[error("the disk is full")]
    DiskFull,
    /// The disk did not do it.
    #[error("the spool cannot be written: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        if disk::is_full(&error) {
            Self::DiskFull
        } else {
            Self::Io(error)
        }
    }
}
