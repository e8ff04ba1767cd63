//! `/traces/{trace_id}/spans/{span_id}`: all that a span tells.

use rum_trace::RumKey;
use rum_trace_propagation::{SpanId, TraceId};
use serde::Serialize;

use super::{Answer, ApiError, no_such_trace};
use crate::analysis::findings::{Evidence, Finding, Findings};
use crate::analysis::gaps::offset;
use crate::analysis::phone::Tap;
use crate::analysis::{facts, rows};
use crate::collector::{Attributes, Cut, Dropped, Event, Link, Span, Store};

#[derive(Debug, Serialize)]
pub(super) struct Detail {
    span_id: String,
    parent: Option<String>,
    name: String,
    kind: &'static str,
    inferred: bool,
    service: Option<String>,
    start_unix_nano: String,
    end_unix_nano: String,
    duration_ns: u64,
    status: Status,
    trace_state: Option<String>,
    flags: Flags,
    attributes: serde_json::Value,
    events: Vec<EventDetail>,
    links: Vec<LinkDetail>,
    resource: Attributes,
    resource_dropped_attributes: u32,
    scope: Scope,
    sw8: Option<Sw8>,
    dropped: Dropped,
    /// What was cut here, beside what the sender dropped.
    cut: Cut,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Status {
    code: &'static str,
    message: String,
}

#[derive(Debug, Serialize)]
struct Flags {
    /// `null` where the sender has no place for it.
    sampled: Option<bool>,
    random: bool,
    remote_parent: Option<bool>,
}

#[derive(Debug, Serialize)]
struct EventDetail {
    name: String,
    time_unix_nano: String,
    offset_ns: i64,
    attributes: Attributes,
    dropped_attributes: u32,
}

#[derive(Debug, Serialize)]
struct LinkDetail {
    trace_id: String,
    span_id: String,
    trace_state: Option<String>,
    attributes: Attributes,
    dropped_attributes: u32,
    /// Whether that span is here.
    known: bool,
}

#[derive(Debug, Default, Serialize)]
struct Scope {
    name: String,
    version: Option<String>,
    attributes: Attributes,
    dropped_attributes: u32,
}

/// The ids as the caller wrote them.
#[derive(Debug, Serialize)]
struct Sw8 {
    trace_id: Option<String>,
    parent_segment_id: Option<String>,
    parent_span_id: Option<String>,
    parent_service: Option<String>,
    parent_service_instance: Option<String>,
    parent_endpoint: Option<String>,
    peer: Option<String>,
}

/// Of two spans with one id the one of the service, otherwise the first.
pub(super) fn answer(
    store: &Store,
    trace: TraceId,
    id: SpanId,
    service: Option<&str>,
) -> Answer<Detail> {
    let kept = store.get(trace).ok_or_else(no_such_trace)?;
    kept.look(|evidence| {
        let of_service = |span: &Span| service.is_none_or(|service| span.service() == service);
        let found = kept
            .spans
            .iter()
            .find(|span| span.span_id == id && of_service(span));
        match (found, evidence.tap) {
            (Some(span), _) => Ok(Detail::new(span, store, evidence)),
            (None, Some(tap)) if tap.span_id == id => Detail::of_tap(tap, evidence),
            _ => None.ok_or_else(|| ApiError::not_found("the trace has no such span")),
        }
    })
}

impl Detail {
    fn new(span: &Span, store: &Store, evidence: Evidence<'_>) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            span_id: span.span_id.to_string(),
            parent: span.parent.map(|parent| parent.to_string()),
            name: span.name.to_string(),
            kind: rows::kind(span.kind),
            inferred: false,
            service: Some(span.service().to_owned()),
            start_unix_nano: span.start.to_string(),
            end_unix_nano: span.end.to_string(),
            duration_ns: facts::duration(span),
            status: Status {
                code: rows::status(&span.status),
                message: span.error().unwrap_or_default().to_owned(),
            },
            trace_state: text(&span.trace_state),
            flags: Flags::of(span),
            attributes: written(&span.attributes),
            events: span
                .events
                .iter()
                .map(|event| EventDetail::new(event, span))
                .collect(),
            links: span
                .links
                .iter()
                .map(|link| LinkDetail::new(link, store))
                .collect(),
            resource: span.resource.attributes.clone(),
            resource_dropped_attributes: span.resource.dropped,
            scope: Scope {
                name: span.scope.name.to_string(),
                version: text(&span.scope.version),
                attributes: span.scope.attributes.clone(),
                dropped_attributes: span.scope.dropped,
            },
            sw8: Sw8::of(span),
            dropped: span.dropped,
            cut: span.cut,
            findings: findings(evidence, span.span_id),
        }
    }

