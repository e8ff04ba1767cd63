//! A `tracestate` list without the hidden ids.

use std::borrow::Cow;

use rum_trace_propagation::rum::{RUM_KEY, with_other_ids};
use rum_trace_propagation::tracestate::{compose, is_legal_member};

use super::{Hiding, Shown};
use crate::RumKey;

/// What becomes of a member.
enum Member<'l> {
    Unchanged(&'l str),
    Changed(String),
    LeftOut,
}

impl Hiding<'_> {
    /// The list, in canonical form, as it may be kept: borrowed if that is all of it.
    ///
    /// A `rum` member that changed goes to the left, and the others keep their order;
    /// one that tells a hidden id is left out (W3C Trace Context Level 2, §3.5).
    pub(crate) fn list<'l>(&self, list: &'l str) -> Cow<'l, str> {
        let (mut changed, mut unchanged) = (Vec::new(), Vec::new());
        let mut is_whole = true;
        for member in list.split(',') {
            let Some((key, value)) = member.split_once('=') else {
                continue;
            };
            match self.member(member, key, value) {
                Member::Unchanged(value) => unchanged.push((key, value)),
                Member::Changed(value) => changed.push((key, value)),
                Member::LeftOut => is_whole = false,
            }
        }
        if is_whole && changed.is_empty() {
            return Cow::Borrowed(list);
        }
        let changed = changed.iter().map(|(key, value)| (*key, value.as_str()));
        // A hash may be longer than the id was.
        let legal = changed.filter(|(key, value)| is_legal_member(key, value));
        Cow::Owned(compose(legal.chain(unchanged), usize::MAX))
    }

    fn member<'l>(&self, member: &str, key: &str, value: &'l str) -> Member<'l> {
        if key == RUM_KEY {
            return match self.rum_member(value) {
                Cow::Borrowed(value) => Member::Unchanged(value),
                Cow::Owned(value) => Member::Changed(value),
            };
        }
        if self.is_told_by(value) || self.is_told_by(member) {
            return Member::LeftOut;
        }
        Member::Unchanged(value)
    }

    fn rum_member<'v>(&self, value: &'v str) -> Cow<'v, str> {
        with_other_ids(value, |key, id| {
            match self.shown(RumKey::of(key)?, id.as_bytes()) {
                Shown::AsItIs => Some(Cow::Borrowed(id)),
                Shown::Hashed(hash) => Some(Cow::Owned(hash.as_str().to_owned())),
                Shown::Nothing => None,
            }
        })
    }
}
