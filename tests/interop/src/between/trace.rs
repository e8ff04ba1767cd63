//! What must be in the Collector's file.

use std::collections::BTreeMap;

use rum_trace::RumKey;

use super::sent::Sent;
use crate::case::same;
use crate::judge::{Expected, judge};
use crate::spans::{Kind, Span};

/// By the attributes' names.
pub(super) type Rum = BTreeMap<String, String>;

/// What must be in the Collector's file.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) expected: Expected,
    /// The phone's trace, if nobody may have recorded a span of it.
    pub(super) lost: Option<String>,
    /// The other span that the headers named.
    pub(super) link: Option<(String, String)>,
    /// On the SERVER span of each service, and nothing else of its kind.
    pub(super) rum: BTreeMap<String, Rum>,
}

impl Trace {
    /// Of a request that reached nobody.
    pub(super) fn none(sent: &Sent) -> Self {
        Trace {
            expected: Expected {
                trace_id: sent.tap.trace_id().to_owned(),
                parent_id: None,
                services: Vec::new(),
            },
            lost: None,
            link: None,
            rum: BTreeMap::new(),
        }
    }

    /// Whether it is, and otherwise why not.
    pub(super) fn judge(&self, spans: &[Span]) -> Result<(), String> {
        judge(spans, &self.expected)?;
        if let Some(trace) = &self.lost {
            let stray = spans.iter().find(|span| span.trace_id == *trace);
            if let Some(span) = stray {
                return Err(format!("{} is in the phone's trace", span.service));
            }
        }
        let of_trace = |span: &&Span| span.trace_id == self.expected.trace_id;
        let entries = spans.iter().filter(of_trace);
        for entry in entries.filter(|span| span.kind == Kind::Server) {
            self.check_entry(entry)?;
        }
        Ok(())
    }

    fn check_entry(&self, entry: &Span) -> Result<(), String> {
        let keys = RumKey::ALL.map(RumKey::attribute);
        let is_rum = |(key, _): &(&String, &String)| keys.contains(&key.as_str());
        let rum = entry.attributes.iter().filter(is_rum);
        let rum = rum.map(|(key, value)| (key.clone(), value.clone()));
        let rum: Rum = rum.collect();
        same(&entry.service, Some(&rum), self.rum.get(&entry.service))?;
        let links: Vec<_> = self.link.iter().cloned().collect();
        same("links", Some(&entry.links), Some(&links))
    }
}
