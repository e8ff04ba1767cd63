//! What is kept of the ids of session and user: the privacy step of the request path.

mod entries;
mod fallback;
mod hash;
mod hiding;
mod list;

use self::hash::{HashKey, HashedId, MAX_HASHED, is_hashed};
pub(crate) use self::hiding::Hiding;
use crate::{BuildError, RumKey};

/// Shorter keys are refused.
const MIN_KEY: usize = 16;

/// What becomes of the session and user ids that clients tell, before they reach a
/// span, the trace state, a log, or the next service.
///
/// By default both are kept. Each can be hashed with a key (HMAC-SHA-256), so that
/// a user's requests are still found together but nobody without the key can tell whose
/// they are, or dropped.
///
/// ```
/// use rum_trace_core::{IdPolicy, Instrumenter, Privacy};
///
/// # fn secret() -> String { "0f".repeat(32) }
/// let key = secret(); // made by `openssl rand -hex 32`, the same for all services
/// let instrumenter = Instrumenter::builder()
///     .privacy(Privacy::keep_all().user_id(IdPolicy::Hash).hash_key(key))
///     .build()?;
/// # let _ = instrumenter;
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
///
/// # What is rewritten
///
/// - The [`RumContext`](crate::RumContext), and so what handlers, span attributes, log lines and
///   `RumContext::current()` tell.
/// - The `tracestate` list: in the span's own trace state, and in what goes on. A `rum`
///   member that changed moves to the left, and another member in which the id stands as
///   text is left out (W3C Trace Context Level 2, §3.5, allows both).
/// - The `sid` and `uid` entries of `baggage`. Any other entry of it, or of
///   `sw8-correlation`, in which the id stands as text is left out. Ids of less than six
///   bytes count only if they are all of a value: a user `42` would be found everywhere.
/// - What a [fallback propagator](crate::InstrumenterBuilder::fallback_propagator) finds: its
///   trace state and its baggage, but not values of its own in the context.
///
/// # What is not
///
/// What an app writes elsewhere: paths, queries
/// ([`redact_query_parameter`](crate::InstrumenterBuilder::redact_query_parameter)),
/// captured headers of its own, and the names in `sw8`, which hold no session or user;
/// but Android's SDK writes the whole URL of the request there. To capture `tracestate`,
/// `baggage` or `sw8-correlation` is refused while an id is hashed or dropped. The request's headers
/// themselves are as they came: a handler that copies them to a request of its own
/// does so unchanged, unless the client is one of this workspace's, which replace them.
///
/// # The hash
///
/// `hmac-` and 32 hex digits: the first 16 bytes of the HMAC of `session.id:` or `user.id:`
/// and the id, so that the same text gives another hash as a session than as a user. An id
/// that has this form already was hashed by an earlier service, and is left as it is. A
/// client that sends one claims an id that nobody can resolve, which is no more than it
/// can claim with a raw one. To find a user's requests:
///
/// ```text
/// printf 'user.id:%s' "$USER_ID" | openssl dgst -sha256 -hmac "$KEY" -r | cut -c 1-32
/// ```
///
/// An id is hashed as it came, not as far as it would be kept; one of more than
/// 8,192 bytes is dropped.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Privacy {
    session_id: IdPolicy,
    user_id: IdPolicy,
    key: Option<HashKey>,
}

/// What becomes of an id, see [`Privacy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdPolicy {
    /// It is kept as the client told it: the default.
    #[default]
    Keep,
    /// It is hashed with [`hash_key`](Privacy::hash_key).
    Hash,
    /// Nothing of it is kept, nor of one that an earlier service hashed.
    Drop,
}

/// What is shown of an id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown {
    AsItIs,
    Hashed(HashedId),
    Nothing,
}

impl Privacy {
    /// Both ids as the client told them.
    pub const fn keep_all() -> Self {
        Privacy {
            session_id: IdPolicy::Keep,
            user_id: IdPolicy::Keep,
            key: None,
        }
    }

    /// What becomes of the session's id. Without it a sampler cannot decide by session,
    /// and nobody can find a session's requests; hashed it serves as well as raw for both.
    pub fn session_id(mut self, policy: IdPolicy) -> Self {
        self.session_id = policy;
        self
    }

    /// What becomes of the user's id.
    pub fn user_id(mut self, policy: IdPolicy) -> Self {
        self.user_id = policy;
        self
    }

    /// The secret that ids are hashed with, at least 16 bytes. Services that hash ids of
    /// the same clients need the same one, or their hashes differ. It is never shown, not by
    /// `Debug` either.
    pub fn hash_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = HashKey::new(key.as_ref());
        self
    }

    /// Whether it changes anything.
    pub(crate) fn is_on(&self) -> bool {
        self.policies().iter().any(|it| *it != IdPolicy::Keep)
    }

    pub(crate) fn check(&self) -> Result<(), BuildError> {
        match &self.key {
            Some(key) if key.len() < MIN_KEY => {
                Err(BuildError::HashKeyTooShort { bytes: key.len() })
            }
            None if self.policies().contains(&IdPolicy::Hash) => Err(BuildError::HashKeyMissing),
            _ => Ok(()),
        }
    }

    const fn policies(&self) -> [IdPolicy; 2] {
        [self.session_id, self.user_id]
    }

    fn policy(&self, key: RumKey) -> IdPolicy {
        match key {
            RumKey::SessionId => self.session_id,
            RumKey::UserId => self.user_id,
            _ => IdPolicy::Keep,
        }
    }

    fn shown(&self, key: RumKey, id: &[u8]) -> Shown {
        match self.policy(key) {
            _ if self.keeps(key, id) => Shown::AsItIs,
            IdPolicy::Hash if id.len() <= MAX_HASHED => self.hash(key, id),
            _ => Shown::Nothing,
        }
    }

    /// Whether the id stays as it is.
    fn keeps(&self, key: RumKey, id: &[u8]) -> bool {
        match self.policy(key) {
            IdPolicy::Keep => true,
            IdPolicy::Hash => is_hashed(id),
            IdPolicy::Drop => false,
        }
    }

    /// Without a key, which building refuses, nothing is shown.
    fn hash(&self, key: RumKey, id: &[u8]) -> Shown {
        let hash = |with: &HashKey| Shown::Hashed(with.hash(key.attribute(), id));
        self.key.as_ref().map_or(Shown::Nothing, hash)
    }
}
