//! Between the list that came in and the SDK's trace state.

use opentelemetry::trace::TraceState as SdkTraceState;

/// The keys of the RUM members.
const RUM_KEYS: [&str; 2] = ["rum", "alibabacloud_rum"];

pub(crate) fn is_rum_key(key: &str) -> bool {
    RUM_KEYS.contains(&key)
}

/// The list as the span's own trace state: in the same order, without the RUM
/// members if they are to stay out.
pub(crate) fn to_sdk(list: &str, with_rum: bool) -> SdkTraceState {
    if list.is_empty() {
        return SdkTraceState::NONE;
    }
    let members = || members(list).filter(move |(key, _)| with_rum || !is_rum_key(key));
    match SdkTraceState::from_key_value(members()) {
        Ok(state) => state,
        // The SDK refuses keys that Level 2 allows, and then takes nothing:
        // give it the members that it does take. Ours keeps them all.
        Err(_) => {
            let taken = members().filter(|(key, value)| sdk_takes(key, value));
            SdkTraceState::from_key_value(taken).unwrap_or_default()
        }
    }
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
