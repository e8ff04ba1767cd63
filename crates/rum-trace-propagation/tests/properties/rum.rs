//! RUM fields.

use std::borrow::Cow;

use super::config;
use super::generators::{lines, mixed, ows};
use super::oracle::rum as oracle;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rum_trace_propagation::RumFields;
use rum_trace_propagation::rum::{
    PlatformMember, RumField, RumFieldKey, RumMember, visit_ids, with_other_ids,
};

/// A field's text: usual ones, absent ones, and what apps may set.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9@._-]{1,8}",
        1 => Just(String::new()),
        1 => Just("undefined".to_owned()),
        1 => "[ -~&&[^,]]{0,6}",
        1 => "[a-z张é]{1,4}",
    ]
}

fn rum() -> impl Strategy<Value = String> {
    vec(text(), 0..7).prop_map(|fields| fields.join("&"))
}

fn platform() -> impl Strategy<Value = String> {
    let name = select(vec![
        "Android",
        "iOS",
        "HarmonyOS",
        "ANDROID",
        "undefined",
        "",
    ]);
    (name, vec(text(), 0..4)).prop_map(|(name, rest)| {
        let rest: String = rest.iter().map(|part| format!("/{part}_")).collect();
        format!("{name}{}", rest.strip_suffix('_').unwrap_or(&rest))
    })
}

fn tracestate() -> impl Strategy<Value = String> {
    let key = select(vec![
        "rum",
        "rum",
        "alibabacloud_rum",
        "foo",
        "Rum",
        "rum ",
        "",
    ]);
    let member = (ows(), key, prop_oneof![rum(), platform()], ows());
    let member = prop_oneof![
        9 => member.prop_map(|(a, key, value, b)| format!("{a}{key}={value}{b}")),
        1 => select(vec!["", "rum", "=", "no key!"]).prop_map(str::to_owned),
    ];
    vec(member, 0..5).prop_map(|members| members.join(","))
}

fn baggage() -> impl Strategy<Value = String> {
    let key = select(vec!["rum", "appType", "pid", "sid", "uid", "foo", "PID"]);
    let value = "[a-z0-9@_=%.-]{1,6}|undefined|(%[0-9A-F]{2}){1,3}|";
    let entry = (ows(), key, value, ows()).prop_map(|(a, k, v, b)| format!("{a}{k}={v}{b}"));
    vec(entry, 0..6).prop_map(|entries| entries.join(","))
}

fn slices(fields: &[Vec<u8>]) -> Vec<&[u8]> {
    fields.iter().map(Vec::as_slice).collect()
}

fn found(field: Option<RumField<'_>>) -> oracle::Found {
    let field = field?;
    let source = field.source().as_str();
    Some((field.into_value().into_owned(), source))
}

fn owned(read: RumFields<'_>) -> oracle::Fields {
    oracle::Fields {
        version: found(read.version),
        app_type: found(read.app_type),
        app_id: found(read.app_id),
        session_id: found(read.session_id),
        user_id: found(read.user_id),
        sdk_version: found(read.sdk_version),
        app_version: found(read.app_version),
        channel: found(read.channel),
    }
}

fn texts(fields: [Option<&str>; 5]) -> Vec<Option<String>> {
    fields.map(|field| field.map(str::to_owned)).to_vec()
}

fn rum_texts(member: &RumMember<'_>) -> Vec<Option<String>> {
    texts([
        member.version(),
        member.app_type(),
        member.app_id(),
        member.session_id(),
        member.user_id(),
    ])
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn read_as_the_oracle_reads(
        tracestate in lines(mixed(tracestate())),
        baggage in lines(mixed(baggage())),
    ) {
        let (tracestate, baggage) = (slices(&tracestate), slices(&baggage));
        let read = RumFields::read(tracestate.iter().copied(), baggage.iter().copied());
        let expected = oracle::read(&tracestate, &baggage);
        prop_assert_eq!(read.is_empty(), expected == oracle::Fields::default());
        prop_assert_eq!(owned(read), expected);
    }

    #[test]
    fn a_rum_member_is_split_as_the_oracle_splits(value in mixed(rum())) {
        let member = RumMember::read(&value);
        prop_assert_eq!(rum_texts(&member), oracle::rum_member(&value));
    }

    #[test]
    fn a_printed_rum_member_is_read_as_the_same(value in mixed(rum())) {
        let member = RumMember::read(&value);
        let printed = member.to_string();
        prop_assert_eq!(rum_texts(&RumMember::read(printed.as_bytes())), rum_texts(&member));
    }

    #[test]
    fn a_platform_member_is_split_as_the_oracle_splits(value in mixed(platform())) {
        let member = PlatformMember::read(&value);
        let parts = [
            member.platform(),
            member.sdk_version(),
            member.app_version(),
            member.channel(),
            None,
        ];
        prop_assert_eq!(&texts(parts)[..4], oracle::platform_member(&value));
    }

    #[test]
    fn every_id_that_is_read_is_one_of_those_visited(
        tracestate in lines(mixed(tracestate())),
        baggage in lines(mixed(baggage())),
    ) {
        let (tracestate, baggage) = (slices(&tracestate), slices(&baggage));
        let lines = || (tracestate.iter().copied(), baggage.iter().copied());
        let mut visited = Vec::new();
        visit_ids(lines().0, lines().1, |key, id| {
            visited.push((key, String::from_utf8_lossy(&id).into_owned()));
        });
        prop_assert!(visited.iter().all(|(_, id)| !id.is_empty() && id != "undefined"));
        let read = RumFields::read(lines().0, lines().1);
        let ids = [
            (RumFieldKey::SessionId, read.session_id),
            (RumFieldKey::UserId, read.user_id),
        ];
        for (key, id) in ids {
            let id = id.map(|id| (key, id.into_value().into_owned()));
            prop_assert!(id.is_none_or(|id| visited.contains(&id)));
        }
    }

    #[test]
    fn a_member_with_other_ids_has_these_and_is_otherwise_the_same(value in rum()) {
        let same = with_other_ids(&value, |_, id| Some(id.into()));
        prop_assert!(matches!(same, Cow::Borrowed(it) if it == value));
        let read = RumMember::read(value.as_bytes());
        for other in [None, Some("hidden")] {
            let changed = with_other_ids(&value, |_, _| other.map(Cow::Borrowed));
            let changed = RumMember::read(changed.as_bytes());
            let mut expected = rum_texts(&read);
            for id in expected.iter_mut().skip(3) {
                *id = id.take().and(other.map(str::to_owned));
            }
            prop_assert_eq!(rum_texts(&changed), expected);
        }
    }
}
