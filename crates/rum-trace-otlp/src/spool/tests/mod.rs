//! Tests of the spool, each on a directory of its own.

mod cap;
mod crash;
mod damage;
mod disks;
mod foreign;
mod full_disk;
mod locking;
mod model;
mod round_trip;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tempfile::TempDir;

use self::disks::Quick;
use super::directory::REJECTED;
use super::disk::Disk;
use super::format::HEADER_LEN;
use super::index::BLOCK;
use super::name::Key;
use super::{Count, Encoding, Format, Put, Record, Spool};

/// Room for any test that is not about room.
const PLENTY: u64 = 256 * BLOCK;

/// A batch that knows its number, of one block unless `len` is large.
fn record(number: u64, spans: u64, len: usize) -> Record {
    let mut body = number.to_be_bytes().to_vec();
    body.resize(len.max(8), number as u8);
    Record {
        created: millis(1_700_000_000_000),
        spans,
        encoding: Encoding::Zstd,
        format: Format::OtlpTraces,
        body: Bytes::from(body),
    }
}

fn small(number: u64) -> Record {
    record(number, 1, 8)
}

fn number(record: &Record) -> u64 {
    u64::from_be_bytes(record.body[..8].try_into().unwrap())
}

fn millis(since_1970: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(since_1970)
}

fn open(dir: &TempDir, max_bytes: u64) -> Spool {
    Spool::open(dir.path(), max_bytes).unwrap()
}

/// On a disk of the test's.
fn open_on(disk: &(impl Disk + Clone + 'static), dir: &TempDir, max_bytes: u64) -> Spool {
    Spool::open_on(Box::new(disk.clone()), dir.path(), max_bytes).unwrap()
}

/// A directory in which the batches 0, 1, … are stored.
fn filled(batches: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open_on(&Quick, &dir, PLENTY);
    for number in 0..batches {
        assert_eq!(stored(spool.put(&small(number))), Count::default());
    }
    dir
}

/// What was evicted for a batch that must have been stored.
#[track_caller]
fn stored(put: Put) -> Count {
    match put {
        Put::Stored {
            evicted_spans: spans,
            evicted_batches: batches,
        } => Count { batches, spans },
        Put::Refused { reason, .. } => panic!("refused: {reason}"),
    }
}

/// Takes and acknowledges everything.
fn drain(spool: &mut Spool) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some((id, record)) = spool.oldest() {
        numbers.push(number(&record));
        assert!(spool.remove(id));
    }
    numbers
}

/// The files with names of ours, the oldest first.
fn batch_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = names(dir)
        .into_iter()
        .filter(|name| Key::parse(name.as_ref()).is_some())
        .map(|name| dir.join(name))
        .collect();
    files.sort();
    files
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn rejected(dir: &TempDir) -> Vec<PathBuf> {
    let path = dir.path().join(REJECTED);
    if path.exists() {
        batch_files(&path)
    } else {
        Vec::new()
    }
}

/// Every invariant that can be seen from outside: the numbers are those of
/// the files, and the cap holds.
#[track_caller]
fn check(spool: &Spool, dir: &TempDir, max_bytes: u64) {
    let files = batch_files(dir.path());
    let blocks = |file: &PathBuf| fs::metadata(file).unwrap().len().next_multiple_of(BLOCK);
    assert_eq!(spool.batches(), files.len() as u64);
    assert_eq!(spool.bytes(), files.iter().map(blocks).sum::<u64>());
    assert!(spool.bytes() <= max_bytes);
}
