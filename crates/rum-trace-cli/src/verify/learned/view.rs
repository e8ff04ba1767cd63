//! A running `rum-trace view`, by its JSON API (docs/VIEW.md).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::Empty;
use rum_trace::RumKey;
use rum_trace_propagation::{SpanId, TraceId};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::candidate::{Candidate, Maker, entry_of};
use super::{Entry, Trace, Wanted};
use crate::verify::client::Client;

/// How many SERVER spans of a trace are looked at, and how many traces for a span of a
/// request of ours: each is a request to the viewer.
const MAX_SERVERS: usize = 16;
const MAX_TRACES: usize = 50;

const USER_AGENT: &str = "user_agent.original";

/// Where it listens.
pub(crate) struct View {
    base: String,
}

/// It says how much it got; no other field is needed to know it.
#[derive(Deserialize)]
struct Status {
    #[serde(rename = "received")]
    _received: IgnoredAny,
}

#[derive(Deserialize)]
struct Listed {
    traces: Vec<Summary>,
}

#[derive(Deserialize)]
struct Summary {
    trace_id: String,
}

#[derive(Deserialize)]
struct Traced {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    span_id: String,
    parent: Option<String>,
    kind: String,
}

/// A SERVER span.
#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    service: Option<String>,
    attributes: Vec<Attribute>,
    #[serde(default)]
    resource: Vec<Attribute>,
    scope: Scope,
}

#[derive(Deserialize)]
struct Scope {
    name: String,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    value: serde_json::Value,
}

impl View {
    pub(super) fn new(base: &Uri) -> Self {
        let base = base.to_string();
        View {
            base: base.trim_end_matches('/').to_owned(),
        }
    }

    /// An error if nothing of that kind is there.
    pub(super) async fn check(&self, client: &Client) -> Result<(), String> {
        let status: Option<Status> = self.get(client, "status").await?;
        status.ok_or("there is no `rum-trace view`")?;
        Ok(())
    }

    pub(super) async fn trace(&self, client: &Client, wanted: Wanted) -> Result<Trace, String> {
        let spans = self.spans(client, wanted.trace).await?;
        let candidates: Vec<Candidate> = spans.iter().map(|(span, _)| *span).collect();
        let entry = entry_of(&candidates, wanted).and_then(|(at, parent_is_known)| {
            let (span, detail) = spans.get(at)?;
            Some(Entry {
                service: detail.as_ref()?.service.clone().unwrap_or_default(),
                parent: span.parent,
                parent_is_known,
                rum: detail.as_ref()?.rum(),
            })
        });
        Ok(Trace {
            entry,
            spans: candidates.iter().map(|span| span.id).collect(),
        })
    }

