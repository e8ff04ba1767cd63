//! What all requests to one address say together.

use std::collections::BTreeMap;

use http::StatusCode;

use super::{Code, Finding, Severity};
use crate::verify::play::Judged;
use crate::verify::probe::Kind;

/// What is known beside the requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// A token was sent.
    pub(crate) asked_by_token: bool,
    /// Gateways export spans of their own.
    pub(crate) tracing_gateway: bool,
}

/// What is found at one address, the worst first.
pub(crate) fn diagnose_hop(judged: &[Judged], known: Known) -> Vec<Finding> {
    let unreachable = |judged: &&Judged| {
        let response = judged.exchange.response.as_ref();
        response.is_err_and(|problem| problem.unreachable)
    };
    if judged.is_empty() || judged.iter().all(|judged| unreachable(&judged)) {
        return vec![finding(Code::Unreachable, judged)];
    }
    if !judged.iter().any(|judged| judged.judgement.is_known) {
        return vec![finding(Code::CannotTell, judged)];
    }
    let mut codes = by_code(judged);
    merge_what_all_show(&mut codes, judged);
    name_what_is_lost(&mut codes, judged);
    name_lists_that_are_lost(&mut codes, judged);
    add_what_is_unknown(&mut codes, judged, known);
    weigh(codes, judged, known)
}

type Codes = BTreeMap<Code, Vec<&'static str>>;

fn finding(code: Code, judged: &[Judged]) -> Finding {
    Finding {
        code,
        severity: code.severity(),
        probes: judged.iter().map(Judged::name).collect(),
    }
}

fn by_code(judged: &[Judged]) -> Codes {
    let mut codes = Codes::new();
    for judged in judged {
        for code in &judged.judgement.codes {
            codes.entry(*code).or_default().push(judged.name());
        }
    }
    codes
}

/// Nothing of any of them arrived, or it is a matter of single headers.
fn merge_what_all_show(codes: &mut Codes, judged: &[Judged]) {
    let Some(bare) = codes.remove(&Code::StripsEverything) else {
        return;
    };
    if bare.len() < carrying(judged).count() {
        return;
    }
    for code in [
        Code::StripsTraceparent,
        Code::StripsTracestate,
        Code::StripsSw8,
        Code::StripsBaggage,
    ] {
        codes.remove(&code);
    }
    codes.insert(Code::StripsEverything, bare);
}

/// Those of which something is known, and that sent anything.
fn carrying(judged: &[Judged]) -> impl Iterator<Item = &Judged> {
    let known = judged.iter().filter(|judged| judged.judgement.is_known);
    known.filter(|judged| judged.exchange.probe.is_sent())
}

/// By spans it is only known that a trace did not come to the service; where those of
/// one carrier alone did not, that is the header that is lost.
fn name_what_is_lost(codes: &mut Codes, judged: &[Judged]) {
    let Some(lost) = codes.get(&Code::LosesTraces) else {
        return;
    };
    let has = |header: &str| -> Vec<&'static str> {
        let found = carrying(judged).filter(|judged| judged.exchange.sent.has(header));
        found.map(Judged::name).collect()
    };
    let (w3c, sw8) = (has("traceparent"), has("sw8"));
    let sw8_alone: Vec<&str> = sw8
        .iter()
        .copied()
        .filter(|name| !w3c.contains(name))
        .collect();
    let w3c_alone: Vec<&str> = w3c
        .iter()
        .copied()
        .filter(|name| !sw8.contains(name))
        .collect();
    let code = if *lost == sw8_alone && !w3c_alone.is_empty() {
        Code::StripsSw8
    } else if *lost == w3c_alone && !sw8_alone.is_empty() {
        Code::StripsTraceparent
    } else {
        return;
    };
    if let Some(probes) = codes.remove(&Code::LosesTraces) {
        codes.insert(code, probes);
    }
}

