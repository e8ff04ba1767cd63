//! The ids of one request that must not be seen.

use std::borrow::Cow;

use memchr::memmem;
use percent_encoding::{percent_decode, percent_decode_str};
use rum_trace_propagation::rum;

use super::{IdPolicy, MAX_HASHED, Privacy, Shown};
use crate::RumKey;
use crate::headers::TraceHeaders;

/// How many ids of one request are looked for elsewhere. A web SDK's request names two, or
/// both of them twice; of one that names more, only the RUM fields go on.
const MAX_IDS: usize = 8;

/// Shorter ids are not looked for inside of other texts: they would be found by chance.
const MIN_SOUGHT: usize = 6;

/// What of a request is hidden, and what is shown in its place.
pub(crate) struct Hiding<'a> {
    privacy: &'a Privacy,
    ids: Vec<HiddenId<'a>>,
    /// There are more ids than are looked for.
    more: bool,
    over_limit: u32,
}

struct HiddenId<'a> {
    key: RumKey,
    id: Cow<'a, [u8]>,
    /// The same without percent-encoding, if it has any: `baggage` is told decoded.
    decoded: Option<Box<[u8]>>,
    /// Once for each: it is asked for by every place that the id stands in.
    shown: Shown,
}

impl<'a> Hiding<'a> {
    #[inline(never)]
    pub(crate) fn of(privacy: &'a Privacy, headers: &TraceHeaders<'a>) -> Self {
        let mut hiding = Hiding {
            privacy,
            ids: Vec::new(),
            more: false,
            over_limit: 0,
        };
        let (tracestate, baggage) = (headers.tracestate.iter(), headers.baggage.iter());
        rum::visit_ids(tracestate, baggage, |key, id| {
            if let Some(key) = RumKey::of(key) {
                hiding.add(key, id);
            }
        });
        hiding
    }

    fn add(&mut self, key: RumKey, id: Cow<'a, [u8]>) {
        if self.privacy.keeps(key, &id) || self.known(key, &id).is_some() {
            return;
        }
        if self.ids.len() == MAX_IDS {
            self.more = true;
            return;
        }
        let shown = self.privacy.shown(key, &id);
        let hashed = self.privacy.policy(key) == IdPolicy::Hash;
        self.over_limit += u32::from(hashed && id.len() > MAX_HASHED);
        let decoded = Cow::from(percent_decode(&id));
        let decoded = (*decoded != *id).then(|| decoded.into());
        self.ids.push(HiddenId {
            key,
            id,
            decoded,
            shown,
        });
    }

    /// How many ids were too long to be hashed.
    pub(crate) const fn over_limit(&self) -> u32 {
        self.over_limit
    }

    /// What is shown of a field of the [`RumContext`](crate::RumContext).
    pub(crate) fn shown(&self, key: RumKey, value: &[u8]) -> Shown {
        let known = self.known(key, value);
        known.unwrap_or_else(|| self.privacy.shown(key, value))
    }

    fn known(&self, key: RumKey, id: &[u8]) -> Option<Shown> {
        let same = |hidden: &&HiddenId<'_>| hidden.key == key && *hidden.id == *id;
        self.ids.iter().find(same).map(|hidden| hidden.shown)
    }

    /// Whether a text that is no RUM field tells a hidden id, as it is or
    /// percent-encoded.
    pub(super) fn is_told_by(&self, text: &str) -> bool {
        self.more
            || self.stands_in(text.as_bytes())
            || text.contains('%') && self.stands_in(&Cow::from(percent_decode_str(text)))
    }

    fn stands_in(&self, text: &[u8]) -> bool {
        let told = |id: &[u8]| match id.len() {
            ..MIN_SOUGHT => id == text,
            _ => memmem::find(text, id).is_some(),
        };
        self.ids
            .iter()
            .any(|hidden| told(&hidden.id) || hidden.decoded.as_deref().is_some_and(told))
    }
}
