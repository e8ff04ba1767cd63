//! What our service made of it.

use std::collections::BTreeMap;

use rum_trace::RumKey;
use rum_trace::opentelemetry::trace::SpanKind;
use rum_trace_testing::SpanView;

use super::{Evidence, Misses};
use crate::arrivals::Headers;
use crate::carrier::{self, Ids};
use crate::cells::{Case, Cell, Saw};
use crate::modes::{Mode, Tells};
use crate::services::Known;

/// The request's one span: a preflight has none.
pub(super) fn of(cell: &Cell, evidence: &Evidence<'_>, misses: &mut Misses) -> Option<SpanView> {
    let spans = evidence.spans.of(&cell.path);
    let names: Vec<&str> = spans.iter().map(SpanView::name).collect();
    misses.unless(spans.len() == 1, || {
        format!("not one span, but {}: {names:?}", spans.len())
    });
    let name = format!("{} {}", cell.method, cell.route);
    let span = spans
        .into_iter()
        .find(|span| span.kind() == SpanKind::Server && span.name() == name);
    misses.unless(span.is_some(), || format!("no SERVER span is named {name}"));
    span
}

/// The SERVER span is the child of what the headers say, or a root without them.
pub(super) fn continues(
    mode: &Mode,
    ids: Option<&Ids>,
    span: &SpanView,
    known: &Known,
    misses: &mut Misses,
) {
    match ids {
        Some(ids) => is_child(mode, ids, span, misses),
        None => is_root(span, misses),
    }
    misses.unless(
        (&known.trace_id, &known.span_id) == (&span.trace_id(), &span.span_id()),
        || format!("the handler was in another span: {known:?}"),
    );
}

fn is_child(mode: &Mode, ids: &Ids, span: &SpanView, misses: &mut Misses) {
    misses.unless(ids.sampled == mode.sampled, || {
        format!("the headers say sampled {}", ids.sampled)
    });
    misses.unless(span.trace_id() == ids.trace_id(), || {
        format!("trace {}, not {}", span.trace_id(), ids.trace_id())
    });
    let parent = span.parent_span_id().unwrap_or_else(|| "none".into());
    misses.unless(parent == ids.span_id(), || {
        format!("parent {parent}, not {}", ids.span_id())
    });
}

fn is_root(span: &SpanView, misses: &mut Misses) {
    let parent = span.parent_span_id();
    misses.unless(parent.is_none(), || {
        format!("no header was sent, but there is a parent: {parent:?}")
    });
}

pub(super) fn sampled(
    mode: &Mode,
    cell: &Cell,
    known: &Known,
    evidence: &Evidence<'_>,
    misses: &mut Misses,
) {
    misses.unless(known.sampled == mode.sampled, || {
        format!("the handler says sampled {}", known.sampled)
    });
    let exported = evidence.spans.exported(&cell.path);
    misses.unless(exported == mode.sampled, || {
        format!("sampled {}, but exported {exported}", mode.sampled)
    });
}

/// The handler and the span know what the SDK says of itself, and nothing else.
pub(super) fn tells(case: &Case, saw: &Saw, span: &SpanView, known: &Known, misses: &mut Misses) {
    let expected = expected_rum(case.mode, saw);
    misses.unless(known.rum == expected, || {
        format!("the handler knows {:?}, not {expected:?}", known.rum)
    });
    let of_span = RumKey::ALL.into_iter().filter_map(|key| {
        let value = span.attribute(key.attribute())?;
        Some((key.attribute().to_owned(), value.to_string()))
    });
    let of_span: BTreeMap<String, String> = of_span.collect();
    misses.unless(of_span == expected, || {
        format!("the span says {of_span:?}, not {expected:?}")
    });
}

fn expected_rum(mode: &Mode, saw: &Saw) -> BTreeMap<String, String> {
    let mut told = Vec::new();
    if mode.tells != Tells::Nothing {
        told.extend(mode.app_id.map(|id| (RumKey::AppId, id)));
    }
    if let (Tells::Everything, Some(who)) = (mode.tells, &saw.identity) {
        told.extend([
            (RumKey::AppType, "browser"),
            (RumKey::SessionId, who.session.as_str()),
            (RumKey::UserId, who.user.as_str()),
            (RumKey::Version, "v2"),
        ]);
    }
    told.into_iter()
        .map(|(key, value)| (key.attribute().to_owned(), value.to_owned()))
        .collect()
}

/// The literal ids and names, by which SkyWalking itself joins.
pub(super) fn sw8_names(sent: &Headers, span: &SpanView, misses: &mut Misses) {
    let Some(sw8) = sent.get("sw8").and_then(|value| carrier::sw8(value)) else {
        return;
    };
    let [service, instance, endpoint, peer] = &sw8.names;
    for (key, expected) in [
        ("sw8.trace_id", &sw8.ids.trace),
        ("sw8.parent_segment_id", &sw8.ids.span),
        ("sw8.parent_span_id", &"0".to_owned()),
        ("sw8.parent_service", service),
        ("sw8.parent_service_instance", instance),
        ("sw8.parent_endpoint", endpoint),
        ("sw8.peer", peer),
    ] {
        let value = span.attribute(key).map(ToString::to_string);
        misses.unless(value.as_ref() == Some(expected), || {
            format!("{key} is {value:?}, not {expected:?}")
        });
    }
}
