//! The token: checked when it is set, compared in constant time.

use std::collections::HashSet;
use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::VERIFICATION_REQUEST_HEADER;
use crate::{BuildError, RequestInfo};

/// Bytes of a token at least: 16 random hex digits are 64 bits.
const MIN: usize = 16;
/// And at most, so that nobody has long texts hashed.
const MAX: usize = 256;
/// Different bytes at least. 16 random hex digits have fewer in one of 27,000 cases;
/// `aaaaaaaaaaaaaaaa` and `1234123412341234` always.
const MIN_DIFFERENT: usize = 6;

/// A secret that the service shares with whoever verifies. Kept as its SHA-256, so
/// that it stands nowhere in memory as it is, and all that are compared have one
/// length.
pub(crate) struct VerificationToken {
    digest: [u8; 32],
}

/// Whether a request asks to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Not,
    Wrongly,
    Rightly,
}

impl VerificationToken {
    pub(crate) fn new(token: &str) -> Result<Self, BuildError> {
        let bytes = token.len();
        if bytes < MIN {
            return Err(BuildError::VerificationTokenTooShort { bytes });
        }
        if bytes > MAX {
            return Err(BuildError::VerificationTokenTooLong { bytes });
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BuildError::VerificationTokenNotVisible);
        }
        if token.bytes().collect::<HashSet<u8>>().len() < MIN_DIFFERENT {
            return Err(BuildError::VerificationTokenGuessable);
        }
        let digest = digest(token.as_bytes());
        Ok(VerificationToken { digest })
    }

    /// A second line of the header is no token, whatever it holds.
    pub(super) fn asked_by(&self, request: &dyn RequestInfo) -> Asked {
        let (mut given, mut lines) = (None, 0_usize);
        request.for_each_header(&mut |name, value| {
            // The length decides first.
            if name.eq_ignore_ascii_case(VERIFICATION_REQUEST_HEADER) {
                given = Some(value);
                lines = lines.saturating_add(1);
            }
        });
        match given {
            None => Asked::Not,
            Some(given) if lines == 1 && self.is(given) => Asked::Rightly,
            Some(_) => Asked::Wrongly,
        }
    }

    fn is(&self, given: &[u8]) -> bool {
        given.len() <= MAX && bool::from(digest(given).ct_eq(&self.digest))
    }
}

fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Shows nothing of it.
impl fmt::Debug for VerificationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerificationToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "9f2c4e6a8b0d1f37";

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = VerificationToken::new(TOKEN).expect("a good one");
        assert!(token.is(TOKEN.as_bytes()));
        for other in [
            "",
            "9f2c4e6a8b0d1f3",
            "9f2c4e6a8b0d1f38",
            "0f2c4e6a8b0d1f37",
            "9f2c4e6a8b0d1f370",
            "9F2C4E6A8B0D1F37",
        ] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        assert!(!token.is(&[b'x'; MAX + 1]));
    }

    #[test]
    fn weak_ones_are_refused_without_a_word_of_them() {
        let long = "0123456789abcdef".repeat(17);
        for (token, error) in [
            ("", BuildError::VerificationTokenTooShort { bytes: 0 }),
            (
                "123456789abcdef",
                BuildError::VerificationTokenTooShort { bytes: 15 },
            ),
            (&long, BuildError::VerificationTokenTooLong { bytes: 272 }),
            ("9f2c4e6a 8b0d1f37", BuildError::VerificationTokenNotVisible),
            (
                "9f2c4e6a8b0d1f3\u{e9}",
                BuildError::VerificationTokenNotVisible,
            ),
            (
                "9f2c4e6a8b0d1f37\n",
                BuildError::VerificationTokenNotVisible,
            ),
            ("aaaaaaaaaaaaaaaa", BuildError::VerificationTokenGuessable),
            ("1234512345123451", BuildError::VerificationTokenGuessable),
        ] {
            let refused = VerificationToken::new(token).expect_err(token);
            assert_eq!(refused, error);
            let shown = format!("{refused} {refused:?}");
            assert!(token.is_empty() || !shown.contains(token), "{shown}");
        }
    }
}
