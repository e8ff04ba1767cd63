//! A trace as it is drawn, a span on a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::facts;
use super::findings::{Evidence, Findings, Kind, is_late};
use super::gaps::{Gap, gaps, offset};
use super::phone::Tap;
use super::tree::Place;
use crate::collector::{Span, SpanKind, Status};

/// Rows of one answer: more is no diagram any more.
const MAX_ROWS: usize = 20_000;

/// As the API gives it: see docs/VIEW.md.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    span_id: String,
    parent: Option<String>,
    depth: u32,
    children: usize,
    kind: &'static str,
    /// By its place among the services.
    service: Option<usize>,
    name: String,
    start_ns: i64,
    duration_ns: u64,
    status: &'static str,
    http_status: Option<i64>,
    events: usize,
    links: usize,
    inferred: bool,
    marks: Vec<Mark>,
    gaps: Vec<Gap>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Mark {
    Finding(Kind),
    Other(&'static str),
}

#[derive(Debug, Serialize)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    pub(crate) services: Vec<String>,
    /// Spans that have no row.
    pub(crate) truncated: usize,
}

impl Rows {
    /// `origin` is the start of the trace.
    pub(crate) fn of(evidence: Evidence<'_>, findings: &Findings, origin: u64) -> Self {
        let services = services(evidence.spans);
        let drawing = Drawing {
            evidence,
            findings,
            origin,
            services: &services,
        };
        let mut rows: Vec<_> = drawing.rows().take(MAX_ROWS).collect();
        rows.shrink_to_fit();
        let drawn = rows.iter().filter(|row| !row.inferred).count();
        Self {
            truncated: evidence.spans.len().saturating_sub(drawn),
            services: services.into_keys().map(str::to_owned).collect(),
            rows,
        }
    }
}

/// In order of their names.
fn services(spans: &[Arc<Span>]) -> BTreeMap<&str, usize> {
    let mut services: BTreeMap<_, _> = spans.iter().map(|span| (span.service(), 0)).collect();
    for (at, place) in services.values_mut().enumerate() {
        *place = at;
    }
    services
}

/// Where the phone's span stands, and under it what it caused; then the rest.
pub(crate) fn places<'a>(evidence: Evidence<'a>) -> impl Iterator<Item = Place> + 'a {
    let entries = evidence.tap.map_or(&[][..], |tap| &tap.entries);
    let rest = evidence.tree.roots().iter().copied();
    let rest: Vec<_> = rest.filter(|root| !evidence.is_under_tap(*root)).collect();
    evidence
        .tree
        .walk(entries, 1)
        .chain(evidence.tree.walk(&rest, 0))
}

struct Drawing<'a> {
    evidence: Evidence<'a>,
    findings: &'a Findings,
    origin: u64,
    services: &'a BTreeMap<&'a str, usize>,
}

impl<'a> Drawing<'a> {
    fn rows(&self) -> impl Iterator<Item = Row> {
        let tap = self.evidence.tap.map(|tap| self.tap(tap));
        tap.into_iter()
            .chain(places(self.evidence).filter_map(|place| self.row(place)))
    }

    fn tap(&self, tap: &Tap) -> Row {
        let entry = self.evidence.spans.get(tap.entry);
        Row {
            span_id: tap.span_id.to_string(),
            parent: None,
            depth: 0,
            children: tap.entries.len(),
            kind: "tap",
            service: None,
            name: tap.name.clone(),
            start_ns: offset(tap.start, self.origin),
            duration_ns: tap.end.saturating_sub(tap.start),
            status: "unset",
            http_status: entry.and_then(|entry| facts::http_status(entry)),
            events: 0,
            links: 0,
            inferred: true,
            marks: Vec::new(),
            gaps: Vec::new(),
        }
    }

    fn row(&self, place: Place) -> Option<Row> {
        let (spans, tree) = (self.evidence.spans, self.evidence.tree);
        let span = spans.get(place.index)?;
        let gaps = gaps(spans, tree, place.index, self.origin);
        Some(Row {
            span_id: span.span_id.to_string(),
            parent: span.parent.map(|parent| parent.to_string()),
            depth: place.depth,
            children: tree.children(place.index).len(),
            kind: kind(span.kind),
            service: self.services.get(span.service()).copied(),
            name: span.name.to_string(),
            start_ns: offset(span.start, self.origin),
            duration_ns: facts::duration(span),
            status: status(&span.status),
            http_status: facts::http_status(span),
            events: span.events.len(),
            links: span.links.len(),
            inferred: false,
            marks: self.marks(place.index, span, !gaps.is_empty()),
            gaps,
        })
    }

