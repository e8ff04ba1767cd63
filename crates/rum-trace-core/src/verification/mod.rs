//! What arrived, told in the response to whoever holds the verification token:
//! `rum-trace verify` asks so through the gateways.
//!
//! Without a token a request costs one look at an option; with one, and without
//! the header, one look at the names of its headers.

mod answer;
mod json;
mod token;

pub(crate) use answer::Arrived;
pub(crate) use token::VerificationToken;

use token::Asked;

use crate::instrumenter::Inner;

/// The request header that holds the token.
///
/// It is never recorded, not even if it is listed by name, and the adapters let it go
/// on to nobody: see [`Injection::NOT_HANDED_ON`](crate::Injection::NOT_HANDED_ON).
pub const VERIFICATION_REQUEST_HEADER: &str = "rum-trace-verify";

/// The response header that tells its holder what arrived: JSON in base64url
/// without padding, at most 2,048 characters. docs/EMITS.md has its fields.
pub const VERIFICATION_RESPONSE_HEADER: &str = "rum-trace-verified";

/// The value of the response header.
#[derive(Debug)]
pub(crate) struct Verified(String);

impl Verified {
    /// The header fields. No cache is to keep them for somebody else.
    pub(crate) fn set(&self, set: &mut dyn FnMut(&'static str, &str)) {
        set(VERIFICATION_RESPONSE_HEADER, &self.0);
        set("cache-control", "no-store");
    }
}

impl Inner {
    /// What to tell the holder of the token, if it is one who asks.
    #[inline(never)]
    pub(crate) fn verify(
        &self,
        token: &VerificationToken,
        arrived: &Arrived<'_>,
    ) -> Option<Verified> {
        match token.asked_by(arrived.request) {
            Asked::Not => None,
            Asked::Wrongly => {
                self.counters.verification_refused();
                None
            }
            Asked::Rightly => {
                self.counters.verified();
                Some(Verified(arrived.answer(self)))
            }
        }
    }
}
