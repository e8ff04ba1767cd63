//! Which responses have no body, whatever their headers declare.

use actix_web::http::{Method, StatusCode};

/// Whether the request's method leaves the response without a body, whatever
/// the server's code returns (RFC 9110, §9.3.2 and §9.3.6).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bodiless {
    Never,
    Always,
    OnSuccess,
}

impl Bodiless {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::HEAD => Bodiless::Always,
            Method::CONNECT => Bodiless::OnSuccess,
            _ => Bodiless::Never,
        }
    }

    /// RFC 9110: these have no content. After a 101 the connection is no longer
    /// HTTP; actix-web sends what follows (WebSocket frames) as the 101's body.
    pub(crate) fn forbids_body(self, status: StatusCode) -> bool {
        let by_method = match self {
            Bodiless::Never => false,
            Bodiless::Always => true,
            Bodiless::OnSuccess => status.is_success(),
        };
        by_method
            || matches!(
                status,
                StatusCode::SWITCHING_PROTOCOLS
                    | StatusCode::NO_CONTENT
                    | StatusCode::RESET_CONTENT
                    | StatusCode::NOT_MODIFIED
            )
    }
}