    /// What is known of the phone, by the SERVER span under its own.
    fn of_tap(tap: &Tap, evidence: Evidence<'_>) -> Answer<Self> {
        let entry = evidence
            .spans
            .get(tap.entry)
            .ok_or_else(ApiError::internal)?;
        let keys = RumKey::ALL.iter().map(|key| key.attribute());
        let of_phone = keys
            .chain(["http.request.method", "user_agent.original"])
            .filter_map(|key| Some((key, entry.text(key)?.to_owned())));
        let url = facts::url(entry);
        let carrier = facts::carrier(entry).map(|carrier| ("rum.carrier", carrier.to_owned()));
        let told = of_phone
            .chain((!url.is_empty()).then_some(("url.full", url)))
            .chain(carrier);
        let attributes: Vec<_> = told
            .map(|(key, value)| serde_json::json!({"key": key, "type": "string", "value": value}))
            .collect();
        Ok(Self {
            span_id: tap.span_id.to_string(),
            parent: None,
            name: tap.name.clone(),
            kind: "tap",
            inferred: true,
            service: None,
            start_unix_nano: tap.start.to_string(),
            end_unix_nano: tap.end.to_string(),
            duration_ns: tap.end.saturating_sub(tap.start),
            status: Status {
                code: "unset",
                message: String::new(),
            },
            trace_state: None,
            flags: Flags::of(entry),
            attributes: attributes.into(),
            events: Vec::new(),
            links: Vec::new(),
            resource: Attributes::default(),
            resource_dropped_attributes: 0,
            scope: Scope::default(),
            sw8: Sw8::of(entry),
            dropped: Dropped::default(),
            cut: Cut::default(),
            findings: Vec::new(),
        })
    }
}

impl Flags {
    fn of(span: &Span) -> Self {
        let has = |bit: u32| span.flags & bit != 0;
        Self {
            sampled: facts::sampled(span),
            random: has(0x2),
            remote_parent: has(0x100).then(|| has(0x200)),
        }
    }
}

impl EventDetail {
    fn new(event: &Event, span: &Span) -> Self {
        Self {
            name: event.name.to_string(),
            time_unix_nano: event.time.to_string(),
            offset_ns: offset(event.time, span.start),
            attributes: event.attributes.clone(),
            dropped_attributes: event.dropped,
        }
    }
}

impl LinkDetail {
    fn new(link: &Link, store: &Store) -> Self {
        Self {
            trace_id: link.trace_id.to_string(),
            span_id: link.span_id.to_string(),
            trace_state: link.trace_state.as_deref().map(str::to_owned),
            attributes: link.attributes.clone(),
            dropped_attributes: link.dropped,
            known: store.has_span(link.trace_id, link.span_id),
        }
    }
}

impl Sw8 {
    fn of(span: &Span) -> Option<Self> {
        let get = |key| span.text(key).map(str::to_owned);
        let trace_id = get("sw8.trace_id");
        trace_id.is_some().then(|| Self {
            trace_id,
            parent_segment_id: get("sw8.parent_segment_id"),
            parent_span_id: get("sw8.parent_span_id"),
            parent_service: get("sw8.parent_service"),
            parent_service_instance: get("sw8.parent_service_instance"),
            parent_endpoint: get("sw8.parent_endpoint"),
            peer: get("sw8.peer"),
        })
    }
}

fn written(attributes: &Attributes) -> serde_json::Value {
    serde_json::to_value(attributes).unwrap_or_default()
}

/// Those that name the span.
fn findings(evidence: Evidence<'_>, span: SpanId) -> Vec<Finding> {
    let id = span.to_string();
    let all = Findings::of(evidence).list.into_iter();
    all.filter(|finding| finding.span_id.as_ref() == Some(&id))
        .collect()
}