/// A `tracestate` that is lost only where it is in several lines, or long: it is that
/// which somebody on the way makes away with.
fn name_lists_that_are_lost(codes: &mut Codes, judged: &[Judged]) {
    let Some(lost) = codes.get(&Code::StripsTracestate).cloned() else {
        return;
    };
    let usual = |judged: &&Judged| {
        let kind = judged.exchange.probe.kind;
        let is_usual = matches!(kind, Kind::App | Kind::Both);
        is_usual && judged.exchange.sent.has("tracestate")
    };
    let mut usual = carrying(judged).filter(usual).map(Judged::name).peekable();
    if usual.peek().is_none() || usual.any(|name| lost.contains(&name)) {
        return;
    }
    codes.remove(&Code::StripsTracestate);
    let of_lists = carrying(judged).filter(|judged| lost.contains(&judged.name()));
    for judged in of_lists {
        let code = match judged.exchange.probe.kind {
            Kind::Lines => Code::DropsTracestateLines,
            _ => Code::ShortensTracestate,
        };
        codes.entry(code).or_default().push(judged.name());
    }
}

fn add_what_is_unknown(codes: &mut Codes, judged: &[Judged], known: Known) {
    // What sends nothing can only be told by an answer.
    let unknown = judged.iter().filter(|judged| !judged.judgement.is_known);
    let unknown = unknown.filter(|judged| judged.exchange.probe.is_sent());
    for judged in unknown {
        let code = if is_refused_for_its_length(judged) {
            Code::RefusesLongHeaders
        } else if judged.exchange.sent.sampled {
            Code::SomeUnknown
        } else {
            // Of an unsampled request nobody has spans: as it should be.
            continue;
        };
        codes.entry(code).or_default().push(judged.name());
    }
    let is_answered = |judged: &&Judged| judged.is_answered();
    if known.asked_by_token && !judged.iter().any(|judged| is_answered(&judged)) {
        let names = judged.iter().map(Judged::name).collect();
        codes.insert(Code::NoAnswer, names);
    }
}

fn is_refused_for_its_length(judged: &Judged) -> bool {
    let is_long = matches!(judged.exchange.probe.kind, Kind::List512 | Kind::ListLong);
    let response = judged.exchange.response.as_ref();
    is_long
        && response.is_ok_and(|response| {
            matches!(
                response.status,
                StatusCode::BAD_REQUEST
                    | StatusCode::PAYLOAD_TOO_LARGE
                    | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            ) || response.status.as_u16() == 494
        })
}

/// What is no loss after all, and what explains what.
fn weigh(mut codes: Codes, judged: &[Judged], known: Known) -> Vec<Finding> {
    if codes.contains_key(&Code::RewritesTrace) {
        // The one is how the other comes about.
        codes.remove(&Code::BeginsTraces);
    }
    let mut findings: Vec<Finding> = codes
        .into_iter()
        .map(|(code, probes)| Finding {
            code,
            severity: severity(code, &probes, judged, known),
            probes,
        })
        .collect();
    if !findings
        .iter()
        .any(|finding| finding.severity == Severity::Lost)
    {
        findings.push(Finding {
            code: Code::Passes,
            severity: Severity::Well,
            probes: carrying(judged).map(Judged::name).collect(),
        });
    }
    findings.sort_by_key(|finding| (finding.severity, finding.code));
    findings
}

fn severity(code: Code, probes: &[&str], judged: &[Judged], known: Known) -> Severity {
    let is_long = |name: &&str| {
        let mut judged = judged.iter().map(|judged| judged.exchange.probe);
        judged.any(|probe| probe.name == *name && probe.kind == Kind::ListLong)
    };
    match code {
        Code::RewritesSpan if known.tracing_gateway => Severity::Note,
        // By W3C's rules a list over 512 characters may be shortened.
        Code::ShortensTracestate | Code::RefusesLongHeaders if probes.iter().all(is_long) => {
            Severity::Note
        }
        code => code.severity(),
    }
}
