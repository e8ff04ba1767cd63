//! The page: a few files of fixed names, inside this program.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::api::ApiError;

const HTML: &str = "text/html; charset=utf-8";

/// An answer that the same program gives again, and the next version not.
fn file(kind: &'static str, content: &'static [u8]) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")];
    (headers, content).into_response()
}

pub(super) async fn index() -> Response {
    file(HTML, include_bytes!("page/index.html"))
}

/// One of the files beside it.
pub(super) fn asset(name: &str) -> Result<Response, ApiError> {
    let found = ASSETS.iter().find(|(known, _, _)| *known == name);
    let (_, kind, content) = found.ok_or_else(|| ApiError::not_found("there is no such file"))?;
    Ok(file(kind, content))
}

/// Name, type and content.
const ASSETS: &[(&str, &str, &[u8])] = &[];
