//! The requests, one after the other.

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::Empty;

use super::client::{Client, NoResponse, NoResponseKind, Response};
use super::plan::Plan;
use super::probe::{Probe, Sent};
use super::progress::Progress;
use super::target::Hop;

/// After so many requests without an answer an address is left alone.
const GIVE_UP: usize = 3;

/// A request and its response.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) probe: &'static Probe,
    pub(crate) sent: Sent,
    pub(crate) response: Result<Response, NoResponse>,
}

/// Sends all probes to one address.
pub(crate) async fn send_all(
    client: &Client,
    plan: &Plan,
    app_id: Option<&str>,
    hop: &Hop,
    progress: &Progress,
) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    // Android's SDK writes all of it into sw8, which is printed: here without the query,
    // where there may be a secret.
    let url = hop.uri.to_string();
    let url = url.split('?').next().unwrap_or_default().to_owned();
    for (at, probe) in plan.probes.iter().enumerate() {
        progress.sending(&hop.name, at, plan.probes.len(), probe.name);
        let sent = probe.tap(plan.method.as_str(), &url, app_id);
        let response = match request(plan, hop, &sent) {
            _ if is_given_up(&exchanges) => Err(unsent()),
            Ok(request) => client.ask(request).await,
            Err(error) => Err(NoResponse {
                kind: NoResponseKind::Unreachable,
                message: error.to_string(),
            }),
        };
        exchanges.push(Exchange {
            probe,
            sent,
            response,
        });
        if exchanges
            .iter()
            .all(|one| one.is(NoResponseKind::Unreachable))
        {
            break;
        }
    }
    exchanges
}

/// Whether the last ones were without a response.
fn is_given_up(exchanges: &[Exchange]) -> bool {
    let last = exchanges.iter().rev().take(GIVE_UP);
    last.filter(|exchange| exchange.response.is_err()).count() == GIVE_UP
}

fn unsent() -> NoResponse {
    NoResponse {
        kind: NoResponseKind::Unsent,
        message: format!("not sent: the {GIVE_UP} before it had no answer"),
    }
}

fn request(plan: &Plan, hop: &Hop, sent: &Sent) -> Result<Request<Empty<Bytes>>, http::Error> {
    let mut request = Request::builder()
        .method(plan.method.clone())
        .uri(hop.uri.clone());
    if !plan.headers.contains_key(HOST) {
        request = request.header(HOST, &plan.host);
    }
    for (name, value) in &plan.headers {
        request = request.header(name, value);
    }
    for (name, value) in &sent.lines {
        // From bytes: an app id may hold more than ASCII.
        request = request.header(*name, value.as_bytes());
    }
    request.body(Empty::new())
}

impl Exchange {
    pub(crate) fn is(&self, kind: NoResponseKind) -> bool {
        let problem = self.response.as_ref();
        problem.is_err_and(|problem| problem.kind == kind)
    }
}
