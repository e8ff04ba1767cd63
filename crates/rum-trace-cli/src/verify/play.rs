//! The requests, one after the other, and what is learned of each.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use rum_trace_propagation::{SpanId, TraceId};
use tokio::time::Instant;

use super::answer::Answer;
use super::client::{Client, NoResponse, Response};
use super::diagnosis::Code;
use super::judge::{self, Found, Judgement, Learned};
use super::learned::spans::Spans;
use super::learned::view::View;
use super::learned::{Trace, server_timing};
use super::plan::Plan;
use super::probe::{Probe, Sent};
use super::progress::Progress;
use super::target::Hop;

/// How often a collector is looked at.
const EVERY: Duration = Duration::from_millis(100);
/// After so many requests without an answer an address is left alone.
const GIVE_UP: usize = 3;

/// A request and its response.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) probe: &'static Probe,
    pub(crate) sent: Sent,
    pub(crate) response: Result<Response, NoResponse>,
}

/// One with what became of it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) exchange: Exchange,
    pub(crate) learned: Learned,
    pub(crate) judgement: Judgement,
    /// Why its answer could not be read.
    pub(crate) problem: Option<String>,
}

impl Judged {
    pub(crate) fn name(&self) -> &'static str {
        self.exchange.probe.name
    }

    pub(crate) const fn is_answered(&self) -> bool {
        matches!(self.learned, Learned::Answer(_))
    }
}

/// Where spans are looked for.
pub(crate) enum Source {
    Nowhere,
    Here(Spans),
    View(View),
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
            Ok(request) => client.ask(request).await,
            Err(error) => Err(NoResponse {
                unreachable: true,
                message: error.to_string(),
            }),
        };
        exchanges.push(Exchange {
            probe,
            sent,
            response,
        });
        let last = exchanges.iter().rev().take(GIVE_UP);
        let failed = last.filter(|exchange| exchange.response.is_err()).count();
        let unreachable = exchanges.iter().all(Exchange::is_unreachable);
        if unreachable || failed == GIVE_UP {
            break;
        }
    }
    exchanges
}

fn request(plan: &Plan, hop: &Hop, sent: &Sent) -> Result<Request<Empty<Bytes>>, http::Error> {
    let mut request = Request::builder()
        .method(plan.method.clone())
        .uri(hop.uri.clone());
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
    fn is_unreachable(&self) -> bool {
        self.response
            .as_ref()
            .is_err_and(|problem| problem.unreachable)
    }

    fn answer(&self) -> Option<Result<Answer, String>> {
        Answer::of(&self.response.as_ref().ok()?.headers)
    }

    /// Whether spans of it are to come: it was taken, and its phone samples.
    fn is_awaited(&self) -> bool {
        self.response.is_ok() && self.sent.sampled && !matches!(self.answer(), Some(Ok(_)))
    }

    /// The trace that the service says it is in, if that is not the phone's.
    fn other_trace(&self) -> Option<TraceId> {
        let response = self.response.as_ref().ok()?;
        let (trace, _) = server_timing(&response.headers)?;
        (self.sent.span.map(|(sent, _)| sent) != Some(trace)).then_some(trace)
    }
}

/// Waits for spans, and judges all of it.
pub(crate) async fn judge_all(
    client: &Client,
    source: &Source,
    deadline: Instant,
    before: u64,
    exchanges: Vec<Exchange>,
    progress: &Progress,
) -> Vec<Judged> {
    loop {
        let missing = missing(client, source, &exchanges).await;
        progress.waiting(missing, deadline);
        if missing == 0 || Instant::now() >= deadline {
            break;
        }
        tokio::time::sleep(EVERY).await;
    }
    let received = source.received(client).await > before;
    let mut judged = Vec::new();
    for exchange in exchanges {
        judged.push(judge_one(client, source, received, exchange).await);
    }
    judged
}

/// How many requests have no spans yet.
async fn missing(client: &Client, source: &Source, exchanges: &[Exchange]) -> usize {
    let mut missing = 0_usize;
    if matches!(source, Source::Nowhere) {
        return missing;
    }
    for exchange in exchanges.iter().filter(|exchange| exchange.is_awaited()) {
        let found = source.found(client, exchange).await;
        let elsewhere = found.elsewhere.is_some_and(|trace| trace.entry.is_some());
        missing = missing.saturating_add(usize::from(found.here.entry.is_none() && !elsewhere));
    }
    missing
}

async fn judge_one(client: &Client, source: &Source, received: bool, exchange: Exchange) -> Judged {
    let (answer, problem) = match exchange.answer() {
        Some(Ok(answer)) => (Some(answer), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    let learned = match answer {
        Some(answer) => Learned::Answer(Box::new(answer)),
        None if exchange.response.is_ok() => {
            let found = source.found(client, &exchange).await;
            let is_found = found.here.entry.is_some();
            if is_found || received && exchange.sent.sampled {
                Learned::Spans(found)
            } else {
                Learned::Nothing
            }
        }
        None => Learned::Nothing,
    };
    let mut judgement = judge::judge(&exchange.sent, &learned);
    if judgement.codes.contains(&Code::RewritesSpan) {
        let found = source.found(client, &exchange).await;
        if found.here.entry.is_some_and(|entry| entry.parent_is_known) {
            judgement.codes.remove(&Code::RewritesSpan);
            judgement.codes.insert(Code::GatewaySpans);
        }
    }
    Judged {
        exchange,
        learned,
        judgement,
        problem,
    }
}

impl Source {
    /// Spans of whatever trace that came in so far.
    pub(crate) async fn received(&self, client: &Client) -> u64 {
        match self {
            Source::Nowhere => 0,
            Source::Here(spans) => spans.received(),
            // What it cannot tell now it could before.
            Source::View(view) => view.received(client).await.unwrap_or_default(),
        }
    }

    async fn found(&self, client: &Client, exchange: &Exchange) -> Found {
        let mut found = Found::default();
        if let Some((trace, span)) = exchange.sent.span {
            found.here = self.trace(client, trace, Some(span)).await;
        }
        if let Some(other) = exchange.other_trace() {
            found.elsewhere = Some(self.trace(client, other, None).await);
        }
        found
    }

    async fn trace(&self, client: &Client, id: TraceId, phone: Option<SpanId>) -> Trace {
        match self {
            Source::Nowhere => Trace::default(),
            Source::Here(spans) => spans.trace(id, phone),
            Source::View(view) => view.trace(client, id, phone).await.unwrap_or_default(),
        }
    }
}
