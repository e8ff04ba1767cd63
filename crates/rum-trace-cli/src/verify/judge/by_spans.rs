//! By the spans that the service exported: coarser than by its answer.

use rum_trace::RumKey;

use super::{Fate, Found, Judgement};
use crate::verify::diagnosis::Code;
use crate::verify::learned::{Entry, Timing};
use crate::verify::probe::{Sent, is_carrier};

pub(crate) fn judge(sent: &Sent, found: &Found) -> Judgement {
    if let Some(entry) = &found.here.entry {
        return in_trace(sent, entry);
    }
    if let Some(entry) = &found.elsewhere {
        return in_another_trace(sent, entry);
    }
    match found.timing {
        Some(timing) if sent.span.is_some_and(|(trace, _)| trace == timing.trace) => {
            without_a_span(sent, timing)
        }
        _ => {
            let mut judgement = Judgement::of(fates(sent, |_| Fate::Unknown));
            judgement.codes.insert(Code::LosesTraces);
            judgement
        }
    }
}

/// The service says that it is in the phone's trace, and its span did not come.
fn without_a_span(sent: &Sent, timing: Timing) -> Judgement {
    let fate = |name: &str| match name {
        "sw8" if sent.has("traceparent") => Fate::Unknown,
        name if is_carrier(name) => Fate::Arrived,
        _ => Fate::Unknown,
    };
    let fates = fates(sent, fate);
    let is_partial = fates.iter().any(|(_, fate)| *fate == Fate::Unknown);
    let mut judgement = Judgement::of(fates);
    // Of an unsampled request nobody has spans: as it should be.
    if sent.sampled {
        if !timing.sampled {
            judgement.codes.insert(Code::NotSampled);
        }
        if is_partial {
            judgement.codes.insert(Code::SomeUnknown);
        }
    }
    judgement
}

fn fates(sent: &Sent, fate: impl Fn(&str) -> Fate) -> Vec<(&'static str, Fate)> {
    let names = sent.names().into_iter();
    names.map(|name| (name, fate(name))).collect()
}

/// The trace goes on: from the phone's span, or from one that somebody put between.
fn in_trace(sent: &Sent, entry: &Entry) -> Judgement {
    let phone = sent.span.map(|(_, span)| span);
    let is_child = entry.parent == phone;
    let fate = |name: &str| match name {
        // Beside a traceparent it goes second.
        "sw8" if sent.has("traceparent") => Fate::Unknown,
        name if is_carrier(name) && is_child => Fate::Arrived,
        // Nobody writes a new sw8 but one that traces by it.
        name if is_carrier(name) => Fate::OtherSpan,
        _ => told(sent, entry),
    };
    let mut judgement = Judgement::of(fates(sent, fate));
    if entry.parent_is_known && judgement.codes.remove(&Code::RewritesSpan) {
        judgement.codes.insert(Code::GatewaySpans);
    }
    judgement
}

/// The service says in which trace it is: a child of somebody's, or the first.
fn in_another_trace(sent: &Sent, entry: &Entry) -> Judgement {
    let is_child = entry.parent.is_some();
    let fate = |name: &str| match name {
        "traceparent" if is_child => Fate::OtherTrace,
        "traceparent" => Fate::Missing,
        // It may have come, and gone second.
        name if is_carrier(name) && is_child => Fate::Unknown,
        name if is_carrier(name) => Fate::Missing,
        _ => told(sent, entry),
    };
    let mut judgement = Judgement::of(fates(sent, fate));
    if is_child && !sent.has("traceparent") {
        judgement.codes.insert(Code::OverrulesCarrier);
    }
    judgement
}

