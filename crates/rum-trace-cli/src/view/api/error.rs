//! Errors in words, as JSON.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::json_response;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn method() -> Self {
        let message = "only GET and HEAD are answered here: spans go to the OTLP receivers";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        )
    }

    /// What is asked for by `what` is not as it must be.
    pub(crate) fn invalid(what: &str, expected: &str) -> Self {
        let message = format!("{what} must be {expected}");
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", message)
    }

    pub(crate) fn unknown_parameter(name: &str, known: &[&str]) -> Self {
        let known = match known {
            [] => "none is known here".to_owned(),
            known => format!("known are {}", known.join(", ")),
        };
        // It is told to whoever sent it: shortened, since it can be anything.
        let name: String = name.chars().take(64).collect();
        let message = format!("the parameter {name:?} is not known: {known}");
        Self::new(StatusCode::BAD_REQUEST, "unknown_parameter", message)
    }

    pub(crate) fn repeated_parameter(name: &str) -> Self {
        let message = format!("the parameter {name} is there twice: give it once");
        Self::new(StatusCode::BAD_REQUEST, "repeated_parameter", message)
    }

    pub(crate) fn host() -> Self {
        let message = "the Host header names a host that is not known here: use localhost or an IP \
                       address, or start with --allow-host NAME";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", message)
    }

    pub(crate) fn too_many_listeners(most: usize) -> Self {
        let message = format!("{most} listeners are here already: close a page");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_listeners",
            message,
        )
    }

    pub(crate) fn internal() -> Self {
        let message = "the answer could not be made";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: Content<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    code: &'static str,
    message: &'a str,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let content = Content {
            code: self.code,
            message: &self.message,
        };
        // Two texts can always be written.
        let json = serde_json::to_vec(&Body { error: content }).unwrap_or_default();
        (self.status, json_response(json)).into_response()
    }
}
