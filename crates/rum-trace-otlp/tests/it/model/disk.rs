//! The files of a spool, read as its documentation gives their format, and by
//! nothing of the crate's.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use fs4::FileExt;

use super::collector::names;
use crate::support::LONG;

/// The names of all spans in a spool that nobody uses.
pub(super) fn spans(dir: &Path) -> Vec<String> {
    wait_until_free(dir);
    assert!(!dir.join("rejected").exists(), "no file was damaged");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let batches = files.iter().filter(|file| {
        let name = file.file_name().unwrap();
        name != "lock"
    });
    batches.flat_map(|file| batch(file)).collect()
}

fn batch(file: &Path) -> Vec<String> {
    assert_eq!(file.extension().unwrap(), "otlp", "{}", file.display());
    let bytes = std::fs::read(file).unwrap();
    let number = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!(bytes[..8], *b"RUMSPOOL");
    assert_eq!(number(32), bytes.len() as u64 - 48);
    let names = names(&bytes[48..]);
    assert_eq!(number(24), names.len() as u64);
    names
}

/// An export thread that was late for its deadline may still be writing.
fn wait_until_free(dir: &Path) {
    let end = Instant::now() + LONG;
    let lock = File::open(dir.join("lock")).unwrap();
    while FileExt::try_lock(&lock).is_err() {
        assert!(Instant::now() < end, "{} stays in use", dir.display());
        std::thread::sleep(Duration::from_millis(5));
    }
    FileExt::unlock(&lock).unwrap();
}
