//! Torn and changed files: set aside, never sent.

use super::disks::{Failing, Quick, Step};
use super::*;
use crate::spool::format::{self, Flaw, Header};

/// A file with a batch and its bytes, beside which a good one is.
fn victim() -> (TempDir, PathBuf, Vec<u8>) {
    let dir = filled(2);
    let file = batch_files(dir.path()).remove(0);
    let bytes = fs::read(&file).unwrap();
    (dir, file, bytes)
}

/// Opens the spool on a damaged file, and damages it under an open spool:
/// neither may send it or lose the other batch.
#[track_caller]
fn assert_set_aside(damaged: &[u8], what: &str) {
    let (dir, file, _) = victim();
    fs::write(&file, damaged).unwrap();
    let mut spool = open_on(&Quick, &dir, PLENTY);
    assert_eq!(drain(&mut spool), [1], "{what}, found at the start");
    assert_eq!(spool.set_aside_count().batches, 1, "{what}");
    assert_eq!(fs::read(&rejected(&dir)[0]).unwrap(), damaged, "{what}");
    check(&spool, &dir, PLENTY);

    let (dir, file, _) = victim();
    let mut spool = open_on(&Quick, &dir, PLENTY);
    assert_eq!(spool.spans(), 2);
    fs::write(&file, damaged).unwrap();
    assert_eq!(drain(&mut spool), [1], "{what}, found when taken");
    let one = Count {
        batches: 1,
        spans: 1,
    };
    assert_eq!(spool.set_aside_count(), one, "{what}");
    assert_eq!(rejected(&dir).len(), 1, "{what}");
    check(&spool, &dir, PLENTY);
}

#[test]
fn torn_at_every_length() {
    let (_dir, _, whole) = victim();
    assert_eq!(whole.len(), HEADER_LEN + 8);
    for len in 0..whole.len() {
        assert_set_aside(&whole[..len], &format!("cut to {len} bytes"));
    }
}

#[test]
fn longer_than_it_says() {
    let (_dir, _, whole) = victim();
    assert_set_aside(&[&whole[..], b"\0"].concat(), "one byte too many");
    assert_set_aside(&[&whole[..], &whole].concat(), "twice");
}

/// These four bytes do not change the checksum of an empty body.
#[test]
fn the_length_is_checked_and_not_only_the_checksum() {
    let mut file = Header::of(&Record {
        body: Bytes::new(),
        ..small(0)
    })
    .to_bytes()
    .to_vec();
    assert!(format::parse(file.clone()).is_ok());
    file.extend([0x9D, 0x0A, 0xD9, 0x6D]);
    assert_eq!(crc32fast::hash(&file[HEADER_LEN..]), crc32fast::hash(b""));
    assert_eq!(format::parse(file), Err(Flaw::Torn));
}

#[test]
fn every_single_bit_flip_is_detected() {
    let (_dir, _, whole) = victim();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_set_aside(&flipped, &format!("bit {bit}"));
    }
}

#[test]
fn zeros_as_some_file_systems_leave_after_a_loss_of_power() {
    let (_dir, _, whole) = victim();
    assert_set_aside(&vec![0; whole.len()], "zeros");
    let body = [&whole[..HEADER_LEN], &[0; 8]].concat();
    // Batch 0 has a body of zeros: the check must be of another one.
    assert_eq!(body, whole);
    let other = [&whole[..HEADER_LEN], &[1; 8]].concat();
    assert_set_aside(&other, "another body");
}

/// What this version does not know is not sent, even with right checksums.
#[test]
fn newer_formats_are_set_aside() {
    let (_dir, _, whole) = victim();
    let changes: [(usize, u8); 5] = [(9, 2), (11, 64), (12, 3), (13, 2), (15, 1)];
    for (at, value) in changes {
        let mut newer = whole.clone();
        newer[at] = value;
        let crc = crc32fast::hash(&newer[..HEADER_LEN - 4]);
        newer[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&crc.to_be_bytes());
        assert_set_aside(&newer, &format!("byte {at} is {value}"));
    }
}

#[test]
fn another_batch_under_a_known_name_would_break_the_count() {
    let (dir, file, _) = victim();
    let other = tempfile::tempdir().unwrap();
    stored(open(&other, PLENTY).put(&record(7, 30, 8)));
    let mut spool = open(&dir, PLENTY);
    fs::copy(&batch_files(other.path())[0], file).unwrap();
    assert_eq!(drain(&mut spool), [1]);
    assert_eq!(
        spool.set_aside_count(),
        Count {
            batches: 1,
            spans: 1
        }
    );
}

