//! `traceparent`.

use super::config;
use super::generators::{assert_both, mixed, ows};
use super::oracle::traceparent as oracle;
use proptest::prelude::*;
use rum_trace_propagation::{SpanId, TraceFlags, TraceId, TraceParent};

fn valid() -> impl Strategy<Value = String> {
    let version = prop_oneof![4 => "00", 1 => "[0-9a-e][0-9a-f]"];
    let rest = prop_oneof![5 => Just(String::new()), 1 => "-[ -~]{0,20}"];
    (
        ows(),
        version,
        "[0-9a-f]{32}",
        "[0-9a-f]{16}",
        "0[0-3]|[0-9a-f]{2}",
        rest,
        ows(),
    )
        .prop_map(|(before, version, trace, parent, flags, rest, after)| {
            let rest = if version == "00" { "" } else { &rest };
            format!("{before}{version}-{trace}-{parent}-{flags}{rest}{after}")
        })
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    mixed(valid())
}

#[test]
fn both_outcomes_are_common() {
    assert_both(values(), |value| oracle::parse(value).is_some());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn read_as_the_oracle_reads(value in values()) {
        let read = TraceParent::parse(&value);
        match read {
            Ok(parent) => prop_assert_eq!(TraceParent::parse(&parent.encode()), Ok(parent)),
            Err(error) => prop_assert!(error.at() <= value.len()),
        }
        let fields = read.map(|parent| oracle::Parent {
            trace_id: parent.trace_id().to_string(),
            parent_id: parent.parent_id().to_string(),
            flags: parent.flags().bits(),
        });
        prop_assert_eq!(fields.ok(), oracle::parse(&value));
    }

    #[test]
    fn printed_and_read_again(trace: [u8; 16], parent: [u8; 8], flags: u8) {
        let (trace, parent) = (TraceId::from_bytes(trace), SpanId::from_bytes(parent));
        prop_assume!(trace.is_some() && parent.is_some());
        let flags = TraceFlags::from_bits(flags);
        let value = TraceParent::new(trace.unwrap(), parent.unwrap(), flags);
        prop_assert_eq!(TraceParent::parse(&value.encode()), Ok(value));
        prop_assert_eq!(value.to_string().into_bytes(), value.encode());
        prop_assert_eq!(value.to_string().parse::<TraceParent>(), Ok(value));
    }

    #[test]
    fn ids_are_hex_both_ways(bytes: [u8; 16]) {
        if let Some(id) = TraceId::from_bytes(bytes) {
            prop_assert_eq!(id.to_bytes(), bytes);
            prop_assert_eq!(TraceId::from_hex(&id.encode_hex()), Some(id));
            prop_assert_eq!(id.to_string().into_bytes(), id.encode_hex());
            prop_assert_eq!(format!("{id:?}"), id.to_string());
            prop_assert_eq!(TraceId::from_hex(id.to_string().to_uppercase().as_bytes()).is_some(),
                id.to_string().chars().all(|c| c.is_ascii_digit()));
        }
        let half: [u8; 8] = bytes[..8].try_into().unwrap();
        if let Some(id) = SpanId::from_bytes(half) {
            prop_assert_eq!(id.to_bytes(), half);
            prop_assert_eq!(SpanId::from_hex(&id.encode_hex()), Some(id));
            prop_assert_eq!(id.to_string().into_bytes(), id.encode_hex());
            prop_assert_eq!(SpanId::from_hex(&id.encode_hex()[1..]), None);
        }
    }

    #[test]
    fn flags_keep_their_two_bits(bits: u8, sampled: bool, random: bool) {
        let flags = TraceFlags::from_bits(bits);
        prop_assert_eq!(flags.bits(), bits & 3);
        let set = flags.with_sampled(sampled).with_random(random);
        prop_assert_eq!((set.is_sampled(), set.is_random()), (sampled, random));
        prop_assert_eq!(flags.with_sampled(sampled).is_random(), bits & 2 != 0);
        prop_assert_eq!(flags.with_random(random).is_sampled(), bits & 1 != 0);
    }
}

#[test]
fn zero_is_no_id() {
    assert_eq!(TraceId::from_bytes([0; 16]), None);
    assert_eq!(SpanId::from_bytes([0; 8]), None);
    assert_eq!(TraceId::from_hex(&[b'0'; 32]), None);
    assert_eq!(SpanId::from_hex(&[b'0'; 16]), None);
}
