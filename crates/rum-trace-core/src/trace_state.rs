//! Between the list that came in and the SDK's trace state.

use opentelemetry::trace::TraceState as SdkTraceState;

/// The keys of the RUM members.
const RUM_KEYS: [&str; 2] = ["rum", "alibabacloud_rum"];

pub(crate) fn is_rum_key(key: &str) -> bool {
    RUM_KEYS.contains(&key)
}

/// The list as the span's own trace state: in the same order, without the RUM
/// members if they are to stay out. Inlined: nearly all calls come from one place.
#[inline(always)]
pub(crate) fn to_sdk(list: &str, with_rum: bool) -> SdkTraceState {
    if has_several(list) {
        return several_to_sdk(list, with_rum);
    }
    match only_member(list) {
        // As nearly all are. The SDK's list of several has room for four.
        Some((key, value)) if with_rum || !is_rum_key(key) => {
            SdkTraceState::NONE.insert(key, value).unwrap_or_default()
        }
        _ => SdkTraceState::NONE,
    }
}

/// Looks at all of it, without a branch for each byte.
fn has_several(list: &str) -> bool {
    list.bytes()
        .fold(false, |found, byte| found | (byte == b','))
}

/// Keys are short: a plain loop is quicker than a search that is made for long
/// texts.
fn only_member(list: &str) -> Option<(&str, &str)> {
    let at = list.bytes().position(|byte| byte == b'=')?;
    Some((list.get(..at)?, list.get(at + 1..)?))
}

#[inline(never)]
fn several_to_sdk(list: &str, with_rum: bool) -> SdkTraceState {
    let members = || members(list).filter(move |(key, _)| with_rum || !is_rum_key(key));
    // The SDK refuses keys that Level 2 allows, and then takes nothing: give it
    // the members that it does take. Ours keeps them all.
    SdkTraceState::from_key_value(members()).unwrap_or_else(|_| {
        let taken = members().filter(|(key, value)| sdk_takes(key, value));
        SdkTraceState::from_key_value(taken).unwrap_or_default()
    })
}

/// The members of a list in canonical form, as key and value.
pub(crate) fn members(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let members = list.split(',');
    members.filter_map(|member| member.split_once('='))
}

/// Whether the SDK's trace state can hold a member.
pub(crate) fn sdk_takes(key: &str, value: &str) -> bool {
    SdkTraceState::from_key_value([(key, value)]).is_ok()
}
