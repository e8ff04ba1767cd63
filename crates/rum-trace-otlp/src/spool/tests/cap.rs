//! The cap, and who goes first.

use super::disks::{Failing, Step};
use super::*;
use crate::spool::{Refusal, SpoolError};

#[test]
fn the_oldest_go_first_and_their_spans_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, 4 * BLOCK);
    for number in 0..4 {
        let put = spool.put(&record(number, 10 + number, 8));
        assert_eq!(stored(put), Count::default());
    }
    // Two blocks: two must go.
    let put = spool.put(&record(4, 100, BLOCK as usize));
    assert_eq!(
        stored(put),
        Count {
            batches: 2,
            spans: 10 + 11
        }
    );
    check(&spool, &dir, 4 * BLOCK);
    assert_eq!(spool.spans(), 12 + 13 + 100);
    assert_eq!(
        spool.evicted(),
        Count {
            batches: 2,
            spans: 21
        }
    );
    assert_eq!(drain(&mut spool), [2, 3, 4]);
}

/// Exactly the cap fits; a byte more does not.
#[test]
fn a_batch_larger_than_the_cap_costs_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, 2 * BLOCK);
    let full = 2 * BLOCK as usize - HEADER_LEN;
    stored(spool.put(&small(0)));
    let put = spool.put(&record(1, 1, full + 1));
    let Put::Refused {
        reason: Refusal::TooLarge { size, max },
        evicted_batches: 0,
        evicted_spans: 0,
    } = put
    else {
        panic!("{put:?}");
    };
    assert_eq!((size, max), (3 * BLOCK, 2 * BLOCK));
    assert_eq!(spool.batches(), 1);
    assert_eq!(stored(spool.put(&record(2, 1, full))).batches, 1);
    check(&spool, &dir, 2 * BLOCK);
    assert_eq!(drain(&mut spool), [2]);
}

#[test]
fn a_smaller_cap_takes_effect_at_the_start() {
    let dir = filled(5);
    let mut spool = open(&dir, 2 * BLOCK);
    check(&spool, &dir, 2 * BLOCK);
    assert_eq!(
        spool.evicted(),
        Count {
            batches: 3,
            spans: 3
        }
    );
    assert_eq!(drain(&mut spool), [3, 4]);
}

#[test]
fn an_absurd_cap_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    for max in [0, 1, BLOCK - 1] {
        let error = Spool::open(dir.path(), max).unwrap_err();
        assert!(matches!(error, SpoolError::TooSmall { .. }));
        assert!(error.to_string().contains("at least 4096"), "{error}");
    }
    assert!(names(dir.path()).is_empty());
    stored(Spool::open(dir.path(), u64::MAX).unwrap().put(&small(0)));
}

/// A batch may be evicted while it is on its way to the collector: then it
/// was counted as lost, and `remove` says so.
#[test]
fn removing_what_was_evicted_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, BLOCK);
    stored(spool.put(&small(0)));
    let (id, _) = spool.oldest().unwrap();
    assert_eq!(stored(spool.put(&small(1))).batches, 1);
    assert!(!spool.remove(id));
    assert_eq!(drain(&mut spool), [1]);
}

/// A disk that takes no writes costs nothing that is stored.
#[test]
fn a_failed_write_evicts_nothing() {
    let dir = filled(3);
    let disk = Failing::default();
    let mut spool = open_on(&disk, &dir, 3 * BLOCK);
    disk.next(Step::Write, std::io::ErrorKind::ReadOnlyFilesystem);
    let put = spool.put(&small(3));
    let Put::Refused {
        reason: Refusal::Io(error),
        evicted_batches: 0,
        evicted_spans: 0,
    } = put
    else {
        panic!("{put:?}");
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    check(&spool, &dir, 3 * BLOCK);
    assert!(names(dir.path()).iter().all(|name| !name.ends_with("tmp")));
    assert_eq!(drain(&mut spool), [0, 1, 2]);
}

/// What cannot be deleted is not counted as lost.
#[test]
fn a_failed_eviction_refuses_and_loses_nothing() {
    let dir = filled(3);
    let disk = Failing::default();
    let mut spool = open_on(&disk, &dir, 3 * BLOCK);
    disk.next(Step::Remove, std::io::ErrorKind::PermissionDenied);
    let put = spool.put(&small(3));
    assert!(
        matches!(
            put,
            Put::Refused {
                evicted_batches: 0,
                ..
            }
        ),
        "{put:?}"
    );
    check(&spool, &dir, 3 * BLOCK);
    assert_eq!(drain(&mut spool), [0, 1, 2]);
}

/// What went for a batch that then was not stored is told all the same.
#[test]
fn a_failed_rename_tells_what_was_evicted() {
    let dir = filled(3);
    let disk = Failing::default();
    let mut spool = open_on(&disk, &dir, 3 * BLOCK);
    disk.next(Step::Rename, std::io::ErrorKind::PermissionDenied);
    let put = spool.put(&small(3));
    assert!(
        matches!(
            put,
            Put::Refused {
                evicted_batches: 1,
                evicted_spans: 1,
                ..
            }
        ),
        "{put:?}"
    );
    check(&spool, &dir, 3 * BLOCK);
    assert_eq!(drain(&mut spool), [1, 2]);
}
