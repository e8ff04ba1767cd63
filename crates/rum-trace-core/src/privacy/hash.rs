//! The keyed hash of an id.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How a hashed id begins, by which the next service knows it.
const MARK: [u8; 5] = *b"hmac-";

/// Bytes of the HMAC that are kept: with 128 bits, two of a billion ids have the same
/// hash with a chance of 1 in 10^21.
const KEPT: usize = 16;

const LEN: usize = MARK.len() + 2 * KEPT;

/// Bytes of an id that are hashed at most; all of them or none, since two ids that
/// differ behind a cut would become one.
pub(super) const MAX_HASHED: usize = 8_192;

/// The key, as far as it can be worked in before there is an id.
#[derive(Clone)]
pub(super) struct HashKey {
    mac: Hmac<Sha256>,
    len: usize,
}

impl HashKey {
    /// `None` never comes: HMAC takes a key of any length.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        let mac = Hmac::new_from_slice(key).ok()?;
        let len = key.len();
        Some(HashKey { mac, len })
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// `kind` keeps ids of different kinds apart; none contains a colon.
    pub(super) fn hash(&self, kind: &str, id: &[u8]) -> HashedId {
        let mut mac = self.mac.clone();
        for part in [kind.as_bytes(), b":", id] {
            mac.update(part);
        }
        HashedId::of(&mac.finalize().into_bytes())
    }
}

/// Shows nothing of the key, not even its length.
impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

/// `hmac-` and 32 hex digits: what may stand in a `tracestate` member and in
/// `baggage` as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashedId([u8; LEN]);

impl HashedId {
    fn of(mac: &[u8]) -> Self {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let digit = |half: u8| DIGITS[usize::from(half & 0xf)];
        let mut text = [0; LEN];
        let (mark, digits) = text.split_at_mut(MARK.len());
        mark.copy_from_slice(&MARK);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(mac) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(*byte)]);
        }
        HashedId(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        // It is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Whether an earlier service hashed it.
pub(super) fn is_hashed(id: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = id.strip_prefix(&MARK);
    id.len() == LEN && digits.is_some_and(|digits| digits.iter().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(key: &[u8], kind: &str, id: &[u8]) -> String {
        let key = HashKey::new(key).expect("any key is one");
        key.hash(kind, id).as_str().to_owned()
    }

    /// By `printf 'user.id:%s' uid_1 | openssl dgst -sha256 -hmac 0123456789abcdef -r`.
    #[test]
    fn it_is_what_openssl_makes_of_it() {
        let key = b"0123456789abcdef";
        let table = [
            ("user.id", "uid_1", "72bebe192af38b259123199e04ea4683"),
            ("session.id", "uid_1", "a90349f0f4b50b6fb696d1e76008b706"),
            ("user.id", "", "ed2db1b1a015b360d65fc337d9c0e9fe"),
            (
                "user.id",
                "zo\u{eb} & co",
                "dfcf3d71a71877f179e3faeb488a4b8a",
            ),
        ];
        for (kind, id, digits) in table {
            let expected = format!("hmac-{digits}");
            assert_eq!(hash(key, kind, id.as_bytes()), expected, "{kind} {id}");
            assert!(is_hashed(expected.as_bytes()));
        }
    }

    #[test]
    fn only_the_whole_form_counts_as_hashed() {
        let digits = "0123456789abcdef0123456789abcdef";
        let table = [
            (format!("hmac-{digits}"), true),
            (digits.to_owned(), false),
            (format!("hmac-{digits}0"), false),
            (format!("hmac-{}", &digits[1..]), false),
            (format!("HMAC-{digits}"), false),
            (format!("hmac-{}", digits.to_uppercase()), false),
            (format!("hmac_{digits}"), false),
            (String::new(), false),
        ];
        for (id, expected) in table {
            assert_eq!(is_hashed(id.as_bytes()), expected, "{id}");
        }
    }

    #[test]
    fn nothing_of_the_key_is_shown() {
        let key = HashKey::new(b"very secret key!").expect("any key is one");
        assert_eq!(format!("{key:?}"), "HashKey");
    }
}
