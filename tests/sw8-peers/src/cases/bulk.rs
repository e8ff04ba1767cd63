//! Ids, names and baggage at random, the same on every run.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry::baggage::BaggageExt;
use rum_trace_e2e::rng::Rng;

use super::names::injection;
use crate::sent::{context, meant};
use crate::{Meant, Sent, Text};

/// How many there are.
const HEADERS: usize = 5_000;

pub(super) fn cases() -> Vec<Sent> {
    let mut rng = Rng::seeded("sw8 by the decoders of other agents");
    (0..HEADERS).map(|n| case(n, &mut rng)).collect()
}

fn case(n: usize, rng: &mut Rng) -> Sent {
    let bytes = [(); 16].map(|()| rng.byte());
    let span_id = u64::from_be_bytes([(); 8].map(|()| rng.byte()));
    let sampled = rng.below(2) == 1;
    // Neither may be zero.
    let span = context(u128::from_be_bytes(bytes) | 1, span_id | 1, sampled);
    let names = [(); 4].map(|()| text(rng, 1, 40));
    let [service, instance, endpoint, peer] = names.each_ref().map(Text::whole);
    let correlation: BTreeMap<String, String> = (0..rng.below(4))
        .map(|key| (format!("key{key}"), text(rng, 0, 32)))
        .collect();
    let entries = correlation.clone().into_iter();
    let cx = span.with_baggage(entries.map(|(key, value)| KeyValue::new(key, value)));
    let meant = Meant {
        service,
        instance,
        endpoint,
        peer,
        correlation,
        ..meant(&cx)
    };
    let injection = injection(names.each_ref().map(String::as_str));
    Sent::new(format!("random {n}"), &cx, injection, meant)
}

/// From `least` to `most` characters: half of them ASCII, the others of any
/// length in UTF-8.
fn text(rng: &mut Rng, least: usize, most: usize) -> String {
    let length = least + rng.below(most - least + 1);
    (0..length).map(|_| character(rng)).collect()
}

fn character(rng: &mut Rng) -> char {
    let end = rng.one_of(&[0x80, 0x80, 0x80, 0x800, 0xd800, 0x11_0000]);
    let number = u32::try_from(rng.below(end)).expect("below the end of Unicode");
    // Surrogates are no characters.
    char::from_u32(number).unwrap_or('\u{fffd}')
}
