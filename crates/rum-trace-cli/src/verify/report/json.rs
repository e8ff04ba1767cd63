//! The report as one JSON object: docs in the crate's README.

use http::Method;
use serde_json::{Value, json};

use crate::verify::answer::{Answer, Line};
use crate::verify::diagnosis::{Diagnosis, HopReport, Product, exit_status};
use crate::verify::judge::{Fate, Learned};
use crate::verify::judged::Judged;

pub(super) fn report(method: &Method, hops: &[HopReport], diagnoses: &[Diagnosis]) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "url": hops.first().map(|hop| hop.hop.shown()),
        "method": method.as_str(),
        "exit_status": exit_status(hops),
        "diagnosis": diagnoses.iter().map(diagnosis).collect::<Vec<_>>(),
        "hops": hops.iter().map(hop).collect::<Vec<_>>(),
    })
}

fn diagnosis(diagnosis: &Diagnosis) -> Value {
    json!({
        "code": diagnosis.finding.code.as_str(),
        "severity": diagnosis.finding.severity.as_str(),
        "summary": diagnosis.summary,
        "hop": diagnosis.hop,
        "well_at": diagnosis.well_at,
        "suspect": diagnosis.suspect,
        "mend": diagnosis.mend,
        "probes": diagnosis.finding.probes,
    })
}

fn hop(hop: &HopReport) -> Value {
    let product = |product: &Product| {
        json!({
            "name": product.family.as_str(),
            "by": product.evidence,
        })
    };
    json!({
        "name": hop.hop.name,
        "url": hop.hop.shown(),
        "products": hop.products.iter().map(product).collect::<Vec<_>>(),
        "codes": hop.findings.iter().map(|found| found.code.as_str()).collect::<Vec<_>>(),
        "probes": hop.judged.iter().map(probe).collect::<Vec<_>>(),
    })
}

fn probe(judged: &Judged) -> Value {
    let exchange = &judged.exchange;
    let response = exchange.response.as_ref();
    let line = |(name, value): &(&str, String)| json!([name, value]);
    let fates = judged.judgement.fates.iter();
    let codes = judged.judgement.codes.iter().map(|code| code.as_str());
    let fate = |(name, fate): &(&str, Fate)| {
        json!({
            "header": name,
            "fate": fate.as_str(),
            "text": fate.to_string(),
        })
    };
    json!({
        "name": exchange.probe.name,
        "title": exchange.probe.title,
        "status": response.ok().map(|response| response.status.as_u16()),
        "error": response.err().map(|problem| &problem.message),
        "trace_id": exchange.sent.span.map(|(trace, _)| trace.to_string()),
        "span_id": exchange.sent.span.map(|(_, span)| span.to_string()),
        "sent": exchange.sent.lines.iter().map(line).collect::<Vec<_>>(),
        "headers": fates.map(fate).collect::<Vec<_>>(),
        "codes": codes.collect::<Vec<_>>(),
        "learned": learned(&judged.learned),
        "problem": judged.problem,
    })
}

fn learned(learned: &Learned) -> Value {
    match learned {
        Learned::Nothing => Value::Null,
        Learned::Answer(answer) => by_answer(answer),
        Learned::Spans(found) => {
            let shown = found.entry();
            let from = match shown {
                Some(_) => "spans",
                None => found.timing.map_or("spans", |_| "server_timing"),
            };
            json!({
                "from": from,
                "in_phones_trace": found.here.entry.is_some(),
                "service": shown.map(|entry| &entry.service),
                "parent_span_id": shown.and_then(|entry| entry.parent).map(|id| id.to_string()),
                "parent_is_known": shown.map(|entry| entry.parent_is_known),
                "rum": shown.map(|entry| &entry.rum),
            })
        }
    }
}

fn by_answer(answer: &Answer) -> Value {
    let line = |line: &Line| {
        json!({
            "header": line.name(),
            "text": line.begin(),
            "bytes": line.len(),
            "whole": line.is_whole(),
        })
    };
    json!({
        "from": "answer",
        "service": answer.service,
        "http": answer.http,
        "class": answer.class,
        "carrier": answer.carrier,
        "findings": answer.findings,
        "parent_trace_id": answer.parent_trace_id,
        "parent_span_id": answer.parent_span_id,
        "trace_id": answer.trace_id,
        "span_id": answer.span_id,
        "sampled": answer.sampled,
        "recorded": answer.recorded,
        "skipped": answer.skipped,
        "rum": answer.rum,
        "arrived": answer.lines.iter().map(line).collect::<Vec<_>>(),
        "omitted": answer.omitted,
    })
}
