//! The ids of session and user, wherever RUM SDKs write them: for whoever must know
//! all places in which one stands.

use std::borrow::Cow;

use super::{RUM_KEY, RumFieldKey, says_something, split_fields};
use crate::baggage;
use crate::text::{split, split_once, trim_ows};

/// Shows every session and user id that stands in a `rum` member or in a RUM entry of
/// `baggage`. Unlike [`visit`](super::visit) it passes over none: members and entries
/// that repeat a key, and those of a list that must not be carried on, are read as well.
///
/// The value is never empty, and is what stands in the header; that of `baggage` is
/// percent-decoded.
///
/// ```
/// use rum_trace_propagation::rum;
///
/// let list: &[u8] = b"rum=v2&browser&shop@1&4f04d2f5,rum=v2&browser&shop@1&&uid_1";
/// let mut ids = Vec::new();
/// rum::visit_ids([list], [&b"uid=uid%202"[..]], |_, id| ids.push(id.into_owned()));
/// assert_eq!(ids, [&b"4f04d2f5"[..], b"uid_1", b"uid 2"]);
/// ```
pub fn visit_ids<'a>(
    tracestate: impl IntoIterator<Item = &'a [u8]>,
    baggage: impl IntoIterator<Item = &'a [u8]>,
    mut show: impl FnMut(RumFieldKey, Cow<'a, [u8]>),
) {
    let members = tracestate.into_iter().flat_map(|line| split(line, b','));
    for value in members.filter_map(rum_value) {
        let [_, _, _, session_id, user_id] = split_fields(value);
        let ids = [
            (RumFieldKey::SessionId, session_id),
            (RumFieldKey::UserId, user_id),
        ];
        for (key, id) in ids.into_iter().filter(|(_, id)| says_something(id)) {
            show(key, Cow::Borrowed(id));
        }
    }
    for entry in baggage.into_iter().flat_map(baggage::entries).flatten() {
        let Some(key) = id_of_entry(entry.key()) else {
            continue;
        };
        let id = match entry.into_value() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        if says_something(&id) {
            show(key, id);
        }
    }
}

fn rum_value(member: &[u8]) -> Option<&[u8]> {
    let (key, value) = split_once(trim_ows(member), b'=')?;
    (key == RUM_KEY.as_bytes()).then_some(value)
}

/// Which id the entry of `baggage` with this key is, if it is one of the RUM SDKs'.
#[must_use]
pub fn id_of_entry(key: &str) -> Option<RumFieldKey> {
    match key {
        "sid" => Some(RumFieldKey::SessionId),
        "uid" => Some(RumFieldKey::UserId),
        _ => None,
    }
}

/// The value of a `rum` member with other ids: `other` says what stands in the place
/// of each, or nothing if the id is to go. The other fields are as they were; a
/// member without a user has four. Borrowed if nothing changes.
///
/// ```
/// use rum_trace_propagation::rum::{RumFieldKey, with_other_ids};
///
/// let value = "v2&browser&shop@1&4f04d2f5&uid_1";
/// let without_user = with_other_ids(value, |key, id| match key {
///     RumFieldKey::UserId => None,
///     _ => Some(id.into()),
/// });
/// assert_eq!(without_user, "v2&browser&shop@1&4f04d2f5");
/// ```
pub fn with_other_ids<'v>(
    value: &'v str,
    mut other: impl FnMut(RumFieldKey, &'v str) -> Option<Cow<'v, str>>,
) -> Cow<'v, str> {
    let mut fields = value.splitn(5, '&');
    let told: [&str; 3] = std::array::from_fn(|_| fields.next().unwrap_or_default());
    let Some(session_id) = fields.next() else {
        return Cow::Borrowed(value);
    };
    let user_id = fields.next();
    let mut changed = |key, id: &'v str| {
        if says_something(id.as_bytes()) {
            other(key, id).unwrap_or_default()
        } else {
            Cow::Borrowed(id)
        }
    };
    let session = changed(RumFieldKey::SessionId, session_id);
    let user = user_id.map(|id| changed(RumFieldKey::UserId, id));
    if session == session_id && user.as_deref() == user_id {
        return Cow::Borrowed(value);
    }
    let [version, app_type, app_id] = told;
    let user = user.as_deref().filter(|user| !user.is_empty());
    let (before, user) = user.map_or(("", ""), |user| ("&", user));
    let fields = [
        version, "&", app_type, "&", app_id, "&", &session, before, user,
    ];
    Cow::Owned(fields.concat())
}
