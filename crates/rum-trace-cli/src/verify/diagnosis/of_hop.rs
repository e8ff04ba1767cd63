//! What all requests to one address say together.

use std::collections::BTreeMap;

use http::StatusCode;

use super::{Code, Finding, Severity};
use crate::verify::client::NoResponseKind;
use crate::verify::judged::Judged;
use crate::verify::play::Exchange;
use crate::verify::probe::{Kind, is_carrier};

/// What is known beside the requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// A token was sent.
    pub(crate) asked_by_token: bool,
    /// Gateways export spans of their own.
    pub(crate) tracing_gateway: bool,
}

/// What is found at one address, the worst first.
pub(crate) fn diagnose_hop(judged: &[Judged], setting: Setting) -> Vec<Finding> {
    let is_unreachable = |judged: &Judged| judged.exchange.is(NoResponseKind::Unreachable);
    if judged.iter().all(is_unreachable) {
        return vec![finding(Code::Unreachable, judged)];
    }
    if judged
        .iter()
        .all(|judged| judged.exchange.response.is_err())
    {
        return vec![finding(Code::NoResponse, judged)];
    }
    if !judged.iter().any(|judged| judged.judgement.is_known) {
        return vec![finding(Code::CannotTell, judged)];
    }
    let mut codes = by_code(judged);
    merge_what_all_show(&mut codes, judged);
    name_what_is_lost(&mut codes, judged);
    name_lists_that_are_lost(&mut codes, judged);
    add_what_is_unknown(&mut codes, judged, setting);
    weigh(codes, judged, setting)
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
        Code::StripsB3,
        Code::StripsJaeger,
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
/// one carrier alone did not, and others did, that is the header that is lost.
fn name_what_is_lost(codes: &mut Codes, judged: &[Judged]) {
    let Some(lost) = codes.get(&Code::LosesTraces).cloned() else {
        return;
    };
    let mut named: Vec<(Code, Vec<&'static str>)> = Vec::new();
    for code in [
        Code::StripsTraceparent,
        Code::StripsSw8,
        Code::StripsB3,
        Code::StripsJaeger,
    ] {
        let alone = carrying(judged).filter(|judged| carrier_alone(judged) == Some(code));
        let (gone, came): (Vec<_>, Vec<_>) = alone
            .map(Judged::name)
            .partition(|name| lost.contains(name));
        if !gone.is_empty() && came.is_empty() {
            named.push((code, gone));
        }
    }
    let count: usize = named.iter().map(|(_, probes)| probes.len()).sum();
    if count == lost.len() && lost.len() < carrying(judged).count() {
        codes.remove(&Code::LosesTraces);
        codes.extend(named);
    }
}

/// How it is called that the only header is lost by which a request's trace goes on.
fn carrier_alone(judged: &Judged) -> Option<Code> {
    let names = judged.exchange.sent.names().into_iter();
    let mut codes = names
        .filter(|name| is_carrier(name))
        .map(|name| match name {
            "traceparent" => Code::StripsTraceparent,
            "sw8" => Code::StripsSw8,
            "uber-trace-id" => Code::StripsJaeger,
            _ => Code::StripsB3,
        });
    let first = codes.next()?;
    codes.all(|code| code == first).then_some(first)
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

fn add_what_is_unknown(codes: &mut Codes, judged: &[Judged], setting: Setting) {
    let by_answers = judged.iter().any(Judged::is_answered);
    let unknown = judged.iter().filter(|judged| !judged.judgement.is_known);
    for judged in unknown.filter(|judged| is_owed(judged, by_answers)) {
        let code = match is_refused_for_its_length(judged) {
            true => Code::RefusesLongHeaders,
            false => Code::SomeUnknown,
        };
        codes.entry(code).or_default().push(judged.name());
    }
    if setting.asked_by_token && !by_answers {
        let names = judged.iter().map(Judged::name).collect();
        codes.insert(Code::NoAnswer, names);
    }
}

/// Whether something should be known of it. By spans that is not so of what is not
/// sampled, and only an answer tells of what sends nothing.
fn is_owed(judged: &Judged, by_answers: bool) -> bool {
    let Exchange {
        probe,
        sent,
        response,
    } = &judged.exchange;
    by_answers || sent.sampled || probe.is_sent() && response.is_err()
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
fn weigh(mut codes: Codes, judged: &[Judged], setting: Setting) -> Vec<Finding> {
    if codes.contains_key(&Code::RewritesTrace) {
        // The one is how the other comes about.
        codes.remove(&Code::BeginsTraces);
    }
    let mut findings: Vec<Finding> = codes
        .into_iter()
        .map(|(code, probes)| Finding {
            code,
            severity: severity(code, &probes, judged, setting),
            probes,
        })
        .collect();
    let has = |findings: &[Finding], severity| {
        let mut all = findings.iter();
        all.any(|finding| finding.severity == severity)
    };
    if has(&findings, Severity::Lost) {
        // What is lost is known all the same.
        let unknown = findings.iter_mut();
        let unknown = unknown.filter(|finding| finding.severity == Severity::Unknown);
        unknown.for_each(|finding| finding.severity = Severity::Note);
    } else if !has(&findings, Severity::Unknown) {
        findings.push(Finding {
            code: Code::Passes,
            severity: Severity::Well,
            probes: carrying(judged).map(Judged::name).collect(),
        });
    }
    findings.sort_by_key(|finding| (finding.severity, finding.code));
    findings
}

fn severity(code: Code, probes: &[&str], judged: &[Judged], setting: Setting) -> Severity {
    let is_long = |name: &&str| {
        let mut judged = judged.iter().map(|judged| judged.exchange.probe);
        judged.any(|probe| probe.name == *name && probe.kind == Kind::ListLong)
    };
    match code {
        Code::RewritesSpan if setting.tracing_gateway => Severity::Note,
        // By W3C's rules a list over 512 characters may be shortened.
        Code::ShortensTracestate | Code::RefusesLongHeaders if probes.iter().all(is_long) => {
            Severity::Note
        }
        code => code.severity(),
    }
}
