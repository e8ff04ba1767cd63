//! One process a directory.

use super::crash::{Child, child_directory};
use super::*;
use crate::spool::SpoolError;

#[track_caller]
fn assert_in_use(dir: &Path) {
    let error = Spool::open(dir, PLENTY).unwrap_err();
    assert!(matches!(error, SpoolError::InUse { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("give each its own directory"), "{text}");
}

#[test]
fn a_second_spool_in_the_same_process_is_refused() {
    let dir = filled(1);
    let first = open(&dir, PLENTY);
    assert_in_use(dir.path());
    drop(first);
    assert_eq!(drain(&mut open(&dir, PLENTY)), [0]);
}

/// A refused second must not disturb the first: no temporary file of it may
/// be removed.
#[test]
fn a_refused_second_changes_nothing() {
    let dir = filled(1);
    let _first = open(&dir, PLENTY);
    let temporary = dir.path().join("00000000000000000009-0000000000.otlp.tmp");
    fs::write(&temporary, b"being written").unwrap();
    assert_in_use(dir.path());
    assert!(temporary.exists());
}

#[test]
fn a_lock_file_without_a_process_is_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lock"), b"4711").unwrap();
    stored(open(&dir, PLENTY).put(&small(0)));
    assert_eq!(fs::read(dir.path().join("lock")).unwrap(), b"4711");
}

#[test]
fn the_lock_of_a_killed_process_is_gone() {
    if let Some(dir) = child_directory() {
        let mut spool = Spool::open(&dir, PLENTY).unwrap();
        stored(spool.put(&small(0)));
        Child::report("locked");
        Child::wait_for_death();
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = Child::spawn("locking::the_lock_of_a_killed_process_is_gone", dir.path());
    assert_eq!(child.line().as_deref(), Some("locked"));
    assert_in_use(dir.path());
    child.kill();
    assert_eq!(drain(&mut open(&dir, PLENTY)), [0]);
}
