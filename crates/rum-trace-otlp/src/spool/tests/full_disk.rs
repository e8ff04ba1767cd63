//! No room left: by the disk's answer everywhere, and on a real full disk
//! where the test may mount one.

use std::io::ErrorKind::{QuotaExceeded, StorageFull};

use super::disks::{Failing, Step};
use super::*;
use crate::spool::Refusal;

fn on_failing_disk(dir: &TempDir) -> (Failing, Spool) {
    let disk = Failing::default();
    let spool = open_on(&disk, dir, PLENTY);
    (disk, spool)
}

#[test]
fn the_oldest_make_room_on_a_full_disk() {
    for kind in [StorageFull, QuotaExceeded] {
        for step in [Step::Write, Step::Rename] {
            let dir = filled(3);
            let (disk, mut spool) = on_failing_disk(&dir);
            disk.next(step, kind);
            // Two blocks for a batch of two.
            let put = spool.put(&record(3, 1, BLOCK as usize));
            assert_eq!(
                stored(put),
                Count {
                    batches: 2,
                    spans: 2
                }
            );
            check(&spool, &dir, PLENTY);
            assert_eq!(drain(&mut spool), [2, 3]);
        }
    }
}

#[test]
fn a_disk_that_stays_full_refuses_and_tells_what_it_cost() {
    let dir = filled(3);
    let (disk, mut spool) = on_failing_disk(&dir);
    disk.next(Step::Write, StorageFull);
    disk.next(Step::Write, StorageFull);
    let put = spool.put(&small(3));
    assert!(
        matches!(
            put,
            Put::Refused {
                reason: Refusal::DiskFull,
                evicted_batches: 1,
                evicted_spans: 1
            }
        ),
        "{put:?}"
    );
    check(&spool, &dir, PLENTY);
    assert_eq!(drain(&mut spool), [1, 2]);
}

#[test]
fn an_empty_spool_on_a_full_disk_refuses_at_once() {
    let dir = filled(0);
    let (disk, mut spool) = on_failing_disk(&dir);
    disk.next(Step::Write, StorageFull);
    let put = spool.put(&small(0));
    assert!(matches!(
        put,
        Put::Refused {
            reason: Refusal::DiskFull,
            ..
        }
    ));
    stored(spool.put(&small(1)));
    assert_eq!(drain(&mut spool), [1]);
}

#[cfg(target_os = "linux")]
mod real {
    use std::process::Command;

    use super::*;

    /// A file system in memory with 64 KiB, unmounted when dropped.
    struct Tiny(TempDir);

    impl Tiny {
        fn mount() -> Option<Self> {
            let dir = tempfile::tempdir().unwrap();
            let mut mount = Command::new("mount");
            mount
                .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
                .arg(dir.path());
            let mounted = mount.output().is_ok_and(|output| output.status.success());
            mounted.then_some(Self(dir))
        }
    }

    impl Drop for Tiny {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0.path()).status();
        }
    }

    /// Fills what is left of the disk.
    fn ballast(dir: &TempDir) -> PathBuf {
        let path = dir.path().join("ballast");
        let error = fs::write(&path, vec![0; 256 * 1024]).unwrap_err();
        assert_eq!(error.kind(), StorageFull);
        path
    }

    #[test]
    fn a_real_full_disk() {
        let Some(Tiny(dir)) = &Tiny::mount() else {
            eprintln!(
                "skipped: this user may not mount a tmpfs; the tests beside this one \
                 have the same answers from a disk that is simulated"
            );
            return;
        };
        let mut spool = open(dir, PLENTY);
        let mut evicted = 0;
        for number in 0..40 {
            evicted += stored(spool.put(&small(number))).batches;
        }
        assert!(evicted > 0, "40 blocks on a disk of 16");
        assert_eq!(spool.batches() + evicted, 40);
        check(&spool, dir, PLENTY);

        // Somebody else takes what is free: the spool lives on its own room.
        let ballast = ballast(dir);
        assert_eq!(stored(spool.put(&small(40))).batches, 1);
        drop(spool);

        // A start on a full disk, which has all that was stored.
        let mut spool = open(dir, PLENTY);
        let expected: Vec<_> = (evicted + 1..=40).collect();
        assert_eq!(drain(&mut spool), expected);

        fs::remove_file(&ballast).unwrap();
        self::ballast(dir);
        let put = spool.put(&small(41));
        assert!(
            matches!(
                put,
                Put::Refused {
                    reason: Refusal::DiskFull,
                    evicted_batches: 0,
                    ..
                }
            ),
            "{put:?}"
        );
        assert!(names(dir.path()).iter().all(|name| !name.ends_with("tmp")));
        fs::remove_file(ballast).unwrap();
        stored(spool.put(&small(42)));
        assert_eq!(drain(&mut spool), [42]);
    }
}
