//! Each protocol's headers, explained by the library's own parsers.

use std::fmt::Display;

use rum_trace_propagation::b3::{B3Headers, Sampling};
use rum_trace_propagation::sw8::{Sw8Extension, correlation};
use rum_trace_propagation::{B3, RumFields, Sw8, TraceParent, TraceState, UberTraceId, baggage};

use super::explain::{self, Explanation, Fault, Pair, Rum, Sw8Content, Sw8XContent};

/// What a reader makes of a header's value: it fills in what it can, and says
/// what is wrong.
type Reader = fn(&[u8], &mut Explanation) -> Result<(), Fault>;

/// The headers that carry a trace, by their names in lower case.
const READERS: [(&str, Reader); 13] = [
    ("traceparent", traceparent),
    ("tracestate", tracestate),
    ("baggage", w3c_baggage),
    ("sw8", sw8),
    ("sw8-x", sw8_x),
    ("sw8-correlation", sw8_correlation),
    ("b3", b3_single),
    ("x-b3-traceid", b3_trace_id),
    ("x-b3-spanid", b3_span_id),
    ("x-b3-parentspanid", b3_parent_span_id),
    ("x-b3-sampled", b3_sampled),
    ("x-b3-flags", b3_flags),
    ("uber-trace-id", uber_trace_id),
];

/// Explains one header, given as `name: value`.
pub(crate) fn explain(raw: &[u8]) -> Explanation {
    let mut explanation = Explanation {
        raw: raw.to_vec(),
        ..Explanation::default()
    };
    explanation.error = read(raw, &mut explanation).err();
    explanation
}

fn read(raw: &[u8], explanation: &mut Explanation) -> Result<(), Fault> {
    let Some((name, value)) = explain::split(raw) else {
        return Err(Fault {
            message: "not a header: expected 'name: value', found no colon".into(),
            part: "line".into(),
            byte: raw.len(),
        });
    };
    let found = READERS
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    let Some((protocol, reader)) = found else {
        return Err(unknown_name());
    };
    explanation.protocol = Some(protocol);
    reader(value, explanation)
}

fn unknown_name() -> Fault {
    let known: Vec<&str> = READERS.iter().map(|(name, _)| *name).collect();
    Fault {
        message: format!("not a trace header; known are {}", known.join(", ")),
        part: "name".into(),
        byte: 0,
    }
}

fn traceparent(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = TraceParent::parse(value).map_err(|e| fault(&e, e.part(), e.at()))?;
    to.trace_id = Some(parsed.trace_id());
    to.parent_span_id = Some(parsed.parent_id());
    to.sampled = Some(parsed.flags().is_sampled());
    to.random = Some(parsed.flags().is_random());
    Ok(())
}

fn tracestate(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    // Also from a list that is illegal and is not carried on.
    to.rum = Rum::new(RumFields::read([value], []));
    let parsed = TraceState::parse(value).map_err(|e| fault(&e, e.part(), e.at()))?;
    let members = parsed.members().map(|(key, value)| Pair::new(key, value));
    to.members = Some(members.collect());
    Ok(())
}

fn w3c_baggage(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    to.rum = Rum::new(RumFields::read([], [value]));
    let mut pairs = Vec::new();
    let mut first_fault = None;
    for entry in baggage::entries(value) {
        match entry {
            Ok(entry) => pairs.push(Pair {
                properties: entry.properties().to_owned(),
                ..Pair::new(entry.key(), entry.value())
            }),
            Err(e) => first_fault = first_fault.or_else(|| Some(fault(&e, e.part(), e.at()))),
        }
    }
    to.entries = Some(pairs);
    first_fault.map_or(Ok(()), Err)
}

fn sw8(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = Sw8::parse(value).map_err(|e| fault(&e, e.part(), e.at()))?;
    to.trace_id = Some(parsed.otel_trace_id());
    to.parent_span_id = Some(parsed.otel_parent_id());
    to.sampled = Some(parsed.sampled());
    to.rum = parsed.app_id().map(Rum::of_sw8);
    to.sw8 = Some(Sw8Content {
        trace_id: parsed.trace_id().to_owned(),
        segment_id: parsed.segment_id().to_owned(),
        span_id: parsed.span_id(),
        service: parsed.service().to_owned(),
        instance: parsed.instance().to_owned(),
        endpoint: parsed.endpoint().to_owned(),
        peer: parsed.peer().to_owned(),
    });
    Ok(())
}

