//! Server-sent events: what changed, as it changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::api::{ApiError, Query, Status, decimal};
use super::start::Shared;
use crate::analysis::summary::Summary;
use crate::collector::Listed;

/// A browser keeps a connection for each.
pub(super) const MAX_LISTENERS: usize = 32;
/// Between two events of one listener.
const INTERVAL: Duration = Duration::from_millis(250);
/// After so long without an event a comment shows that the connection stands.
const STILL_HERE: Duration = Duration::from_secs(15);
const MAX_TRACES: usize = 100;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Serialize)]
struct Changed {
    sequence: u64,
    traces: Vec<Summary>,
    more: usize,
    status: Status,
}

pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = since(query.as_deref(), &headers, &shared.process)?;
    let Ok(place) = Arc::clone(&shared.listeners).try_acquire_owned() else {
        return Err(ApiError::too_many_listeners(MAX_LISTENERS));
    };
    let listener = Listener::new(shared, asked, place);
    let events = stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// The sequence number that the listener knows. A browser that connects again
/// tells the last event that it got, which counts more than what the page's
/// address said at first. Of an event of another process nothing is known here.
fn since(query: Option<&str>, headers: &HeaderMap, process: &str) -> Result<Option<u64>, ApiError> {
    let query = Query::parse(query, &["since"])?;
    let asked = query.read("since", "a sequence number", decimal)?;
    let last = headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty());
    let sequence = |last: &HeaderValue| {
        let (from, sequence) = last.to_str().ok()?.split_once('-')?;
        decimal(sequence).filter(|_| from == process)
    };
    Ok(last
        .map(|last| sequence(last).unwrap_or_default())
        .or(asked))
}

struct Listener {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
    /// The last change that it knows.
    sequence: u64,
    /// When the last event went out.
    last: Option<Instant>,
    greeted: bool,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    fn new(shared: Arc<Shared>, asked: Option<u64>, place: OwnedSemaphorePermit) -> Self {
        let now = shared.store.sequence();
        Self {
            changes: shared.store.watch(),
            // A number that was not reached yet is from before a restart.
            sequence: asked.map_or(now, |asked| if asked > now { 0 } else { asked }),
            shared,
            last: None,
            greeted: false,
            _place: place,
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            return Some(Bytes::from_static(b"retry: 1000\n\n"));
        }
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            // However much there is to tell.
            biased;
            () = shared.ending() => None,
            told = self.told() => told,
        }
    }

    async fn told(&mut self) -> Option<Bytes> {
        if let Some(last) = self.last {
            // What comes meanwhile is in the next event.
            sleep_until(last + INTERVAL).await;
        }
        // Marked as seen before it is read: what comes later wakes again.
        let known = *self.changes.borrow_and_update();
        if known <= self.sequence {
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                () = sleep(STILL_HERE) => return Some(Bytes::from_static(b": still here\n\n")),
            }
        }
        self.event()
    }

    fn event(&mut self) -> Option<Bytes> {
        let changes = self.shared.store.changes_since(self.sequence, MAX_TRACES);
        self.sequence = changes.sequence;
        self.last = Some(Instant::now());
        let changed = Changed {
            sequence: changes.sequence,
            traces: changes.traces.iter().map(Listed::summary).collect(),
            more: changes.more,
            status: Status::of(&self.shared),
        };
        // JSON has no line ends of its own: it is one line.
        let json = serde_json::to_string(&changed).ok()?;
        let id = format!("{}-{}", self.shared.process, changes.sequence);
        Some(format!("id: {id}\nevent: changed\ndata: {json}\n\n").into())
    }
}