#[test]
fn headers_with_absurd_numbers_are_harmless() {
    let (dir, file, whole) = victim();
    for range in [16..24, 24..32, 32..40] {
        let mut absurd = whole.clone();
        absurd[range.clone()].fill(0xFF);
        let crc = crc32fast::hash(&absurd[..HEADER_LEN - 4]);
        absurd[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&crc.to_be_bytes());
        fs::write(&file, absurd).unwrap();
        let mut spool = open(&dir, PLENTY);
        // Only the length can be seen to be wrong.
        let expected = if range.start == 32 { 1 } else { 2 };
        assert_eq!(spool.batches(), expected, "{range:?}");
        assert!(spool.oldest().is_some());
    }
}

#[test]
fn vanished_files_are_skipped_and_counted() {
    let dir = filled(4);
    let files = batch_files(dir.path());
    let mut spool = open(&dir, PLENTY);
    fs::remove_file(&files[0]).unwrap();
    fs::remove_file(&files[2]).unwrap();
    assert_eq!(drain(&mut spool), [1, 3]);
    assert_eq!(
        spool.vanished_count(),
        Count {
            batches: 2,
            spans: 2
        }
    );
    assert_eq!(spool.set_aside_count(), Count::default());
    check(&spool, &dir, PLENTY);
}

/// A process that has too many files open must not throw its spool away.
#[test]
fn what_cannot_be_read_now_is_read_later() {
    let dir = filled(3);
    let disk = Failing::default();
    let mut spool = open_on(&disk, &dir, PLENTY);
    disk.next(Step::Read, std::io::ErrorKind::Other);
    assert!(spool.oldest().is_none());
    assert_eq!(spool.batches(), 3);
    // It does not hold up the others, and comes again after them.
    assert_eq!(drain(&mut spool), [1, 2, 0]);
    assert_eq!(spool.set_aside_count(), Count::default());
}

#[test]
fn what_was_removed_is_not_sent_again_even_if_it_cannot_be_deleted() {
    let dir = filled(2);
    let disk = Failing::default();
    let mut spool = open_on(&disk, &dir, PLENTY);
    let (id, _) = spool.oldest().unwrap();
    disk.next(Step::Remove, std::io::ErrorKind::PermissionDenied);
    assert!(spool.remove(id));
    assert_eq!((spool.batches(), spool.spans()), (1, 1));
    assert_eq!(spool.bytes(), 2 * BLOCK, "it is still on the disk");
    assert_eq!(number(&spool.oldest().unwrap().1), 1);

    // At least once: after a restart it is there again.
    drop(spool);
    let mut spool = open_on(&disk, &dir, PLENTY);
    let (id, again) = spool.oldest().unwrap();
    assert_eq!(number(&again), 0);

    // Without a restart, it is deleted when the disk allows it.
    disk.next(Step::Remove, std::io::ErrorKind::PermissionDenied);
    spool.remove(id);
    stored(spool.put(&small(2)));
    check(&spool, &dir, PLENTY);
    assert_eq!(drain(&mut spool), [1, 2]);
}

#[test]
fn rejected_files_are_capped_by_number() {
    let dir = filled(0);
    let files = 2 * crate::spool::directory::MAX_REJECTED as u64;
    for number in 0..files {
        fs::write(dir.path().join(name(number)), b"torn").unwrap();
    }
    let spool = open(&dir, PLENTY);
    assert_eq!(
        spool.set_aside_count(),
        Count {
            batches: files,
            spans: 0
        }
    );
    let kept = rejected(&dir);
    assert_eq!(kept.len() as u64, files / 2);
    assert!(kept[0].ends_with(name(files / 2)), "the newest are kept");
}

#[test]
fn rejected_files_are_capped_by_size() {
    let dir = filled(0);
    let quarter = PLENTY as usize / 4;
    fs::write(dir.path().join(name(0)), vec![0; quarter]).unwrap();
    fs::write(dir.path().join(name(1)), vec![0; quarter - 10]).unwrap();
    fs::write(dir.path().join(name(2)), vec![0; 10]).unwrap();
    let others = dir.path().join(REJECTED).join("notes.txt");
    fs::create_dir(others.parent().unwrap()).unwrap();
    fs::write(&others, b"not ours").unwrap();
    drop(open(&dir, PLENTY));
    assert_eq!(rejected(&dir).len(), 2);
    // With a smaller cap, at the next start.
    drop(open(&dir, 4 * BLOCK));
    assert_eq!(rejected(&dir).len(), 1);
    assert!(others.exists());
}

/// A file that can be neither sent nor moved.
#[test]
fn a_bad_file_that_cannot_be_moved_stays_and_is_not_sent() {
    let (dir, file, _) = victim();
    fs::write(&file, b"torn").unwrap();
    fs::write(dir.path().join(REJECTED), b"in the way").unwrap();
    let mut spool = open(&dir, PLENTY);
    assert_eq!(drain(&mut spool), [1]);
    assert_eq!(spool.set_aside_count().batches, 1);
    assert!(file.exists());
}

fn name(sequence: u64) -> String {
    format!("{:020}-{sequence:010}.otlp", 1)
}