/// Whether the span knows of app, session and user what the list or baggage tells.
fn told(sent: &Sent, entry: &Entry) -> Fate {
    let both = sent.has("tracestate") && sent.has("baggage");
    // A page's sw8 tells the app by itself.
    let by_this = |key: RumKey| !(sent.has("sw8") && key == RumKey::AppId);
    let keys: Vec<RumKey> = sent
        .tells
        .iter()
        .copied()
        .filter(|key| by_this(*key))
        .collect();
    if both || keys.is_empty() {
        return Fate::Unknown;
    }
    if keys
        .iter()
        .any(|key| entry.rum.contains_key(key.attribute()))
    {
        return Fate::Told;
    }
    Fate::Missing
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rum_trace_propagation::SpanId;

    use super::*;
    use crate::verify::learned::Trace;
    use crate::verify::probe::PROBES;

    fn sent(name: &str) -> Sent {
        let probe = PROBES.iter().find(|probe| probe.name == name).unwrap();
        probe.tap("GET", "http://shop.example/", None)
    }

    fn entry(parent: Option<SpanId>, rum: &[&'static str]) -> Entry {
        Entry {
            service: "shop".into(),
            parent,
            parent_is_known: false,
            rum: rum
                .iter()
                .map(|key| (*key, "x".to_owned()))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    fn codes(sent: &Sent, found: &Found) -> Vec<Code> {
        judge(sent, found).codes.into_iter().collect()
    }

    fn here(entry: Entry) -> Found {
        Found {
            here: Trace {
                entry: Some(entry),
                ..Trace::default()
            },
            ..Found::default()
        }
    }

    fn elsewhere(entry: Entry) -> Found {
        Found {
            elsewhere: Some(entry),
            ..Found::default()
        }
    }

    #[test]
    fn each_way_in_which_a_trace_arrives() {
        let browser = sent("w3c-browser");
        let phone = browser.span.map(|(_, span)| span);
        let other = SpanId::from_bytes([7; 8]);
        let told = ["rum.app.type"];
        assert_eq!(codes(&browser, &here(entry(phone, &told))), []);
        assert_eq!(
            codes(&browser, &here(entry(phone, &[]))),
            [Code::StripsTracestate]
        );
        assert_eq!(
            codes(&browser, &here(entry(other, &told))),
            [Code::RewritesSpan]
        );
        let exported = Entry {
            parent_is_known: true,
            ..entry(other, &told)
        };
        assert_eq!(codes(&browser, &here(exported)), [Code::GatewaySpans]);
        assert_eq!(codes(&browser, &Found::default()), [Code::LosesTraces]);
        assert_eq!(
            codes(&browser, &elsewhere(entry(other, &told))),
            [Code::RewritesTrace]
        );
        let stripped = [Code::StripsTraceparent, Code::StripsTracestate];
        assert_eq!(codes(&browser, &elsewhere(entry(None, &[]))), stripped);
    }

    #[test]
    fn a_service_that_says_in_which_trace_it_is() {
        let says = |sent: &Sent, sampled| {
            let (trace, span) = sent.span.unwrap();
            let timing = Some(Timing {
                trace,
                span,
                sampled,
            });
            Found {
                timing,
                ..Found::default()
            }
        };
        let bare = sent("w3c-bare");
        assert_eq!(codes(&bare, &says(&bare, true)), []);
        assert_eq!(codes(&bare, &says(&bare, false)), [Code::NotSampled]);
        // What its tracestate told, a span would.
        let browser = sent("w3c-browser");
        assert_eq!(
            codes(&browser, &says(&browser, false)),
            [Code::NotSampled, Code::SomeUnknown]
        );
        let unsampled = sent("w3c-unsampled");
        assert_eq!(codes(&unsampled, &says(&unsampled, false)), []);
        assert_eq!(codes(&browser, &says(&bare, true)), [Code::LosesTraces]);
    }

    /// A page's `sw8` tells the app by itself: that says nothing of baggage.
    #[test]
    fn baggage_beside_sw8() {
        let page = sent("sw8-baggage");
        let phone = page.span.map(|(_, span)| span);
        let app = here(entry(phone, &["rum.app.id"]));
        assert_eq!(codes(&page, &app), [Code::StripsBaggage]);
        assert_eq!(codes(&page, &here(entry(phone, &["session.id"]))), []);
        let other = SpanId::from_bytes([7; 8]);
        let overruled = elsewhere(entry(other, &["session.id"]));
        assert_eq!(codes(&page, &overruled), [Code::OverrulesCarrier]);
    }
}
