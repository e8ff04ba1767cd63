//! One round: every phone taps, and what comes of it is collected.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Empty;
use rum_trace_propagation::TraceId;

use super::answer::Answer;
use super::fetch::{self, Client};
use super::judge::{self, Verdict};
use super::phones::{Phones, Tap};
use super::world::World;
use crate::collector::{Span, Store};

/// How long the last span may take to arrive, from the last answer on.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A tap that was sent, and what the phone got for it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) tap: Tap,
    /// Why there is no answer, in words, otherwise.
    pub(crate) answer: Result<(StatusCode, Answer), String>,
    /// As the phone measures it.
    pub(crate) took: Duration,
}

/// A tap with all that is known of it in the end.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) sent: Sent,
    pub(crate) spans: Vec<Arc<Span>>,
    pub(crate) verdict: Verdict,
}

/// A whole round.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) taps: Vec<Judged>,
    /// Spans that arrived during it, those of its own traces and others.
    pub(crate) spans_received: u64,
}

/// Plays a round and waits for its spans.
pub(crate) async fn play(world: &World, phones: &Phones, client: &Client) -> Round {
    let store = world.collector().store();
    let before = store.received();
    let mut sent = Vec::new();
    for tap in phones.round(&world.gateway.url()) {
        sent.push(send(client, tap).await);
    }
    let taps = collect(store, sent, PATIENCE).await;
    Round {
        taps,
        spans_received: store.received().saturating_sub(before),
    }
}

async fn send(client: &Client, tap: Tap) -> Sent {
    let start = Instant::now();
    let answer = exchange(client, &tap).await;
    Sent {
        tap,
        answer,
        took: start.elapsed(),
    }
}

async fn exchange(client: &Client, tap: &Tap) -> Result<(StatusCode, Answer), String> {
    let (status, body) = fetch::fetch(client.clone(), request(tap)?).await?;
    let answer = serde_json::from_slice(&body)
        .map_err(|error| format!("answer {} cannot be read: {error}", status.as_u16()))?;
    Ok((status, answer))
}

fn request(tap: &Tap) -> Result<Request<Empty<Bytes>>, String> {
    let phone = &tap.request;
    let mut request = Request::builder().method(phone.method()).uri(phone.url());
    for (name, value) in phone.headers() {
        // From bytes: a user id may hold more than ASCII.
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| error.to_string())?;
        request = request.header(*name, value);
    }
    request
        .body(Empty::new())
        .map_err(|error| error.to_string())
}

/// Waits until nothing more is to come, at most for `patience`.
async fn collect(store: &Store, sent: Vec<Sent>, patience: Duration) -> Vec<Judged> {
    // Subscribed before the first look: what arrives in between is not missed.
    let mut arrivals = store.watch();
    let all_here = async {
        while sent.iter().any(|sent| is_waiting(store, sent)) {
            // The store outlives the round, so that there is always a sender.
            if arrivals.changed().await.is_err() {
                return;
            }
        }
    };
    // What is still missing after this is in the verdicts.
    let _ = tokio::time::timeout(patience, all_here).await;
    sent.into_iter().map(|sent| judged(store, sent)).collect()
}

fn is_waiting(store: &Store, sent: &Sent) -> bool {
    matches!(
        judge::judge(sent, &spans_of(store, sent)),
        Verdict::Waiting(_)
    )
}

fn judged(store: &Store, sent: Sent) -> Judged {
    let spans = spans_of(store, &sent);
    Judged {
        verdict: judge::judge(&sent, &spans),
        sent,
        spans,
    }
}

fn spans_of(store: &Store, sent: &Sent) -> Vec<Arc<Span>> {
    let id = TraceId::from_hex(sent.tap.request.trace_id().as_bytes());
    id.map(|id| store.trace(id)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{Limits, SpanBuilder};
    use crate::demo::judge::tests::{chain, item};

    fn insert(store: &Store, span: SpanBuilder) {
        store.insert([span.try_build().unwrap()]);
    }

    /// On a clock that stands still as long as there is anything to do.
    #[tokio::test(start_paused = true)]
    async fn the_wait_ends_with_the_last_span() {
        let store = Store::new(Limits::default());
        let sent = item();
        let start = tokio::time::Instant::now();
        let arrive = async {
            for span in chain(&sent) {
                tokio::time::sleep(Duration::from_secs(2)).await;
                insert(&store, span);
            }
        };
        let patience = 2 * PATIENCE;
        let (judged, ()) = tokio::join!(collect(&store, vec![sent.clone()], patience), arrive);
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        assert_eq!(judged[0].verdict, Verdict::Continued);
        assert_eq!(judged[0].spans.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_ends_without_it() {
        let store = Store::new(Limits::default());
        let sent = item();
        let [server, ..] = chain(&sent);
        insert(&store, server);
        let start = tokio::time::Instant::now();
        let judged = collect(&store, vec![sent], PATIENCE).await;
        // A timer's grain is a millisecond.
        assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
        let problem = judged[0].verdict.problem().unwrap();
        assert!(problem.contains("the CLIENT span of gateway"), "{problem}");
    }
}
