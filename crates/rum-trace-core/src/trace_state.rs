//! Between the list that came in and the SDK's trace state.

use opentelemetry::trace::TraceState as SdkTraceState;
use rum_trace_propagation::TraceState;

/// The keys of the RUM members.
const RUM_KEYS: [&str; 2] = ["rum", "alibabacloud_rum"];

pub(crate) fn is_rum_key(key: &str) -> bool {
    RUM_KEYS.contains(&key)
}

/// The list as the span's own trace state: in the same order, without the RUM
/// members if they are to stay out.
pub(crate) fn to_sdk(list: &TraceState<'_>, with_rum: bool) -> SdkTraceState {
    let members = || {
        list.members()
            .filter(move |(key, _)| with_rum || !is_rum_key(key))
    };
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

/// Whether the SDK's trace state can hold a member.
pub(crate) fn sdk_takes(key: &str, value: &str) -> bool {
    SdkTraceState::from_key_value([(key, value)]).is_ok()
}
