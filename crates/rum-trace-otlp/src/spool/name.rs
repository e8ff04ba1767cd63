//! The names of files, which sort by age.

use std::ffi::OsStr;
use std::fmt;
use std::time::SystemTime;

use super::format::unix_millis;

/// The end of the year 9999. A later name is not ours, so that a name after
/// any other can be had.
const MAX_MILLIS: u64 = 253_402_300_799_999;
const MAX_SEQUENCE: u64 = 9_999_999_999;
const SUFFIX: &str = ".otlp";
const TEMPORARY: &str = ".tmp";

/// What tells one file from another: its age, as far as order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    millis: u64,
    sequence: u64,
}

impl Key {
    /// The key of a batch made at `created`, later than `last` whatever the
    /// clock says. `None` when there is no later one, which takes a file that
    /// somebody named so.
    pub(super) fn after(last: Option<Self>, created: SystemTime) -> Option<Self> {
        let millis = unix_millis(created).min(MAX_MILLIS);
        let fresh = Self {
            millis,
            sequence: 0,
        };
        match last {
            Some(last) if last >= fresh => last.next(),
            _ => Some(fresh),
        }
    }

    fn next(self) -> Option<Self> {
        if self.sequence < MAX_SEQUENCE {
            let sequence = self.sequence + 1;
            return Some(Self { sequence, ..self });
        }
        let millis = self.millis + 1;
        (millis <= MAX_MILLIS).then_some(Self {
            millis,
            sequence: 0,
        })
    }

    /// Reads `00000001789000000000-0000000000.otlp`, and only that.
    pub(super) fn parse(name: &OsStr) -> Option<Self> {
        let (millis, sequence) = name.to_str()?.strip_suffix(SUFFIX)?.split_once('-')?;
        let millis = digits(millis, 20)?;
        let sequence = digits(sequence, 10)?;
        (millis <= MAX_MILLIS).then_some(Self { millis, sequence })
    }

    /// That `name` is one of [`Key::temporary`].
    pub(super) fn is_temporary(name: &OsStr) -> bool {
        let name = name.to_str().and_then(|name| name.strip_suffix(TEMPORARY));
        name.is_some_and(|name| Self::parse(OsStr::new(name)).is_some())
    }

    /// The name of the file while it is written.
    pub(super) fn temporary(self) -> String {
        format!("{self}{TEMPORARY}")
    }
}

/// The name of the file.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{:010}{SUFFIX}", self.millis, self.sequence)
    }
}

/// Exactly `len` digits; `parse` alone would take a sign.
fn digits(text: &str, len: usize) -> Option<u64> {
    let all = text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}
