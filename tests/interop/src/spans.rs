//! The spans of the Collector's file: one export request a line, as OTLP's JSON.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::BoxError;

/// A span, with what the judge looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// Empty for the first span of a trace.
    pub(crate) parent_id: String,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Those that are text or a number, as text.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Trace and span ids.
    pub(crate) links: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Client,
    Other,
}

impl Kind {
    /// By its number in OTLP.
    fn of(number: u8) -> Self {
        match number {
            2 => Kind::Server,
            3 => Kind::Client,
            _ => Kind::Other,
        }
    }
}

/// All spans that the Collector has written so far.
pub(crate) fn read(file: &Path) -> Result<Vec<Span>, BoxError> {
    let text = std::fs::read_to_string(file)?;
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut spans = Vec::new();
    for line in whole.lines() {
        let export: Export = serde_json::from_str(line)?;
        export
            .resource_spans
            .into_iter()
            .for_each(|resource| resource.add_to(&mut spans));
    }
    Ok(spans)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    #[serde(default)]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    resource: Resource,
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Default, Deserialize)]
struct Resource {
    #[serde(default)]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    value: serde_json::Value,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<OtlpSpan>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OtlpSpan {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    parent_span_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: u8,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    trace_id: String,
    span_id: String,
}

impl ResourceSpans {
    fn add_to(self, spans: &mut Vec<Span>) {
        let service = self.resource.service();
        let found = self.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(found.map(|span| Span {
            service: service.clone(),
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_id: span.parent_span_id,
            kind: Kind::of(span.kind),
            name: span.name,
            attributes: span.attributes.iter().filter_map(Attribute::text).collect(),
            links: span.links.into_iter().map(Link::ids).collect(),
        }));
    }
}

impl Resource {
    fn service(&self) -> String {
        let mut texts = self.attributes.iter().filter_map(Attribute::text);
        let name = texts.find(|(key, _)| key == "service.name");
        name.map(|(_, name)| name).unwrap_or_default()
    }
}

impl Attribute {
    fn text(&self) -> Option<(String, String)> {
        let value = &self.value;
        // OTLP's JSON has 64-bit numbers as text.
        let text = value["stringValue"].as_str();
        let text = text.or_else(|| value["intValue"].as_str())?;
        Some((self.key.clone(), text.to_owned()))
    }
}

impl Link {
    fn ids(self) -> (String, String) {
        (self.trace_id, self.span_id)
    }
}
