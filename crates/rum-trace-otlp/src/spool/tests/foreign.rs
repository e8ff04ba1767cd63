//! What others leave in the directory.

use super::*;
use crate::spool::SpoolError;
use crate::spool::disk::Files;

/// A directory given by mistake loses nothing.
#[test]
fn other_names_are_left_alone() {
    let dir = filled(1);
    let names = [
        "notes.txt",
        ".hidden",
        "batch.otlp",
        "1-2.otlp",
        "00000001700000000000-0000000000.otlp.bak",
        "something.tmp",
        "x-0000000000.otlp.tmp",
    ];
    for name in names {
        fs::write(dir.path().join(name), b"precious").unwrap();
    }
    fs::create_dir(dir.path().join("folder")).unwrap();
    fs::write(dir.path().join("folder/file"), b"precious").unwrap();

    let mut spool = open(&dir, BLOCK);
    for number in 1..4 {
        stored(spool.put(&small(number)));
    }
    assert_eq!(drain(&mut spool), [3]);
    assert_eq!(spool.set_aside_count(), Count::default());
    for name in names.into_iter().chain(["folder/file"]) {
        assert_eq!(fs::read(dir.path().join(name)).unwrap(), b"precious");
    }
}

#[test]
fn temporary_files_of_a_dead_process_are_removed() {
    let dir = filled(1);
    let batch = batch_files(dir.path()).remove(0);
    let whole = fs::read(&batch).unwrap();
    for (sequence, len) in [(7, 0), (8, 20), (9, whole.len())] {
        let name = format!("{:020}-{sequence:010}.otlp.tmp", 1);
        fs::write(dir.path().join(name), &whole[..len]).unwrap();
    }
    let mut spool = open(&dir, PLENTY);
    let left = [batch.file_name().unwrap().to_str().unwrap(), "lock"];
    assert_eq!(names(dir.path()), left);
    assert_eq!(drain(&mut spool), [0]);
}

const OURS: &str = "00000000000000000001-0000000000.otlp";

/// What has a name of ours must not be sent, followed or lost.
#[test]
fn a_directory_with_a_name_of_ours_is_set_aside() {
    let dir = filled(1);
    fs::create_dir(dir.path().join(OURS)).unwrap();
    fs::write(dir.path().join(OURS).join("file"), b"precious").unwrap();
    let mut spool = open(&dir, PLENTY);
    assert_eq!(drain(&mut spool), [0]);
    assert_eq!(spool.set_aside_count().batches, 1);
    let moved = dir.path().join(REJECTED).join(OURS).join("file");
    assert_eq!(fs::read(moved).unwrap(), b"precious");
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_not_followed() {
    use std::os::unix::fs::symlink;

    let elsewhere = filled(1);
    let target = batch_files(elsewhere.path()).remove(0);
    let dir = filled(1);
    symlink(&target, dir.path().join(OURS)).unwrap();
    symlink("/nowhere/at/all", dir.path().join(OURS.replace('1', "2"))).unwrap();
    let mut spool = open(&dir, PLENTY);
    assert_eq!(drain(&mut spool), [0]);
    assert_eq!(spool.set_aside_count().batches, 2);
    assert!(target.exists());

    // One that takes the place of a known batch.
    drop(spool);
    let dir = filled(2);
    let mut spool = open(&dir, PLENTY);
    let file = batch_files(dir.path()).remove(0);
    fs::remove_file(&file).unwrap();
    symlink(&target, &file).unwrap();
    assert_eq!(drain(&mut spool), [1]);
    assert!(target.exists());
}

/// To open a named pipe would block for ever.
#[cfg(unix)]
#[test]
fn named_pipes_and_sockets_are_not_opened() {
    let dir = filled(1);
    let pipe = std::process::Command::new("mkfifo")
        .arg(dir.path().join(OURS))
        .status();
    assert!(pipe.unwrap().success());
    let socket = dir.path().join(OURS.replace('1', "2"));
    let _listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
    let mut spool = open(&dir, PLENTY);
    assert_eq!(drain(&mut spool), [0]);
    assert_eq!(spool.set_aside_count().batches, 2);
}

/// Not even through a symbolic link that waits under the temporary name; and
/// a large file is not read whole for its header.
#[test]
fn only_new_files_are_written_and_only_the_asked_for_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, b"precious").unwrap();
    let error = Files.write(&path, b"head", b"body").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert_eq!(Files.read(&path, 3).unwrap(), b"pre");
}

/// By the disk's answer: root, as whom tests may run, can read everything.
#[test]
fn what_cannot_be_read_is_left_where_it_is() {
    use super::disks::{Failing, Step};

    let dir = filled(3);
    let disk = Failing::default();
    disk.next(Step::Read, std::io::ErrorKind::PermissionDenied);
    let mut spool = open_on(&disk, &dir, PLENTY);
    assert_eq!((spool.unreadable(), spool.batches()), (1, 2));
    assert_eq!(drain(&mut spool), [1, 2]);
    drop(spool);
    assert_eq!(drain(&mut open(&dir, PLENTY)), [0]);
}

#[cfg(unix)]
#[test]
fn only_this_user_may_look() {
    use std::os::unix::fs::PermissionsExt as _;

    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("new/spool");
    let mut spool = Spool::open(&path, PLENTY).unwrap();
    stored(spool.put(&small(0)));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&batch_files(&path)[0]), 0o600);
    assert_eq!(mode(&path.join("lock")), 0o600);
}

#[test]
fn a_path_that_is_no_directory_is_an_error_that_says_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Spool::open(file.path(), PLENTY).unwrap_err();
    assert!(matches!(error, SpoolError::Io { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("must be a directory"), "{text}");
    assert!(text.contains(file.path().to_str().unwrap()), "{text}");
}

/// The directory deleted under a running process: refused, not fatal, and not
/// created anew, since the lock went with it.
#[test]
fn a_deleted_directory_refuses() {
    let dir = filled(2);
    let mut spool = open(&dir, PLENTY);
    fs::remove_dir_all(dir.path()).unwrap();
    let put = spool.put(&small(2));
    assert!(matches!(put, Put::Refused { .. }), "{put:?}");
    assert!(spool.oldest().is_none());
    assert_eq!(spool.vanished_count().batches, 2);
    assert!(!dir.path().exists());
}
