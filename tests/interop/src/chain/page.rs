//! A page that makes the one request, and what came of it in the browser.

use rum_trace_interop_browser::Headers;
use rum_trace_interop_browser::browser::Browser;
use rum_trace_interop_browser::carrier::{self, Ids};
use rum_trace_interop_browser::modes::{Mode, Sdk};
use rum_trace_interop_browser::reports::Report;
use rum_trace_interop_browser::saw::{Asked, Identity, Life, Saw};
use rum_trace_interop_browser::site::Site;
use serde::Serialize;
use serde_json::Value;

use super::route::Running;
use crate::BoxError;
use crate::answer::Answer;

/// As drive.mjs reads it.
#[derive(Debug, Serialize)]
struct Order {
    page: String,
    options: Value,
    requests: [Request; 1],
}

#[derive(Debug, Serialize)]
struct Request {
    by: &'static str,
    method: &'static str,
    url: String,
}

/// What the browser sent, and what it got.
#[derive(Debug)]
pub(crate) struct Visit {
    /// The trace's headers, as the browser sent them.
    pub(crate) sent: Headers,
    /// Of the browser's span, in them.
    pub(crate) ids: Ids,
    pub(crate) identity: Identity,
    pub(crate) answer: Answer,
}

pub(crate) async fn visit(
    site: &Site,
    browser: &mut Browser,
    running: &Running,
    mode: &Mode,
) -> Result<Visit, BoxError> {
    let url = running.call(mode.name)?;
    let order = Order {
        page: running.page(),
        options: mode.options(&[&running.origin()], &site.sink()),
        requests: [Request {
            by: "fetch",
            method: "GET",
            url: url.clone(),
        }],
    };
    let saw = browser.open(&order).await?;
    let report = site.wait_for_report_of(&url).await;
    let life = browser.close().await?;
    let known = [running.origin(), site.sink()];
    is_quiet(&life, &known)?;
    let sent = sent(mode, &life.asked, &url)?;
    let ids = ids(&sent)?;
    is_as_reported(&ids, report.as_ref())?;
    let (identity, answer) = read(saw)?;
    Ok(Visit {
        sent,
        ids,
        identity,
        answer,
    })
}

/// Nothing was thrown, and nobody else was asked.
fn is_quiet(life: &Life, known: &[String]) -> Result<(), BoxError> {
    if let Some(thrown) = life.errors.first() {
        return Err(format!("thrown in the page: {thrown}").into());
    }
    let is_known = |url: &str| known.iter().any(|origin| url.starts_with(origin.as_str()));
    match life.asked.iter().find(|asked| !is_known(&asked.url)) {
        Some(asked) => Err(format!("the page asked another: {}", asked.url).into()),
        None => Ok(()),
    }
}

fn sent(mode: &Mode, asked: &[Asked], url: &str) -> Result<Headers, BoxError> {
    let asked = asked.iter().find(|asked| asked.url == url);
    let asked = asked.ok_or("the page did not make its request")?;
    let header = |name: &&str| {
        let value = asked.headers.get(*name).cloned();
        let value = value.ok_or_else(|| format!("the SDK sent no {name}"))?;
        Ok(((*name).to_owned(), value))
    };
    mode.sends.iter().map(header).collect()
}

/// Read by hand: what judges the library must not be the library.
fn ids(sent: &Headers) -> Result<Ids, BoxError> {
    let carriers = carrier::read(sent)?;
    match carriers.as_slice() {
        [(_, ids)] => Ok(ids.clone()),
        other => Err(format!("not one carrier, but {other:?}").into()),
    }
}

/// The SDK tells its own product of the same span.
fn is_as_reported(ids: &Ids, report: Option<&Report>) -> Result<(), BoxError> {
    let report = report.ok_or("the SDK did not report the request")?;
    let told = (report.trace.as_deref(), report.span.as_deref());
    if told == (Some(&ids.trace), Some(&ids.span)) {
        return Ok(());
    }
    Err(format!("the SDK sent {ids:?}, and reported {told:?}").into())
}

fn read(saw: Saw) -> Result<(Identity, Answer), BoxError> {
    let identity = saw.identity.ok_or("the page has no SDK")?;
    let answer = saw.answers.into_iter().next().ok_or("no answer")?;
    if let Some(error) = answer.error {
        return Err(format!("the page got no answer: {error}").into());
    }
    let read = serde_json::from_str(&answer.text);
    let read = read.map_err(|_| format!("the page got status {}", answer.status))?;
    Ok((identity, read))
}

/// As it is installed.
pub(crate) fn sdk_version() -> String {
    let list = include_str!("../../browser/package.json");
    let list: Value = serde_json::from_str(list).unwrap_or_default();
    let version = list["dependencies"][Sdk::Rum.package()].as_str();
    version.unwrap_or("?").to_owned()
}