    pub(super) async fn has_span_by(&self, client: &Client, agent: &str) -> Result<bool, String> {
        let path = format!("traces?limit={MAX_TRACES}");
        let listed: Option<Listed> = self.get(client, &path).await?;
        for summary in listed.into_iter().flat_map(|listed| listed.traces) {
            let Some(id) = TraceId::from_hex(summary.trace_id.as_bytes()) else {
                continue;
            };
            let spans = self.spans(client, id).await?;
            let is_by = |(span, detail): &(Candidate, Option<Detail>)| {
                let detail = detail.as_ref();
                let found = detail.and_then(|detail| text(&detail.attributes, USER_AGENT));
                span.maker != Maker::Other && found == Some(agent)
            };
            if spans.iter().any(is_by) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The spans of a trace, and of SERVER spans what they tell.
    async fn spans(
        &self,
        client: &Client,
        id: TraceId,
    ) -> Result<Vec<(Candidate, Option<Detail>)>, String> {
        let traced: Option<Traced> = self.get(client, &format!("traces/{id}")).await?;
        let rows = traced.into_iter().flat_map(|traced| traced.rows);
        // The tap is no span of anybody's.
        let rows = rows.filter(|row| row.kind != "tap");
        let mut spans = Vec::new();
        let mut left = MAX_SERVERS;
        for row in rows {
            let Some(mut span) = row.candidate() else {
                continue;
            };
            let mut detail = None;
            if row.kind == "server" && left > 0 {
                left = left.saturating_sub(1);
                let path = format!("traces/{id}/spans/{}", span.id);
                let found: Option<Detail> = self.get(client, &path).await?;
                span.maker = found.as_ref().map_or(Maker::Other, Detail::maker);
                detail = found;
            }
            spans.push((span, detail));
        }
        Ok(spans)
    }

    /// `None` for what is not there.
    async fn get<T: DeserializeOwned>(
        &self,
        client: &Client,
        path: &str,
    ) -> Result<Option<T>, String> {
        let request = Request::get(format!("{}/api/v1/{path}", self.base));
        let request = request.body(Empty::<Bytes>::new());
        let request = request.map_err(|error| error.to_string())?;
        let response = client.ask(request).await.map_err(|error| error.message)?;
        match response.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            other => return Err(format!("it answers {}", other.as_u16())),
        }
        let read = serde_json::from_slice(&response.body);
        read.map(Some)
            .map_err(|error| format!("its answer cannot be read: {error}"))
    }
}

impl Row {
    fn candidate(&self) -> Option<Candidate> {
        let parent = self.parent.as_deref();
        Some(Candidate {
            id: SpanId::from_hex(self.span_id.as_bytes())?,
            parent: parent.and_then(|parent| SpanId::from_hex(parent.as_bytes())),
            maker: Maker::Other,
        })
    }
}

impl Detail {
    fn maker(&self) -> Maker {
        let language = text(&self.resource, "telemetry.sdk.language");
        Maker::of_server(&self.scope.name, language)
    }

    fn rum(&self) -> BTreeMap<&'static str, String> {
        let keys = RumKey::ALL.into_iter().map(RumKey::attribute);
        let told = |key| Some((key, text(&self.attributes, key)?.to_owned()));
        keys.filter_map(told).collect()
    }
}

fn text<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As docs/VIEW.md has it.
    #[test]
    fn the_api_is_read() {
        let traced: Traced = serde_json::from_str(
            r#"{"summary":{"trace_id":"1"},"services":["shop"],"findings":[],"truncated":0,"rows":[
            {"span_id":"00f067aa0ba902b7","parent":null,"depth":0,"kind":"tap","service":null},
            {"span_id":"00f067aa0ba902b8","parent":"00f067aa0ba902b7","kind":"server","service":0}]}"#,
        )
        .unwrap();
        let span = traced.rows[1].candidate().unwrap();
        assert_eq!(
            span.parent.map(|id| id.to_string()).as_deref(),
            Some("00f067aa0ba902b7")
        );
        let detail: Detail = serde_json::from_str(
            r#"{"service":"shop","scope":{"name":"shop","version":null,"attributes":[]},
            "resource":[{"key":"telemetry.sdk.language","type":"string","value":"rust"}],
            "attributes":[{"key":"session.id","type":"string","value":"s1"},
            {"key":"http.response.status_code","type":"int","value":"200"}]}"#,
        )
        .unwrap();
        assert_eq!(detail.maker(), Maker::RustSdk);
        let rum = detail.rum();
        assert_eq!(rum.get("session.id").map(String::as_str), Some("s1"));
        assert_eq!(rum.len(), 1);
        let listed: Listed =
            serde_json::from_str(r#"{"traces":[{"trace_id":"0af7","name":"x"}],"next":null}"#)
                .unwrap();
        assert_eq!(listed.traces[0].trace_id, "0af7");
        assert!(serde_json::from_str::<Status>(r#"{"version":"1"}"#).is_err());
        assert!(serde_json::from_str::<Status>(r#"{"received":{"spans":3}}"#).is_ok());
    }
}
