//! `sw8` and `sw8-x`.

use super::config;
use super::generators::{assert_both, mixed, ows};
use super::oracle::{base64, sw8 as oracle, sw8_extension};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rum_trace_propagation::Sw8;
use rum_trace_propagation::sw8::{Sw8Extension, Sw8Parts};

/// Texts as agents write them, and any.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9a-f]{32}\\.[0-9]{1,3}\\.[0-9]{17}",
        "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "[0-9a-f]{32}",
        "[0-9a-f]{16}",
        "-?[0-9]{1,19}",
        "\\PC{1,6}",
    ]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-z0-9@./:-]{0,12}".prop_map(String::into_bytes),
        1 => "[a-z0-9]{0,4}@[0-9a-g]{0,4}".prop_map(String::into_bytes),
        1 => "\\PC{0,6}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..6),
    ]
}

fn span_id() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..1000_u32).prop_map(|id| id.to_string()),
        1 => (0..=u32::MAX).prop_map(|id| id.to_string()),
        1 => select(vec!["2147483647", "2147483648", "007", "", "x", "99999999999"]).prop_map(str::to_owned),
    ]
}

/// A part in base64, with some of its padding and white space round it.
fn part(text: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = String> {
    (text, 0..8_usize, ows()).prop_map(|(text, lost, space)| {
        let mut coded = base64::encode(&text);
        for _ in 5..lost {
            coded = coded.strip_suffix('=').map_or(coded.clone(), str::to_owned);
        }
        format!("{space}{coded}{space}")
    })
}

fn valid() -> impl Strategy<Value = String> {
    let id = || part(id().prop_map(String::into_bytes));
    let name = || part(name());
    let more = select(vec!["", "", "", "", "-", "-more"]);
    (
        select(vec!["0", "1", "1", "1 "]),
        id(),
        id(),
        span_id(),
        name(),
        name(),
        name(),
        name(),
        more,
    )
        .prop_map(|(sample, trace, segment, span, a, b, c, d, more)| {
            format!("{sample}-{trace}-{segment}-{span}-{a}-{b}-{c}-{d}{more}")
        })
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    mixed(valid())
}

fn owned(header: &Sw8) -> oracle::Header {
    let parts = header.parts();
    oracle::Header {
        sampled: parts.sampled,
        trace_id: parts.trace_id.to_owned(),
        segment_id: parts.segment_id.to_owned(),
        span_id: parts.span_id,
        service: parts.service.to_owned(),
        instance: parts.instance.to_owned(),
        endpoint: parts.endpoint.to_owned(),
        peer: parts.peer.to_owned(),
    }
}

fn parts(header: &oracle::Header) -> Sw8Parts<'_> {
    Sw8Parts {
        sampled: header.sampled,
        trace_id: &header.trace_id,
        segment_id: &header.segment_id,
        span_id: header.span_id,
        service: &header.service,
        instance: &header.instance,
        endpoint: &header.endpoint,
        peer: &header.peer,
    }
}

/// Fields to write, with names up to a few KiB.
fn headers() -> impl Strategy<Value = oracle::Header> {
    let long = || {
        prop_oneof![
            5 => "[a-z/.]{1,20}",
            1 => "\\PC{0,10}",
            1 => "[a-z/]{0,900}(\\?[a-z=&?]{0,900})?",
            1 => "[é商]{200,900}",
        ]
    };
    (
        any::<bool>(),
        id(),
        id(),
        any::<u32>(),
        long(),
        long(),
        long(),
        long(),
    )
        .prop_map(
            |(sampled, trace_id, segment_id, span_id, service, instance, endpoint, peer)| {
                oracle::Header {
                    sampled,
                    trace_id,
                    segment_id,
                    span_id,
                    service,
                    instance,
                    endpoint,
                    peer,
                }
            },
        )
}

/// The fields with the placeholders that are never left empty on the wire.
fn written(header: &oracle::Header) -> oracle::Header {
    let or = |text: &String, other: &str| {
        if text.is_empty() {
            other.to_owned()
        } else {
            text.clone()
        }
    };
    oracle::Header {
        span_id: if i32::try_from(header.span_id).is_ok() {
            header.span_id
        } else {
            0
        },
        service: or(&header.service, "unknown"),
        instance: or(&header.instance, "unknown"),
        endpoint: or(&header.endpoint, "/"),
        peer: or(&header.peer, "0.0.0.0"),
        ..header.clone()
    }
}

