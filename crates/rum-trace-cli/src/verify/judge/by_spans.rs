//! By the spans that the service exported: coarser than by its answer.

use rum_trace::RumKey;

use super::{Fate, Found, Judgement};
use crate::verify::diagnosis::Code;
use crate::verify::learned::Entry;
use crate::verify::probe::{Kind, Probe, Sent};

pub(super) fn judge(probe: &Probe, sent: &Sent, found: &Found) -> Judgement {
    if let Some(entry) = &found.here.entry {
        return in_trace(probe, sent, entry);
    }
    let elsewhere = found.elsewhere.as_ref();
    match elsewhere.and_then(|trace| trace.entry.as_ref()) {
        Some(entry) => in_another_trace(probe, sent, entry),
        None => {
            let mut judgement = Judgement::of(fates(sent, |_| Fate::Unknown));
            judgement.codes.insert(Code::LosesTraces);
            judgement
        }
    }
}

fn fates(sent: &Sent, fate: impl Fn(&str) -> Fate) -> Vec<(&'static str, Fate)> {
    let names = sent.names().into_iter();
    names.map(|name| (name, fate(name))).collect()
}

/// The trace goes on: from the phone's span, or from one that somebody put between.
fn in_trace(probe: &Probe, sent: &Sent, entry: &Entry) -> Judgement {
    let phone = sent.span.map(|(_, span)| span);
    let is_child = entry.parent == phone;
    let fate = |name: &str| match name {
        "traceparent" | "sw8" if is_child => Fate::Arrived,
        // Nobody writes a new sw8 but one that traces by it.
        "traceparent" | "sw8" => Fate::OtherSpan,
        _ => told(probe, sent, entry, name),
    };
    let mut judgement = Judgement::of(fates(sent, fate));
    if entry.parent_is_known && judgement.codes.remove(&Code::RewritesSpan) {
        judgement.codes.insert(Code::GatewaySpans);
    }
    judgement
}

/// The service says in which trace it is: a child of somebody's, or the first.
fn in_another_trace(probe: &Probe, sent: &Sent, entry: &Entry) -> Judgement {
    let is_child = entry.parent.is_some();
    let fate = |name: &str| match name {
        "traceparent" if is_child => Fate::OtherTrace,
        "traceparent" => Fate::Missing,
        // Where there is a traceparent too, that is what counts.
        "sw8" if sent.has("traceparent") => Fate::Unknown,
        "sw8" if is_child => Fate::Unknown,
        "sw8" => Fate::Missing,
        _ => told(probe, sent, entry, name),
    };
    let mut judgement = Judgement::of(fates(sent, fate));
    if is_child && !sent.has("traceparent") {
        judgement.codes.insert(Code::OverrulesSw8);
    }
    judgement
}

/// Whether the span knows of app, session and user what the header tells.
fn told(probe: &Probe, sent: &Sent, entry: &Entry, name: &str) -> Fate {
    let both = sent.has("tracestate") && sent.has("baggage");
    // A page's sw8 tells the app by itself.
    let by_this = |key: RumKey| !(sent.has("sw8") && key == RumKey::AppId);
    let keys = sent
        .tells
        .iter()
        .map(|(key, _)| *key)
        .filter(|key| by_this(*key));
    let keys: Vec<RumKey> = keys.collect();
    if both || keys.is_empty() {
        return Fate::Unknown;
    }
    if keys
        .iter()
        .any(|key| entry.rum.contains_key(key.attribute()))
    {
        return Fate::Arrived;
    }
    let lines = sent.texts(name).count();
    let length = sent.whole(name).len();
    match probe.kind {
        // At most the lines beside it are there.
        Kind::Lines => Fate::LinesLost {
            arrived: lines.saturating_sub(1),
            sent: lines,
        },
        Kind::List512 | Kind::ListLong => Fate::Shortened {
            arrived: 0,
            sent: length,
        },
        _ => Fate::Missing,
    }
}
