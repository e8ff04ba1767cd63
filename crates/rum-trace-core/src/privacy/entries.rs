//! Baggage without the hidden ids.

use std::borrow::Cow;

use rum_trace_propagation::rum::id_of_entry;

use super::{Hiding, Shown};
use crate::RumKey;

impl Hiding<'_> {
    /// The value of an entry as it may be kept, or nothing if the entry must go.
    /// Another carrier's baggage may hold the RUM entries among its own.
    pub(crate) fn entry<'v>(
        &self,
        key: &str,
        value: &'v str,
        properties: &str,
    ) -> Option<Cow<'v, str>> {
        if self.is_told_by(key) || self.properties_tell(value, properties) {
            return None;
        }
        match id_of_entry(key).and_then(RumKey::of) {
            Some(id) => match self.shown(id, value.as_bytes()) {
                Shown::AsItIs => Some(Cow::Borrowed(value)),
                Shown::Hashed(hash) => Some(Cow::Owned(hash.as_str().to_owned())),
                Shown::Nothing => None,
            },
            None => (!self.is_told_by(value)).then_some(Cow::Borrowed(value)),
        }
    }

    /// An id with a `;` that was not escaped stands in both.
    fn properties_tell(&self, value: &str, properties: &str) -> bool {
        let whole = || [value, ";", properties].concat();
        !properties.is_empty() && (self.is_told_by(properties) || self.is_told_by(&whole()))
    }
}
