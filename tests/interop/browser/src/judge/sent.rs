//! What the browser sent.

use super::{Evidence, Misses};
use crate::arrivals::{Arrival, Headers};
use crate::carrier::{self, Ids};
use crate::cells::{Case, Cell, Saw};
use crate::modes::Mode;
use crate::{captures, phone};

/// All headers by which a page sends a trace.
const TRACE_HEADERS: [&str; 13] = rum_trace::CORS_REQUEST_HEADERS;

/// The trace's headers, as they arrived.
pub(super) fn arrived(
    cell: &Cell,
    evidence: &Evidence<'_>,
    misses: &mut Misses,
) -> Option<Headers> {
    let found = arrival(cell, cell.method, evidence);
    misses.unless(found.is_some(), || "the request did not arrive".into());
    Some(trace_headers(&found?.headers))
}

pub(crate) fn trace_headers(headers: &Headers) -> Headers {
    let mut sent = headers.clone();
    sent.retain(|name, _| TRACE_HEADERS.contains(&name.as_str()));
    sent
}

fn arrival<'a>(cell: &Cell, method: &str, evidence: &Evidence<'a>) -> Option<&'a Arrival> {
    evidence.arrivals.iter().find(|arrival| {
        arrival.framework == cell.framework && arrival.path == cell.path && arrival.method == method
    })
}

/// The headers are those of the mode, of the shape that was captured, and as a
/// phone writes them.
pub(super) fn check(case: &Case, cell: &Cell, sent: &Headers, saw: &Saw, misses: &mut Misses) {
    names(case.mode, sent, misses);
    as_captured(case.mode, cell, sent, misses);
    as_phone(case, saw, sent, misses);
}

fn names(mode: &Mode, sent: &Headers, misses: &mut Misses) {
    let mut expected = mode.sends.to_vec();
    expected.sort_unstable();
    let names: Vec<&str> = sent.keys().map(String::as_str).collect();
    misses.unless(names == expected, || {
        format!("sent {names:?}, not {expected:?}")
    });
}

fn as_captured(mode: &Mode, cell: &Cell, sent: &Headers, misses: &mut Misses) {
    let Some(case) = mode.capture else {
        return;
    };
    let captured = captures::of(case, cell.by).map(|headers| captures::shape(&headers));
    let shape = captures::shape(sent);
    misses.unless(captured.as_ref() == Some(&shape), || {
        format!("unlike the capture {case}: {shape:?}, not {captured:?}")
    });
}

fn as_phone(case: &Case, saw: &Saw, sent: &Headers, misses: &mut Misses) {
    let phone = saw
        .identity
        .as_ref()
        .and_then(|who| phone::writes(case, who, sent));
    if let Some(written) = phone {
        misses.unless(&written == sent, || {
            format!("unlike Phone: the SDK sent {sent:?}, Phone writes {written:?}")
        });
    }
}

/// The browser asked whether the headers are allowed, and that is no span: see
/// [`span::of`](super::span::of), which wants one for the path.
pub(super) fn preflight(mode: &Mode, cell: &Cell, evidence: &Evidence<'_>, misses: &mut Misses) {
    let asked = arrival(cell, "OPTIONS", evidence)
        .and_then(|arrival| arrival.headers.get("access-control-request-headers"))
        .map_or("", String::as_str);
    let asked: Vec<&str> = asked.split(',').map(str::trim).collect();
    for name in mode.sends {
        misses.unless(asked.contains(name), || {
            format!("the preflight did not ask for {name}, only for {asked:?}")
        });
    }
}

/// Several carriers must name the same ids. `None` if there is none.
pub(super) fn carriers(sent: &Headers, misses: &mut Misses) -> Option<Ids> {
    let read = carrier::read(sent).unwrap_or_else(|odd| {
        misses.0.push(odd);
        Vec::new()
    });
    let (_, first) = read.first()?;
    for (name, ids) in &read {
        misses.unless(ids == first, || {
            format!("{name} names {ids:?}, not {first:?}")
        });
    }
    Some(first.clone())
}
