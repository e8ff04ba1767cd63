//! SkyWalking ids as OpenTelemetry ids, and back.

use super::config;
use super::oracle::sw8_ids as oracle;
use proptest::prelude::*;
use proptest::sample::select;
use rum_trace_propagation::sw8::{otel_span_id, otel_trace_id, segment_id};
use rum_trace_propagation::{SpanId, TraceId};

/// Decimal numbers that Go's parser takes or refuses.
fn integer() -> impl Strategy<Value = String> {
    let edges = [
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "+1",
        "-0",
        "+",
        "-",
        "",
        "1_0",
        "00000000000000000000000000001",
        "4294967296",
    ];
    prop_oneof![
        4 => "[+-]?[0-9]{1,19}",
        1 => "[0-9]{17}",
        1 => select(edges.to_vec()).prop_map(str::to_owned),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<u128>().prop_map(|n| n.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        "[0-9]{38,40}",
        "0{0,39}[0-9]",
        Just("340282366920938463463374607431768211455".to_owned()),
        Just("340282366920938463463374607431768211456".to_owned()),
    ]
}

/// Ids of every writer, and those that are nearly one.
fn ids() -> impl Strategy<Value = String> {
    let head = "[0-9a-fA-F]{32}|[0-9a-f]{31}g|[0-9a-f]{9}[g-z.-][0-9a-f]{22}|0{32}|(0{16}){2}";
    prop_oneof![
        4 => (head, integer(), integer()).prop_map(|(h, a, b)| format!("{h}.{a}.{b}")),
        1 => (head, integer(), integer()).prop_map(|(h, a, b)| format!("{h}.{a}.1.{b}")),
        1 => (head, integer()).prop_map(|(h, a)| format!("{h}.{a}")),
        2 => head,
        2 => "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        1 => "[0-9a-f-]{36}|[0-9a-f.]{34,40}",
        2 => "[0-9a-fA-F]{16}|[0-9]{16}|0{16}|[0-9a-f]{15}g",
        1 => "[0-9]{32}|([0-9]{16}){1,2}",
        2 => number(),
        1 => "\\PC{0,50}",
        // The two halves alike, so that folding gives zero.
        1 => "[0-9a-f]{16}".prop_map(|half| half.repeat(2)),
    ]
}

fn indices() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(0), 3 => 0..200_u32, 1 => any::<u32>()]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn trace_ids_as_the_oracle_maps(id in ids()) {
        prop_assert_eq!(otel_trace_id(&id).to_bytes(), oracle::trace_id(id.as_bytes()));
    }

    #[test]
    fn span_ids_as_the_oracle_maps(id in ids(), index in indices()) {
        let expected = oracle::span_id(id.as_bytes(), index);
        prop_assert_eq!(otel_span_id(&id, index).to_bytes(), expected);
    }

    #[test]
    fn an_index_that_cancels_a_short_id_gives_no_zero(index in 1..u32::MAX) {
        let id: String = index.to_le_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let id = id + "00000000";
        prop_assert_eq!(otel_span_id(&id, index).to_bytes(), oracle::span_id(id.as_bytes(), index));
    }

    #[test]
    fn every_span_is_found_again_behind_a_skywalking_agent(trace: [u8; 16], span: [u8; 8]) {
        let (trace_id, span_id) = (TraceId::from_bytes(trace), SpanId::from_bytes(span));
        prop_assume!(trace_id.is_some() && span_id.is_some());
        let segment = segment_id(trace_id.unwrap(), span_id.unwrap());
        let segment = std::str::from_utf8(&segment).unwrap();
        prop_assert_eq!(segment, oracle::segment_id(trace, span));
        prop_assert_eq!(otel_span_id(segment, 0), span_id.unwrap());
        prop_assert_eq!(otel_trace_id(&trace_id.unwrap().to_string()), trace_id.unwrap());
    }
}

#[test]
fn spans_of_sparse_ids_are_found_again() {
    // Where random bytes hardly go: few bits, in ids and in the first half.
    let bit = |at: u32| 1_u128 << at;
    for high in (0..128).step_by(3) {
        for low in 0..64 {
            let trace_id = TraceId::from_bytes(bit(high).to_be_bytes()).unwrap();
            let span_id = SpanId::from_bytes((1_u64 << low).to_be_bytes()).unwrap();
            let segment = segment_id(trace_id, span_id);
            let segment = std::str::from_utf8(&segment).unwrap();
            assert_eq!(otel_span_id(segment, 0), span_id, "{segment}");
        }
    }
}
