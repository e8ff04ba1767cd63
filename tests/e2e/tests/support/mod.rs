//! The service that the tests call, and what its spans must be.

#![allow(dead_code, reason = "each test uses a part of it")]

use axum::Router;
use axum::routing::any;
use rum_trace::Instrumenter;
use rum_trace::axum::RumTraceLayer;
use rum_trace_e2e::captures::Capture;
use rum_trace_e2e::expectations::{ATTRIBUTES, Expectation, Value};
use rum_trace_e2e::mutate::Line;

/// The route of the service's one handler.
pub(crate) const ROUTE: &str = "/tap/{id}";

/// A service as a user would write it, with one line of ours.
pub(crate) fn router(instrumenter: Instrumenter) -> Router {
    Router::new()
        .route(ROUTE, any(|| async { "tapped" }))
        .layer(RumTraceLayer::new(instrumenter))
}

/// The path to which a case is sent: it tells the spans of cases apart that
/// have the same ids.
pub(crate) fn path(case: &str) -> String {
    format!("/tap/{case}")
}

/// The name of the SERVER span of a request.
pub(crate) fn span_name(method: &str) -> String {
    format!("{method} {ROUTE}")
}

/// A capture's header lines as bytes.
pub(crate) fn lines(capture: &Capture) -> Vec<Line> {
    let lines = capture.headers.iter();
    lines
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect()
}

/// A span's attribute as text or number, however the span is represented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Text(String),
    Int(i64),
    /// Any other type: none of the attributes in question has one.
    Other(String),
}

/// What is wrong with the RUM and `sw8` attributes of a span.
pub(crate) fn wrong_attributes(expected: &Expectation, told: &[(String, Told)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in ATTRIBUTES {
        let got: Vec<&Told> = told
            .iter()
            .filter(|(found, _)| found == name)
            .map(|(_, value)| value)
            .collect();
        let wanted = expected.attributes.get(name).map(wanted);
        match (&wanted, got.as_slice()) {
            (None, []) => {}
            (Some(wanted), [got]) if wanted == *got => {}
            (wanted, got) => wrong.push(format!("{name} is {got:?}, expected {wanted:?}")),
        }
    }
    // What is measured is not what the client told.
    let ours = |name: &str| {
        let told = name.starts_with("rum.") || name.starts_with("sw8.");
        told && !name.starts_with("rum.response.")
    };
    for (name, value) in told {
        if ours(name) && !ATTRIBUTES.contains(&&**name) {
            wrong.push(format!("what is {name} = {value:?}?"));
        }
    }
    wrong
}

fn wanted(value: &Value) -> Told {
    match (value.int(), value.text()) {
        (Some(number), _) => Told::Int(number),
        (None, text) => Told::Text(text.unwrap_or_default()),
    }
}
