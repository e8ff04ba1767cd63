//! A running `rum-trace view`, by its JSON API (docs/VIEW.md).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::Empty;
use rum_trace::RumKey;
use rum_trace_propagation::{SpanId, TraceId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Entry, Known, Trace, entry_of};
use crate::verify::client::Client;

/// Where it listens.
pub(crate) struct View {
    base: String,
}

#[derive(Deserialize)]
struct Status {
    received: Received,
}

#[derive(Deserialize)]
struct Received {
    spans: u64,
}

#[derive(Deserialize)]
struct Traced {
    #[serde(default)]
    services: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    span_id: String,
    parent: Option<String>,
    kind: String,
    service: Option<usize>,
}

#[derive(Deserialize)]
struct Spanned {
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    value: serde_json::Value,
}

impl View {
    pub(crate) fn new(base: &Uri) -> Self {
        let base = base.to_string();
        View {
            base: base.trim_end_matches('/').to_owned(),
        }
    }

    /// Spans of whatever trace; an error if nothing of that kind is there.
    pub(crate) async fn received(&self, client: &Client) -> Result<u64, String> {
        let status: Option<Status> = self.get(client, "status").await?;
        let status = status.ok_or("there is no `rum-trace view`")?;
        Ok(status.received.spans)
    }

    pub(crate) async fn trace(
        &self,
        client: &Client,
        id: TraceId,
        phone: Option<SpanId>,
    ) -> Result<Trace, String> {
        let traced: Option<Traced> = self.get(client, &format!("traces/{id}")).await?;
        let Some(traced) = traced else {
            return Ok(Trace::default());
        };
        // The tap is no span of anybody's.
        let rows = traced.rows.iter().filter(|row| row.kind != "tap");
        let known: Vec<(Known, &Row)> = rows.filter_map(|row| Some((row.known()?, row))).collect();
        let (spans, rows): (Vec<Known>, Vec<&Row>) = known.into_iter().unzip();
        let Some((at, parent_is_known)) = entry_of(&spans, phone) else {
            return Ok(Trace::default());
        };
        let (Some(span), Some(row)) = (spans.get(at), rows.get(at)) else {
            return Ok(Trace::default());
        };
        let path = format!("traces/{id}/spans/{}", span.id);
        let spanned: Option<Spanned> = self.get(client, &path).await?;
        let service = row.service.and_then(|at| traced.services.get(at));
        let entry = Entry {
            service: service.cloned().unwrap_or_default(),
            parent: span.parent,
            parent_is_known,
            rum: spanned.map(Spanned::rum).unwrap_or_default(),
        };
        Ok(Trace { entry: Some(entry) })
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
    fn known(&self) -> Option<Known> {
        let parent = self.parent.as_deref();
        Some(Known {
            id: SpanId::from_hex(self.span_id.as_bytes())?,
            parent: parent.and_then(|parent| SpanId::from_hex(parent.as_bytes())),
            is_server: self.kind == "server",
        })
    }
}

impl Spanned {
    fn rum(self) -> BTreeMap<&'static str, String> {
        let told = |attribute: Attribute| {
            let mut keys = RumKey::ALL.into_iter().map(RumKey::attribute);
            let key = keys.find(|key| *key == attribute.key)?;
            Some((key, attribute.value.as_str()?.to_owned()))
        };
        self.attributes.into_iter().filter_map(told).collect()
    }
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
        let known = traced.rows[1].known().unwrap();
        assert!(known.is_server);
        assert_eq!(
            known.parent.map(|id| id.to_string()).as_deref(),
            Some("00f067aa0ba902b7")
        );
        let spanned: Spanned = serde_json::from_str(
            r#"{"attributes":[{"key":"session.id","type":"string","value":"s1"},
            {"key":"http.response.status_code","type":"int","value":"200"}]}"#,
        )
        .unwrap();
        let rum = spanned.rum();
        assert_eq!(rum.get("session.id").map(String::as_str), Some("s1"));
        assert_eq!(rum.len(), 1);
        let status: Status =
            serde_json::from_str(r#"{"version":"1","received":{"spans":3,"requests":1}}"#).unwrap();
        assert_eq!(status.received.spans, 3);
    }
}
