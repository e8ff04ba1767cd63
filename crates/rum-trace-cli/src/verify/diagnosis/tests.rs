//! Runs as they may come out, without a network.

use std::collections::BTreeSet;

use http::{HeaderMap, StatusCode};

use super::*;
use crate::verify::client::{NoResponse, NoResponseKind, Response};
use crate::verify::judge::{Judgement, Learned};
use crate::verify::play::Exchange;
use crate::verify::probe::PROBES;

/// What a request of a run comes to.
#[derive(Clone)]
enum Outcome {
    /// Its answer tells these.
    Told(&'static [Code]),
    /// Nothing is known, and this was the status.
    Untold(u16),
    Failed(NoResponseKind),
}

use Outcome::{Failed, Told, Untold};

fn judged(at: usize, outcome: &Outcome) -> Judged {
    let probe = &PROBES[at];
    let respond = |status| {
        Ok(Response {
            status: StatusCode::from_u16(status).unwrap(),
            ..Response::default()
        })
    };
    let (response, codes) = match outcome {
        Told(codes) => (respond(200), Some(*codes)),
        Untold(status) => (respond(*status), None),
        Failed(kind) => {
            let message = "a reason".to_owned();
            (
                Err(NoResponse {
                    kind: *kind,
                    message,
                }),
                None,
            )
        }
    };
    let codes_of = |codes: &[Code]| codes.iter().copied().collect::<BTreeSet<_>>();
    Judged {
        exchange: Exchange {
            probe,
            sent: probe.tap("GET", "http://shop.example/", None),
            response,
        },
        learned: match codes {
            Some(_) => Learned::Answer(Box::default()),
            None => Learned::Nothing,
        },
        judgement: Judgement {
            fates: Vec::new(),
            codes: codes.map(codes_of).unwrap_or_default(),
            is_known: codes.is_some(),
        },
        problem: None,
    }
}

fn hop(name: &str, outcomes: impl Fn(usize) -> Outcome) -> HopReport {
    let setting = Setting {
        asked_by_token: true,
        tracing_gateway: false,
    };
    let judged: Vec<Judged> = (0..PROBES.len())
        .map(|at| judged(at, &outcomes(at)))
        .collect();
    let url = format!("http://{name}.example/");
    let hops = [format!("{name}={url}")];
    let hop = Hop::all("http://shop.example/", &hops).unwrap().remove(1);
    HopReport {
        hop,
        findings: diagnose_hop(&judged, setting),
        judged,
        products: products([HeaderMap::new()].iter()),
        asked_by_token: true,
    }
}

fn found(hop: &HopReport) -> Vec<(Code, Severity)> {
    let found = hop.findings.iter();
    found.map(|found| (found.code, found.severity)).collect()
}

#[test]
fn what_is_not_known_is_no_success() {
    let limited = hop("outer", |at| if at < 5 { Told(&[]) } else { Untold(429) });
    assert_eq!(found(&limited), [(Code::SomeUnknown, Severity::Unknown)]);
    // Unsampled ones and the one that sends nothing among them.
    assert_eq!(limited.findings[0].probes.len(), PROBES.len() - 5);
    assert_eq!(exit_status(&[limited]), 2);

    let late = hop("outer", |at| match at {
        0..2 => Told(&[]),
        2..5 => Failed(NoResponseKind::Unanswered),
        _ => Failed(NoResponseKind::Unsent),
    });
    assert_eq!(found(&late), [(Code::SomeUnknown, Severity::Unknown)]);
    assert_eq!(exit_status(&[late]), 2);

    let lossy = hop("outer", |at| match at {
        0..5 => Told(&[Code::StripsTracestate]),
        _ => Untold(429),
    });
    let lost = (Code::StripsTracestate, Severity::Lost);
    assert_eq!(found(&lossy), [lost, (Code::SomeUnknown, Severity::Note)]);
    assert_eq!(exit_status(&[lossy]), 1);

    let whole = hop("outer", |_| Told(&[]));
    assert_eq!(found(&whole), [(Code::Passes, Severity::Well)]);
    assert_eq!(exit_status(&[whole]), 0);
}

#[test]
fn no_response_at_all() {
    let unreachable = hop("outer", |_| Failed(NoResponseKind::Unreachable));
    assert_eq!(
        found(&unreachable),
        [(Code::Unreachable, Severity::Unknown)]
    );
    let silent = hop("outer", |at| match at {
        0..3 => Failed(NoResponseKind::Unanswered),
        _ => Failed(NoResponseKind::Unsent),
    });
    assert_eq!(found(&silent), [(Code::NoResponse, Severity::Unknown)]);
    let silent = [silent];
    let told = &diagnose(&silent)[0];
    assert!(
        told.summary.contains("a reason") && told.mend.is_empty(),
        "{told:?}"
    );
    assert_eq!(exit_status(&silent), 2);
}

/// What each of two hops loses is its own, and neither is said to be well.
#[test]
fn two_that_lose_different_things() {
    let outer = hop("outer", |_| {
        Told(&[Code::StripsTracestate, Code::ChangesSampling])
    });
    let inner = hop("inner", |_| Told(&[Code::StripsTracestate]));
    let hops = [outer, inner];
    let told = diagnose(&hops);
    let of = |code: Code| told.iter().find(|told| told.finding.code == code).unwrap();
    let sampling = of(Code::ChangesSampling);
    assert_eq!(
        (&*sampling.hop, sampling.well_at.as_deref()),
        ("outer", Some("inner"))
    );
    let words = &sampling.suspect;
    assert!(
        words.ends_with("behind it, at 'inner', this does not show"),
        "{words}"
    );
    let tracestate = of(Code::StripsTracestate);
    assert_eq!(
        (&*tracestate.hop, tracestate.well_at.as_deref()),
        ("inner", None)
    );
}

#[test]
fn nobody_is_cleared_by_what_is_not_known() {
    let strips = |at: usize| {
        if at < 5 {
            Told(&[Code::StripsTracestate])
        } else {
            Told(&[])
        }
    };
    // Further in nothing is known of those that show it.
    let inner = hop("inner", |at| if at < 5 { Untold(401) } else { Told(&[]) });
    let hops = [hop("outer", strips), inner];
    let told = diagnose(&hops);
    assert_eq!((&*told[0].hop, told[0].well_at.as_deref()), ("outer", None));
    assert!(
        told[0].suspect.contains("not enough is known there"),
        "{told:?}"
    );
}

/// A list of 2,000 characters may be shortened: who does so is not who shortens one of
/// 512.
#[test]
fn a_note_is_no_guilt() {
    let at = |name: &str| PROBES.iter().position(|probe| probe.name == name).unwrap();
    let (short, long) = (at("tracestate-512"), at("tracestate-2000"));
    let shortens = |which: Vec<usize>| {
        move |at: usize| match which.contains(&at) {
            true => Told(&[Code::ShortensTracestate]),
            false => Told(&[]),
        }
    };
    let outer = hop("outer", shortens(vec![short, long]));
    let inner = hop("inner", shortens(vec![long]));
    assert_eq!(inner.findings[0].severity, Severity::Note);
    let hops = [outer, inner];
    let told = diagnose(&hops);
    assert_eq!(
        (&*told[0].hop, told[0].well_at.as_deref()),
        ("outer", Some("inner"))
    );
}