fn sw8_x(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = Sw8Extension::parse(value).map_err(|e| fault(&e, e.part(), e.at()))?;
    to.sw8_x = Some(Sw8XContent {
        skip_analysis: parsed.skip_analysis(),
        sent_at_millis: parsed.sent_at_millis(),
    });
    Ok(())
}

fn sw8_correlation(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let mut pairs = Vec::new();
    let mut first_fault = None;
    for pair in correlation::pairs(value) {
        match pair {
            Ok((key, value)) => pairs.push(Pair::new(key, value)),
            Err(e) => first_fault = first_fault.or_else(|| Some(fault(&e, e.part(), e.at()))),
        }
    }
    to.entries = Some(pairs);
    first_fault.map_or(Ok(()), Err)
}

fn b3_single(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = B3::parse_single(value).map_err(|e| fault(&e, e.part(), e.at()))?;
    if let Some((trace_id, parent_id)) = parsed.context() {
        to.trace_id = Some(trace_id);
        to.parent_span_id = Some(parent_id);
    }
    b3_sampling(parsed.sampling(), to);
    Ok(())
}

// Each of B3's headers is explained by itself. The parser wants both ids, so
// that the other one is filled in.
const OTHER_TRACE_ID: &[u8] = b"00000000000000000000000000000001";
const OTHER_SPAN_ID: &[u8] = b"0000000000000001";

fn b3_trace_id(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = b3_multi(B3Headers {
        trace_id: Some(value),
        span_id: Some(OTHER_SPAN_ID),
        ..B3Headers::default()
    })?;
    to.trace_id = parsed.context().map(|(trace_id, _)| trace_id);
    Ok(())
}

fn b3_span_id(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = b3_multi(B3Headers {
        trace_id: Some(OTHER_TRACE_ID),
        span_id: Some(value),
        ..B3Headers::default()
    })?;
    to.parent_span_id = parsed.context().map(|(_, span_id)| span_id);
    Ok(())
}

/// Nothing that a service needs, but a header of the family.
fn b3_parent_span_id(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    b3_span_id(value, to)?;
    to.grandparent_span_id = to.parent_span_id.take();
    Ok(())
}

fn b3_sampled(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = b3_multi(B3Headers {
        sampled: Some(value),
        ..B3Headers::default()
    })?;
    b3_sampling(parsed.sampling(), to);
    Ok(())
}

fn b3_flags(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = b3_multi(B3Headers {
        flags: Some(value),
        ..B3Headers::default()
    })?;
    b3_sampling(parsed.sampling(), to);
    Ok(())
}

fn b3_multi(headers: B3Headers<'_>) -> Result<B3, Fault> {
    B3::parse_multi(headers).map_err(|e| fault(&e, e.part(), e.at()))
}

fn b3_sampling(sampling: Sampling, to: &mut Explanation) {
    to.sampled = match sampling {
        Sampling::Accept | Sampling::Debug => Some(true),
        Sampling::Deny => Some(false),
        Sampling::Defer => None,
    };
    to.debug = Some(sampling == Sampling::Debug);
}

fn uber_trace_id(value: &[u8], to: &mut Explanation) -> Result<(), Fault> {
    let parsed = UberTraceId::parse(value).map_err(|e| fault(&e, e.part(), e.at()))?;
    to.trace_id = Some(parsed.trace_id());
    to.parent_span_id = Some(parsed.parent_id());
    // Debug asks for the trace to be recorded in any case.
    to.sampled = Some(parsed.sampled() || parsed.debug());
    to.debug = Some(parsed.debug());
    Ok(())
}

fn fault(error: &dyn Display, part: impl Display, at: usize) -> Fault {
    Fault {
        message: error.to_string(),
        part: part.to_string(),
        byte: at,
    }
}