    fn marks(&self, index: usize, span: &Span, has_gaps: bool) -> Vec<Mark> {
        let parent = self.evidence.tree.parent_span(index);
        let parent = parent.and_then(|parent| self.evidence.spans.get(parent));
        let late = parent.is_some_and(|parent| is_late(parent, span));
        let others = [
            (span.status.is_error(), "error"),
            (has_gaps, "gap"),
            (late, "late"),
        ];
        let others = others.into_iter().filter(|(shown, _)| *shown);
        let findings = self.findings.marks(index).iter().copied();
        findings
            .map(Mark::Finding)
            .chain(others.map(|(_, name)| Mark::Other(name)))
            .collect()
    }
}

pub(crate) const fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

pub(crate) const fn status(status: &Status) -> &'static str {
    match status {
        Status::Unset => "unset",
        Status::Ok => "ok",
        Status::Error(_) => "error",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::analysis::topology::Peers;
    use crate::analysis::tree::Tree;
    use crate::collector::SpanBuilder;

    fn rows(spans: &[Arc<Span>]) -> Value {
        let tree = Tree::new(spans);
        let tap = Tap::of(spans, &tree);
        let evidence = Evidence {
            spans,
            tree: &tree,
            tap: tap.as_ref(),
            quiet: true,
            peers: &Peers::default(),
        };
        let origin = spans
            .iter()
            .map(|span| span.start)
            .min()
            .unwrap_or_default();
        serde_json::to_value(Rows::of(evidence, &Findings::of(evidence), origin)).unwrap()
    }

    #[test]
    fn the_tap_is_on_top_and_the_rest_below() {
        let spans = [
            SpanBuilder::new("stock", 1, 4, 3)
                .server()
                .time(12, 19)
                .error(""),
            SpanBuilder::new("shop", 1, 3, 2).client().time(11, 20),
            SpanBuilder::new("shop", 1, 2, 9)
                .server()
                .time(10, 40)
                .text("session.id", "s"),
            SpanBuilder::new("cron", 1, 7, 8).time(5, 6),
        ]
        .map(SpanBuilder::build);
        let drawn = rows(&spans);
        assert_eq!(drawn["services"], json!(["cron", "shop", "stock"]));
        assert_eq!(drawn["truncated"], 0);
        let rows = drawn["rows"].as_array().unwrap();
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                json!([
                    row["name"],
                    row["depth"],
                    row["service"],
                    row["start_ns"],
                    row["marks"]
                ])
            })
            .collect();
        assert_eq!(
            told,
            [
                json!(["request:", 0, null, 5_000_000, []]),
                json!(["span 2", 1, 1, 5_000_000, ["gap"]]),
                json!(["span 3", 2, 1, 6_000_000, []]),
                json!(["span 4", 3, 2, 7_000_000, ["lost_tracestate", "error"]]),
                json!(["span 7", 0, 0, 0, ["missing_parent"]]),
            ]
        );
        assert_eq!(
            rows[0],
            json!({
                "span_id": "09".repeat(8), "parent": null, "depth": 0, "children": 1, "kind": "tap",
                "service": null, "name": "request:", "start_ns": 5_000_000,
                "duration_ns": 30_000_000, "status": "unset", "http_status": null, "events": 0,
                "links": 0, "inferred": true, "marks": [], "gaps": []
            })
        );
        assert_eq!(
            rows[1]["gaps"],
            json!([{"start_ns": 15_000_000, "duration_ns": 20_000_000}])
        );
    }

    #[test]
    fn rows_are_bounded() {
        let id = |n: usize| format!("{:016x}", n + 1);
        let root = SpanBuilder::new("shop", 1, 1, 0).span_id(&id(0)).root();
        let spans: Vec<_> = (1..MAX_ROWS + 7)
            .map(|n| {
                SpanBuilder::new("shop", 1, 1, 0)
                    .span_id(&id(n))
                    .parent(&id(0))
            })
            .chain([root])
            .map(SpanBuilder::build)
            .collect();
        let drawn = rows(&spans);
        assert_eq!(drawn["rows"].as_array().unwrap().len(), MAX_ROWS);
        assert_eq!(drawn["truncated"], 7);
    }
}
