//! What goes in comes out, in order.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::spool::format::{self, Header};

#[test]
fn every_field_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let encodings = [Encoding::None, Encoding::Gzip, Encoding::Zstd];
    let records: Vec<_> = encodings
        .into_iter()
        .enumerate()
        .map(|(at, encoding)| Record {
            created: millis(1_700_000_000_123 + at as u64),
            spans: [0, 2_048, u64::from(u32::MAX) + 1][at],
            encoding,
            format: Format::OtlpTraces,
            body: Bytes::from(vec![at as u8; [0, 1, 70_000][at]]),
        })
        .collect();
    let mut spool = open(&dir, PLENTY);
    for record in &records {
        stored(spool.put(record));
    }
    drop(spool);

    let mut spool = open(&dir, PLENTY);
    assert_eq!(spool.batches(), 3);
    assert_eq!(spool.spans(), 2_048 + u64::from(u32::MAX) + 1);
    assert_eq!(spool.bytes(), (1 + 1 + 18) * BLOCK);
    for record in &records {
        let (id, taken) = spool.oldest().unwrap();
        assert_eq!(&taken, record);
        spool.remove(id);
    }
    assert_eq!((spool.batches(), spool.spans(), spool.bytes()), (0, 0, 0));
    assert!(batch_files(dir.path()).is_empty());
}

#[test]
fn the_oldest_is_the_same_until_it_is_removed() {
    let dir = filled(2);
    let mut spool = open(&dir, PLENTY);
    let (first, _) = spool.oldest().unwrap();
    let (again, record) = spool.oldest().unwrap();
    assert_eq!((first, number(&record)), (again, 0));
    assert!(spool.remove(first));
    assert!(!spool.remove(first));
    assert_eq!(drain(&mut spool), [1]);
    check(&spool, &dir, PLENTY);
}

#[test]
fn order_is_that_of_putting_whatever_the_clock_says() {
    let dir = tempfile::tempdir().unwrap();
    let times = [5_000, 9_000, 9_000, 100, 0, 9_001, u64::MAX / 2, 7];
    let mut expected = Vec::new();
    // A restart after each: the order must come from the names.
    for (at, &time) in times.iter().enumerate() {
        let mut spool = open(&dir, PLENTY);
        let created = UNIX_EPOCH.checked_add(Duration::from_millis(time));
        stored(spool.put(&Record {
            created: created.unwrap(),
            ..small(at as u64)
        }));
        expected.push(at as u64);
    }
    let mut spool = open(&dir, PLENTY);
    assert_eq!(drain(&mut spool), expected);
    stored(spool.put(&small(99)));
    assert_eq!(drain(&mut spool), [99]);
}

#[test]
fn a_time_before_1970_is_1970() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, PLENTY);
    let created = UNIX_EPOCH - Duration::from_secs(1);
    stored(spool.put(&Record {
        created,
        ..small(0)
    }));
    assert_eq!(spool.oldest().unwrap().1.created, UNIX_EPOCH);
}

/// The format as it is documented, byte by byte: it must not change by
/// mistake, since files outlive versions.
#[test]
fn the_bytes_are_those_of_the_table() {
    let record = Record {
        created: millis(0x0102_0304_0506),
        spans: 0x0708,
        encoding: Encoding::Gzip,
        format: Format::OtlpTraces,
        body: Bytes::from_static(b"123456789"),
    };
    let bytes = Header::of(&record).to_bytes();
    assert_eq!(&bytes[..16], b"RUMSPOOL\x00\x01\x00\x30\x01\x01\x00\x00");
    assert_eq!(bytes[16..24], [0, 0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(bytes[24..32], [0, 0, 0, 0, 0, 0, 7, 8]);
    assert_eq!(bytes[32..40], [0, 0, 0, 0, 0, 0, 0, 9]);
    // The check value of CRC-32 (IEEE).
    assert_eq!(bytes[40..44], [0xCB, 0xF4, 0x39, 0x26]);
    assert_eq!(
        format::parse([&bytes[..], b"123456789"].concat()),
        Ok(record)
    );
}

#[test]
fn names_are_read_as_they_are_written_and_no_others() {
    let name = "00000001789000000000-0000000042.otlp";
    assert_eq!(Key::parse(name.as_ref()).unwrap().to_string(), name);
    let others = [
        "",
        ".otlp",
        "-.otlp",
        "1789000000000-42.otlp",
        "00000001789000000000-0000000042",
        "00000001789000000000-0000000042.otlp.tmp",
        "00000001789000000000-0000000042.otlp ",
        "+0000001789000000000-0000000042.otlp",
        "00000001789000000000-+000000042.otlp",
        "00000001789000000000_0000000042.otlp",
        "0000000178900000000०-0000000042.otlp",
        "000000001789000000000-0000000042.otlp",
        "99999999999999999999-0000000042.otlp",
        "18446744073709551615-0000000042.otlp",
    ];
    for other in others {
        assert_eq!(Key::parse(other.as_ref()), None, "{other}");
    }
}

#[test]
fn names_used_up_refuse_and_do_not_overwrite() {
    let last = "00000253402300799999-9999999999.otlp";
    let dir = filled(1);
    let [file] = &batch_files(dir.path())[..] else {
        panic!("one file");
    };
    fs::rename(file, dir.path().join(last)).unwrap();
    let mut spool = open(&dir, PLENTY);
    let put = spool.put(&small(1));
    assert!(matches!(put, Put::Refused { .. }), "{put:?}");
    assert_eq!(drain(&mut spool), [0]);
}

#[test]
fn the_sequence_carries_over() {
    let almost = Key::parse("00000000000000000005-9999999999.otlp".as_ref());
    let next = Key::after(almost, millis(3)).unwrap();
    assert_eq!(next.to_string(), "00000000000000000006-0000000000.otlp");
    assert!(Some(next) > almost);
}