#[test]
fn both_outcomes_are_common() {
    assert_both(values(), |value| oracle::parse(value).is_some());
    assert_both(headers(), |header| {
        oracle::print(&written(header)).len() < 2048
    });
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn read_as_the_oracle_reads(value in values()) {
        let read = Sw8::parse(&value);
        if let Err(error) = &read {
            prop_assert!(error.at() <= value.len());
        }
        prop_assert_eq!(read.as_ref().ok().map(owned), oracle::parse(&value));
    }

    #[test]
    fn what_was_read_is_printed_and_read_again(value in values()) {
        if let Ok(header) = Sw8::parse(&value) {
            let again = Sw8::parse(header.parts().encode().as_bytes());
            prop_assert_eq!(again.as_ref().map(owned), Ok(written(&owned(&header))));
        }
    }

    #[test]
    fn a_service_is_an_app_id_by_the_oracle(service in "[a-c0-9]{0,3}@{0,2}[a-g0-9A]{0,3}") {
        let header = oracle::Header { service: service.clone(), ..sample() };
        let read = Sw8::parse(oracle::print(&header).as_bytes()).unwrap();
        let expected = oracle::is_app_id(&service).then_some(service.as_str());
        prop_assert_eq!(read.app_id(), expected);
    }

    #[test]
    fn what_fits_is_written_whole(header in headers()) {
        let whole = written(&header);
        let text = oracle::print(&whole);
        if text.len() < 2048 {
            prop_assert_eq!(parts(&header).encode(), text);
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_in_order(header in headers()) {
        let text = parts(&header).encode();
        prop_assert!(text.len() < 2048, "{} bytes", text.len());
        let read = owned(&Sw8::parse(text.as_bytes()).unwrap());
        prop_assert_eq!(&oracle::print(&read), &text, "printed by the letter");
        let whole = written(&header);
        let [query, base] = query_and_base(&whole.endpoint);
        // In the order in which they are cut: what it was, what it is now.
        let names = [
            (base, read.endpoint.strip_suffix(query).unwrap_or(&read.endpoint)),
            (&whole.peer, &read.peer),
            (&whole.instance, &read.instance),
            (&whole.service, &read.service),
        ];
        let cut = names.iter().rposition(|(was, is)| was != is);
        for (at, (was, is)) in names.iter().enumerate() {
            prop_assert!(is_cut_of(is, was), "{is:?} of {was:?}");
            // All before the last one that was cut are at their shortest.
            prop_assert!(cut.is_none_or(|cut| at >= cut || is.chars().count() <= 7), "{is:?}");
        }
        let kept = oracle::Header {
            service: read.service.clone(),
            instance: read.instance.clone(),
            endpoint: read.endpoint.clone(),
            peer: read.peer.clone(),
            ..whole
        };
        prop_assert_eq!(read, kept, "ids, span id and decision are never touched");
    }

    #[test]
    fn the_extension_is_read_as_the_oracle_reads(
        value in mixed("[01]-(0|[1-9][0-9]{0,19}| )|[01]-?"),
    ) {
        let read = Sw8Extension::parse(&value);
        let fields = read.as_ref().ok().map(|x| (x.skip_analysis(), x.sent_at_millis()));
        prop_assert_eq!(fields, sw8_extension::parse(&value));
        if let Ok(read) = read {
            let text = read.encode();
            prop_assert_eq!(Sw8Extension::parse(text.as_bytes()), Ok(read));
        }
    }
}

fn sample() -> oracle::Header {
    oracle::parse(b"1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW5zdGFuY2U=-L2FwcA==-MTI3LjAuMC4xOjgwODA=")
        .unwrap()
}

fn query_and_base(endpoint: &str) -> [&str; 2] {
    let at = endpoint.find('?').unwrap_or(endpoint.len());
    [&endpoint[at..], &endpoint[..at]]
}

/// A prefix, or a placeholder where nothing is left.
fn is_cut_of(is: &str, was: &str) -> bool {
    was.starts_with(is) || ["unknown", "/", "0.0.0.0"].contains(&is)
}
