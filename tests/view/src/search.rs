//! What somebody at the page asks for meanwhile.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::LoadError;
use crate::spans::{SESSIONS, USERS};

/// Between two searches: nobody types faster.
const PAUSE: Duration = Duration::from_millis(50);

/// How many searches there are at least, with the store full.
pub(crate) const LEAST: usize = 10;

/// One search, once the store was full.
pub(crate) struct Search {
    pub(crate) query: String,
    pub(crate) took: Duration,
    pub(crate) found: usize,
}

/// What finds much, what finds little, and what looks through everything and
/// finds nothing.
fn queries(number: u64) -> [String; 14] {
    [
        String::new(),
        "limit=500".into(),
        "status=error".into(),
        "status=5xx&limit=500".into(),
        "app=shop%401f2e3d".into(),
        "app_type=android&service=stock".into(),
        format!("session=s{}", number % SESSIONS),
        format!("user=u{}", number % USERS),
        format!("route=/items/{}", number % 50),
        "min_ms=39&max_ms=41".into(),
        "trace_id=9e37".into(),
        "missing=true".into(),
        format!("q=S{}", number % SESSIONS),
        "q=nowhere%20to%20be%20found&limit=500".into(),
    ]
}

/// Searches, one after another, until all is sent. Those before anything was evicted do
/// not count; a few are made in any case.
pub(crate) async fn until(
    page: String,
    sent_all: watch::Receiver<bool>,
) -> Result<Vec<Search>, LoadError> {
    let mut searches = Vec::new();
    let mut full = false;
    for round in 0_u64.. {
        for query in queries(round.wrapping_mul(7_919)) {
            if full && *sent_all.borrow() && searches.len() >= LEAST {
                return Ok(searches);
            }
            let start = Instant::now();
            let found = json(&page, &format!("/api/v1/traces?{query}")).await?;
            let took = start.elapsed();
            let found = found["traces"].as_array().map_or(0, Vec::len);
            if full {
                searches.push(Search { query, took, found });
            }
            sleep(PAUSE).await;
        }
        let is_last = *sent_all.borrow();
        let status = json(&page, "/api/v1/status").await?;
        full = status["store"]["evicted_traces"].as_u64() > Some(0);
        if is_last && !full {
            break;
        }
    }
    Ok(searches)
}

/// The events of a page that is open.
pub(crate) async fn watch(page: String, mut over: watch::Receiver<bool>) -> Result<(), LoadError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let request = request(&page, "/api/v1/events")?;
    let answer = client
        .request(request)
        .await
        .map_err(|error| wrong(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(wrong(&answer.status()));
    }
    let mut body = answer.into_body();
    loop {
        tokio::select! {
            // Its sender is there until all of these have ended.
            _ = over.wait_for(|over| *over) => return Ok(()),
            frame = body.frame() => match frame {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(wrong(&error)),
                None => return Err(wrong(&"the events ended")),
            },
        }
    }
}

pub(crate) async fn json(page: &str, path: &str) -> Result<Value, LoadError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.request(request(page, path)?).await;
    let answer = answer.map_err(|error| wrong(&error))?;
    let status = answer.status();
    let body = answer.into_body().collect().await;
    let body = body.map_err(|error| wrong(&error))?.to_bytes();
    if status != StatusCode::OK {
        let text = String::from_utf8_lossy(&body);
        return Err(wrong(&format!("{path}: {status} {text}")));
    }
    serde_json::from_slice(&body).map_err(|error| wrong(&error))
}

fn request(page: &str, path: &str) -> Result<Request<Empty<Bytes>>, LoadError> {
    let request = Request::get(format!("{page}{path}")).body(Empty::new());
    request.map_err(|error| wrong(&error))
}

fn wrong(error: &impl ToString) -> LoadError {
    LoadError::Answer(error.to_string())
}
