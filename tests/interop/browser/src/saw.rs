//! What the browser answers.

use serde::Deserialize;

use crate::Headers;

/// What a page saw of its requests.
#[derive(Debug, Deserialize)]
pub struct Saw {
    /// In the order of the requests.
    pub answers: Vec<Answer>,
    /// Who the SDK says that it is; SkyWalking's client knows no session.
    pub identity: Option<Identity>,
}

/// What happened in a page until it was closed.
#[derive(Debug, Deserialize)]
pub struct Life {
    /// Every request, in order.
    pub asked: Vec<Asked>,
    /// What was thrown in the page and caught by nobody.
    pub errors: Vec<String>,
}

/// A request, as the browser made it.
#[derive(Clone, Debug, Deserialize)]
pub struct Asked {
    /// The whole URL.
    pub url: String,
    /// Those that the page and its SDK set, and some of the browser's own.
    pub headers: Headers,
}

/// What a page got for one of its requests.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The HTTP status; 0 if there was no answer.
    pub status: u16,
    /// The body.
    pub text: String,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// Who the RUM SDK says that it is, by its own functions and by what it stores.
#[derive(Debug, Deserialize)]
pub struct Identity {
    /// The session's id.
    pub session: String,
    /// The user's id.
    pub user: String,
    /// The session's id in the page's storage.
    pub stored_session: String,
    /// The user's id in the page's storage.
    pub stored_user: String,
}
