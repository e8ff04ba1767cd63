//! A trace on one line.

use rum_trace_propagation::TraceId;
use serde::Serialize;

use super::digest::{Digest, Field};
use super::facts;

/// As the API gives it: see docs/VIEW.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    pub(crate) trace_id: String,
    /// The phone's span as the RUM products name it, or the root's name.
    pub(crate) name: String,
    /// Whether that is the phone's, which nobody sent.
    pub(crate) inferred: bool,
    pub(crate) start_unix_nano: String,
    pub(crate) duration_ns: u64,
    pub(crate) spans: u32,
    pub(crate) errors: u32,
    pub(crate) services: Vec<String>,
    pub(crate) method: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) status: Option<i64>,
    pub(crate) app_id: Option<String>,
    pub(crate) app_type: Option<String>,
    pub(crate) app_version: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) carrier: Option<&'static str>,
    pub(crate) findings: usize,
    /// Its place in the order of arrival: newer traces have greater ones.
    pub(crate) arrival: String,
    /// Of its last change.
    pub(crate) sequence: u64,
}

/// A list of 500 traces is one text in memory.
const MAX_SERVICES: usize = 64;

impl Summary {
    pub(crate) fn new(
        trace: TraceId,
        digest: &Digest,
        findings: usize,
        arrival: u64,
        sequence: u64,
    ) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let lead = digest.lead();
        let of_lead = |field: Field| owned(lead.and_then(|lead| field.of(lead)));
        Self {
            trace_id: trace.to_string(),
            name: digest.name().to_owned(),
            inferred: digest.entry().is_some(),
            start_unix_nano: digest.start.to_string(),
            duration_ns: digest.duration(),
            spans: digest.spans,
            errors: digest.errors,
            services: digest
                .texts(Field::Service)
                .take(MAX_SERVICES)
                .map(ToString::to_string)
                .collect(),
            method: owned(lead.and_then(|lead| facts::method(lead)).map(facts::short)),
            route: of_lead(Field::Route),
            path: of_lead(Field::Path),
            status: lead.and_then(|lead| facts::http_status(lead)),
            app_id: owned(digest.app()),
            app_type: owned(digest.app_type()),
            app_version: owned(digest.app_version()),
            session_id: owned(digest.session()),
            user_id: owned(digest.user()),
            carrier: lead.and_then(|lead| facts::carrier(lead)),
            findings,
            arrival: arrival.to_string(),
            sequence,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::collector::SpanBuilder;

    #[test]
    fn a_tap_is_told_by_the_span_under_it() {
        let spans: [Arc<_>; 3] = [
            SpanBuilder::new("stock", 1, 4, 3)
                .server()
                .time(12, 19)
                .error("x"),
            SpanBuilder::new("shop", 1, 3, 2).client().time(11, 20),
            SpanBuilder::new("shop", 1, 2, 9)
                .server()
                .time(10, 30)
                .text("http.request.method", "POST")
                .text("http.route", "/orders/{id}")
                .text("url.scheme", "https")
                .text("server.address", "shop.example")
                .text("url.path", "/orders/7")
                .number("http.response.status_code", 500)
                .text("rum.app.id", "a@1")
                .text("rum.app.type", "android")
                .text("rum.app.version", "3")
                .text("session.id", "s")
                .text("user.id", "u")
                .text("sw8.trace_id", "t")
                .error(""),
        ]
        .map(SpanBuilder::build);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            Summary::new(spans[0].trace_id, &Digest::of(&spans), 2, 5, 7),
            Summary {
                trace_id: "01".repeat(16),
                name: "android.request:https://shop.example/orders/7".into(),
                inferred: true,
                start_unix_nano: "10000000".into(),
                duration_ns: 20_000_000,
                spans: 3,
                errors: 2,
                services: vec!["shop".into(), "stock".into()],
                method: text("POST"),
                route: text("/orders/{id}"),
                path: text("/orders/7"),
                status: Some(500),
                app_id: text("a@1"),
                app_type: text("android"),
                app_version: text("3"),
                session_id: text("s"),
                user_id: text("u"),
                carrier: Some("sw8"),
                findings: 2,
                arrival: "5".into(),
                sequence: 7,
            }
        );
    }

    /// A list of hundreds of them is held for each who reads it.
    #[test]
    fn long_texts_are_cut() {
        let long = "ä".repeat(30_000);
        let keys = [
            "http.request.method",
            "http.route",
            "url.path",
            "rum.app.id",
            "rum.app.type",
            "rum.app.version",
            "session.id",
            "user.id",
        ];
        let span = SpanBuilder::new("shop", 1, 2, 9).server();
        let span = keys
            .into_iter()
            .fold(span, |span, key| span.text(key, &long));
        let span = span.build();
        let digest = Digest::of(&[Arc::clone(&span)]);
        let written = |digest| serde_json::to_string(&Summary::new(span.trace_id, digest, 0, 0, 0));
        let json = written(&digest).unwrap();
        assert!(json.len() < 10_000, "{}", json.len());
        assert!(digest.weight() < 20_000, "{}", digest.weight());
        // What a list shows is found.
        assert!(digest.has(Field::Session, digest.session().unwrap()));
        let root = SpanBuilder::new("shop", 1, 2, 0).name(&long).build();
        let json = written(&Digest::of(&[root])).unwrap();
        assert!(json.len() < 2_000, "{}", json.len());
    }

    #[test]
    fn without_a_tap_the_root_tells() {
        let spans = [
            SpanBuilder::new("shop", 1, 3, 2).time(5, 6).name("work"),
            SpanBuilder::new("shop", 1, 2, 0).time(10, 30).name("job"),
        ]
        .map(SpanBuilder::build);
        let summary = Summary::new(spans[0].trace_id, &Digest::of(&spans), 0, 0, 0);
        assert_eq!((&*summary.name, summary.inferred), ("job", false));
        assert_eq!(
            (summary.start_unix_nano.as_str(), summary.duration_ns),
            ("5000000", 25_000_000)
        );
    }
}
