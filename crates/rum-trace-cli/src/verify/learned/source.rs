//! Where spans are looked for.

use std::net::SocketAddr;
use std::time::Duration;

use http::Uri;

use super::spans::Spans;
use super::view::View;
use super::{Trace, Wanted};
use crate::terminal::escape::for_terminal;
use crate::verify::client::Client;

/// How long a viewer may be asked for spans of whatever trace.
const SEARCH: Duration = Duration::from_secs(5);

pub(crate) enum Source {
    Nowhere,
    /// A collector in this process.
    Here(Spans),
    /// A running `rum-trace view`.
    View(View),
}

impl Source {
    pub(crate) async fn here(address: SocketAddr) -> Result<Self, String> {
        let spans = Spans::listen(address).await;
        let spans = spans.map_err(|problem| format!("--collect {address}: {problem}"))?;
        Ok(Source::Here(spans))
    }

    /// An error if it is none.
    pub(crate) async fn view(uri: &Uri, client: &Client) -> Result<Self, String> {
        let view = View::new(uri);
        let checked = view.check(client).await;
        checked.map_err(|error| format!("--view: {}", for_terminal(error.as_bytes())))?;
        Ok(Source::View(view))
    }

    /// Where it listens itself.
    pub(crate) const fn address(&self) -> Option<SocketAddr> {
        match self {
            Source::Here(spans) => Some(spans.address()),
            Source::Nowhere | Source::View(_) => None,
        }
    }

    /// How often it is to be looked at.
    pub(crate) const fn every(&self) -> Duration {
        match self {
            Source::Nowhere | Source::Here(_) => Duration::from_millis(100),
            Source::View(_) => Duration::from_millis(500),
        }
    }

    pub(crate) async fn trace(&self, client: &Client, wanted: Wanted) -> Result<Trace, String> {
        match self {
            Source::Nowhere => Ok(Trace::default()),
            Source::Here(spans) => Ok(spans.trace(wanted)),
            Source::View(view) => view.trace(client, wanted).await,
        }
    }

    /// Whether a service has a span, in whatever trace, of a request by this user agent.
    pub(crate) async fn has_span_by(&self, client: &Client, agent: &str) -> bool {
        match self {
            Source::Nowhere => false,
            Source::Here(spans) => spans.has_span_by(agent),
            // One that cannot be asked has told nothing.
            Source::View(view) => tokio::time::timeout(SEARCH, view.has_span_by(client, agent))
                .await
                .is_ok_and(|found| found.unwrap_or(false)),
        }
    }
}
