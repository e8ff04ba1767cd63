//! What the SDKs report to their own product: each request that a page made, with
//! the trace that they say it began.

use serde::Deserialize;
use serde_json::Value;

use crate::Headers;

/// One request, as the SDK reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was asked for.
    pub url: String,
    /// As text; `None` if the SDK did not sample it.
    pub trace: Option<String>,
    /// The span's id; for SkyWalking the segment's, whose span 0 it is.
    pub span: Option<String>,
    /// The trace's headers, if it names them.
    pub headers: Option<Headers>,
    /// Who made it; SkyWalking's client does not say.
    pub who: Option<Who>,
}

/// Who made a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The app's id.
    pub app: Option<String>,
    /// The app's type.
    pub app_type: String,
    /// The session's id.
    pub session: String,
    /// The user's id.
    pub user: String,
}

/// The requests that a report tells of; the SDKs tell of much else.
#[must_use]
pub fn read(path: &str, body: &[u8]) -> Vec<Report> {
    match path {
        "/report" => serde_json::from_slice::<Bundle>(body).map_or_else(|_| Vec::new(), rum),
        "/v3/segments" => {
            let segments = serde_json::from_slice::<Vec<Segment>>(body).unwrap_or_default();
            segments.into_iter().filter_map(skywalking).collect()
        }
        _ => Vec::new(),
    }
}

/// What `@arms/rum-browser` posts.
#[derive(Debug, Deserialize)]
struct Bundle {
    app: App,
    user: Id,
    session: Id,
    events: Vec<Event>,
}

#[derive(Debug, Deserialize)]
struct App {
    id: Option<String>,
    #[serde(rename = "type")]
    app_type: String,
}

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Event {
    event_type: String,
    url: Option<String>,
    trace_id: Option<String>,
    /// JSON in JSON.
    trace_data: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TraceData {
    span_id: String,
    headers: Headers,
}

fn rum(bundle: Bundle) -> Vec<Report> {
    let who = Who {
        app: bundle.app.id,
        app_type: bundle.app.app_type,
        session: bundle.session.id,
        user: bundle.user.id,
    };
    let resources = bundle.events.into_iter();
    resources
        .filter(|event| event.event_type == "resource")
        .filter_map(|event| resource(event, &who))
        .collect()
}

fn resource(event: Event, who: &Who) -> Option<Report> {
    let data = event.trace_data.as_deref().and_then(trace_data);
    Some(Report {
        url: event.url?,
        trace: event.trace_id,
        span: data.as_ref().map(|data| data.span_id.clone()),
        headers: data.map(|data| lower(data.headers)),
        who: Some(who.clone()),
    })
}

fn trace_data(text: &str) -> Option<TraceData> {
    serde_json::from_str(text).ok()
}

fn lower(headers: Headers) -> Headers {
    let headers = headers.into_iter();
    headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

/// What `skywalking-client-js` posts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Segment {
    trace_id: String,
    trace_segment_id: String,
    spans: Vec<ExitSpan>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExitSpan {
    span_id: u32,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    value: Value,
}

fn skywalking(segment: Segment) -> Option<Report> {
    let span = segment.spans.into_iter().find(|span| span.span_id == 0)?;
    let url = span.tags.into_iter().find(|tag| tag.key == "url")?;
    Some(Report {
        url: url.value.as_str()?.to_owned(),
        trace: Some(segment.trace_id),
        span: Some(segment.trace_segment_id),
        headers: None,
        who: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rum_report_names_its_requests() {
        let body = br#"{
            "app": {"id": "a@1", "type": "browser"}, "user": {"id": "u"}, "session": {"id": "s"},
            "events": [
                {"event_type": "view", "url": "http://x/page"},
                {"event_type": "resource", "url": "http://x/1", "trace_id": "t",
                 "trace_data": "{\"spanId\":\"p\",\"headers\":{\"X-B3-TraceId\":\"t\"}}"},
                {"event_type": "resource", "url": "http://x/2"}
            ]}"#;
        let [traced, other] = read("/report", body).try_into().expect("two requests");
        assert_eq!(traced.url, "http://x/1");
        assert_eq!(traced.trace.as_deref(), Some("t"));
        assert_eq!(traced.span.as_deref(), Some("p"));
        let headers = Headers::from([("x-b3-traceid".to_owned(), "t".to_owned())]);
        assert_eq!(traced.headers, Some(headers));
        assert_eq!(traced.who.expect("who").session, "s");
        assert_eq!((other.trace, other.span), (None, None));
    }

    #[test]
    fn segments_name_their_requests() {
        let body = br#"[{"traceId": "t", "traceSegmentId": "s", "spans": [
            {"spanId": 0, "tags": [{"key": "http.method", "value": "GET"},
                                   {"key": "url", "value": "http://x/1"}]}]}]"#;
        let [report] = read("/v3/segments", body).try_into().expect("one request");
        assert_eq!(report.url, "http://x/1");
        assert_eq!(report.trace.as_deref(), Some("t"));
        assert_eq!(report.span.as_deref(), Some("s"));
        assert_eq!(report.who, None);
    }

    #[test]
    fn what_is_neither_tells_nothing() {
        assert_eq!(read("/report", b"[]"), []);
        assert_eq!(read("/browser/perfData", b"{}"), []);
        assert_eq!(read("/v3/segments", b"\xff"), []);
    }
}
