//! Baggage, going on as `sw8-correlation`.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry::baggage::BaggageExt;
use rum_trace_core::Injection;

use crate::sent::{context, meant};
use crate::{Meant, Sent};

type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// The baggage of a request, and the pairs that must go on: at most three, in
/// the order of their keys, with values of at most 128 bytes.
struct Case<'a> {
    what: &'a str,
    baggage: Pairs<'a>,
    pairs: Pairs<'a>,
}

pub(super) fn cases() -> Vec<Sent> {
    let [just, over] = [128, 129].map(|bytes| "v".repeat(bytes));
    // Three bytes a character.
    let [wide, too_wide] = [42, 43].map(|characters| "\u{8ba2}".repeat(characters));
    let long_key = "k".repeat(1_000);
    let keys: Vec<String> = (0..60).map(|n| format!("key{n:02}")).collect();
    let many: Pairs<'_> = keys.iter().map(|key| (&**key, "v")).collect();
    let some = |count| many.iter().take(count).copied().collect::<Pairs<'_>>();
    let same = |what, pairs: Pairs<'static>| Case {
        what,
        baggage: pairs.clone(),
        pairs,
    };
    let table = [
        same("none", vec![]),
        same("one", vec![("session", "4f04d2f5")]),
        same("two", vec![("tenant", "a"), ("session", "b")]),
        same("three", vec![("a", "1"), ("b", "2"), ("c", "3")]),
        same("an empty value", vec![("a", ""), ("b", "2"), ("c", "")]),
        same(
            "Unicode",
            vec![("name", "caf\u{e9} \u{8ba2}\u{5355} \u{1f6d2}")],
        ),
        same(
            "separators in values",
            vec![("a", "x,y:z"), ("b", "=;-"), ("c", " c ")],
        ),
        same(
            "what tokens may have",
            vec![("x-tenant.id_1", "a"), ("!#$%&'*+^`|~", "b")],
        ),
        same("control characters", vec![("a", "two\r\nlines\0")]),
        Case {
            what: "four",
            baggage: some(4),
            pairs: some(3),
        },
        Case {
            what: "sixty",
            baggage: some(60),
            pairs: some(3),
        },
        Case {
            what: "values at the limit and over it",
            baggage: vec![
                ("a", &over),
                ("b", &just),
                ("c", &too_wide),
                ("d", &wide),
                ("e", "5"),
            ],
            pairs: vec![("b", &just), ("d", &wide), ("e", "5")],
        },
        Case {
            what: "a value that is too long",
            baggage: vec![("a", &over)],
            pairs: vec![],
        },
        Case {
            what: "a long key",
            baggage: vec![(&long_key, "v")],
            pairs: vec![(&long_key, "v")],
        },
    ];
    let own = table
        .iter()
        .map(|case| sent(case, Injection::to_own_service()));
    let stranger = Case {
        what: "to a third party",
        baggage: vec![("session", "4f04d2f5")],
        pairs: vec![],
    };
    own.chain([sent(&stranger, Injection::to_third_party())])
        .collect()
}

fn sent(case: &Case<'_>, injection: Injection<'_>) -> Sent {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let pairs: BTreeMap<String, String> = case.pairs.iter().map(owned).collect();
    let entries = case.baggage.iter().map(owned);
    let entries = entries.map(|(key, value)| KeyValue::new(key, value));
    let span = context(0xa3ce_929d_0e0e_4736, 0xb7, true);
    let cx = span.with_baggage(entries);
    let meant = Meant {
        correlation: pairs,
        ..meant(&cx)
    };
    Sent::new(format!("baggage: {}", case.what), &cx, injection, meant)
}
