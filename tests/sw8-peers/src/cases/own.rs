//! A trace with ids of OpenTelemetry's, going on as `sw8`.

use rum_trace_core::Injection;
use serde::Deserialize;

use crate::sent::{context, meant};
use crate::{Meant, Sent};

/// The part of `vectors/sw8-ids.json` that is about writing.
#[derive(Deserialize)]
struct Vectors {
    inject: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    trace_id: String,
    span_id: String,
    segment: String,
}

pub(super) fn cases() -> Vec<Sent> {
    let vectors: Vectors = rum_trace_e2e::read_json("vectors/sw8-ids.json");
    assert!(!vectors.inject.is_empty());
    let both = |vector| [case(vector, false), case(vector, true)];
    vectors.inject.iter().flat_map(both).collect()
}

fn case(vector: &Vector, sampled: bool) -> Sent {
    let trace_id = u128::from_str_radix(&vector.trace_id, 16).expect("hex digits");
    let span_id = u64::from_str_radix(&vector.span_id, 16).expect("hex digits");
    let cx = context(trace_id, span_id, sampled);
    let meant = Meant {
        sampled,
        trace_id: vector.trace_id.clone(),
        segment_id: vector.segment.clone(),
        ..meant(&cx)
    };
    let case = format!(
        "own ids {}/{}, sampled {sampled}",
        vector.trace_id, vector.span_id
    );
    Sent::new(case, &cx, Injection::to_third_party(), meant)
}
