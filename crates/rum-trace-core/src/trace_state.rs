//! Between the list that came in and the SDK's trace state.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState as SdkTraceState};

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

/// A context that another propagator made, without the RUM members in the trace state of
/// the caller's span. All else in it stays; a span that is not remote is not touched.
#[inline(never)]
pub(crate) fn without_rum_members(cx: Context) -> Context {
    let without = span_without_rum(cx.span().span_context());
    match without {
        Some(span) => cx.with_remote_span_context(span),
        None => cx,
    }
}

/// `None` if there is nothing to be taken out.
fn span_without_rum(span: &SpanContext) -> Option<SpanContext> {
    let is_rum = |(key, _): &(&str, &str)| is_rum_key(key);
    let has_rum = span.trace_state().into_iter().any(|member| is_rum(&member));
    if !has_rum || !span.is_valid() || !span.is_remote() {
        return None;
    }
    let rest = span.trace_state().into_iter().filter(|it| !is_rum(it));
    // They came out of such a state: it takes them again.
    let rest = SdkTraceState::from_key_value(rest).unwrap_or_default();
    Some(with_state(span, rest))
}

/// The span context with another trace state.
pub(crate) fn with_state(span: &SpanContext, state: SdkTraceState) -> SpanContext {
    SpanContext::new(
        span.trace_id(),
        span.span_id(),
        span.trace_flags(),
        span.is_remote(),
        state,
    )
}

/// The same with this member on the left, in place of one with its key: made at once,
/// since each change of the SDK's list is a copy of it.
#[inline(never)]
pub(crate) fn with_member(
    list: Option<(&str, bool)>,
    member: (&str, &str),
) -> Option<SdkTraceState> {
    let (list, with_rum) = list.unwrap_or_default();
    let rest = members(list).filter(|(key, _)| *key != member.0 && (with_rum || !is_rum_key(key)));
    SdkTraceState::from_key_value(std::iter::once(member).chain(rest)).ok()
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

#[cfg(test)]
mod tests {
    use opentelemetry::{SpanId, TraceFlags, TraceId};

    use super::*;

    #[test]
    fn rum_members_are_taken_out_of_a_remote_span_alone() {
        let (trace, span) = (TraceId::from(7), SpanId::from(7));
        let table = [
            (trace, span, true, "a=1,b=2"),
            (trace, span, false, "a=1,rum=v2,b=2,alibabacloud_rum=x"),
            (
                trace,
                SpanId::INVALID,
                true,
                "a=1,rum=v2,b=2,alibabacloud_rum=x",
            ),
        ];
        for (trace, span, is_remote, expected) in table {
            let state = to_sdk("a=1,rum=v2,b=2,alibabacloud_rum=x", true);
            let found = SpanContext::new(trace, span, TraceFlags::new(3), is_remote, state);
            let cx = Context::new().with_remote_span_context(found.clone());
            let without = without_rum_members(cx);
            let expected = with_state(&found, to_sdk(expected, true));
            assert_eq!(*without.span().span_context(), expected);
        }
    }
}
