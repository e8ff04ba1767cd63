//! What must hold for any bytes, a function for each parser: no panic, the
//! reading of the second implementation that the property tests use, and
//! printing and reading again without loss.
//!
//! Headers that may come several times are several lines of the input.

#[path = "../../crates/rum-trace-propagation/tests/oracle/mod.rs"]
mod oracle;

mod sw8;

pub use sw8::{correlation, sw8, sw8_extension, sw8_ids};

use rum_trace_propagation::b3::B3Headers;
use rum_trace_propagation::forwarded::{ForwardedElement, entries_from_right, from_right};
use rum_trace_propagation::rum::{
    PlatformMember, RumField, RumFieldKey, RumMember, visit_ids, with_other_ids,
};
use rum_trace_propagation::tracestate::{compose, is_legal_member};
use rum_trace_propagation::{B3, RumFields, TraceParent, TraceState, UberTraceId};

/// A `traceparent`; printed, it is always 55 bytes of version 00.
pub fn traceparent(input: &[u8]) {
    let read = TraceParent::parse(input);
    let fields = read
        .as_ref()
        .ok()
        .map(|parent| oracle::traceparent::Parent {
            trace_id: parent.trace_id().to_string(),
            parent_id: parent.parent_id().to_string(),
            flags: parent.flags().bits(),
        });
    assert_eq!(fields, oracle::traceparent::parse(input));
    match read {
        Ok(parent) => {
            assert!(parent.encode().starts_with(b"00-"));
            assert_eq!(TraceParent::parse(&parent.encode()), Ok(parent));
        }
        Err(error) => assert!(error.at() <= input.len(), "{error}"),
    }
}

/// Lines of `tracestate`; the canonical text is legal and reads as itself.
pub fn tracestate(input: &[u8]) {
    let fields = lines(input);
    let read = TraceState::parse_fields(fields.iter().copied());
    let owned = |state: &TraceState<'_>| -> Vec<_> {
        state
            .members()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    };
    let expected = oracle::tracestate::parse(&fields);
    assert_eq!(read.as_ref().ok().map(owned), expected);
    match read {
        Ok(state) => {
            assert_eq!(
                TraceState::parse(state.as_str().as_bytes()),
                Ok(state.clone())
            );
            assert!(
                state
                    .members()
                    .all(|(key, value)| is_legal_member(key, value))
            );
            let members = expected.unwrap_or_default();
            assert_eq!(state.as_str(), oracle::tracestate::print(&members));
            composed(&members, input.len());
        }
        Err(error) => assert!(error.at() <= fields[error.field()].len(), "{error}"),
    }
}

/// The members printed within some limit.
fn composed(members: &[(String, String)], seed: usize) {
    let max_len = seed / 2;
    let text = compose(
        members.iter().map(|(k, v)| (k.as_str(), v.as_str())),
        max_len,
    );
    assert!(text.len() <= max_len);
    assert_eq!(text, oracle::tracestate::compose(members, max_len));
}

/// Lines of `tracestate`, then, after an empty line, lines of `baggage`.
pub fn rum(input: &[u8]) {
    let blank = input.windows(2).position(|pair| pair == b"\n\n");
    let (state, baggage) = match blank {
        Some(at) => (&input[..at], lines(&input[at + 2..])),
        None => (input, Vec::new()),
    };
    let state = lines(state);
    let read = RumFields::read(state.iter().copied(), baggage.iter().copied());
    assert_eq!(rum_fields(read), oracle::rum::read(&state, &baggage));
    visit_ids(state.iter().copied(), baggage.iter().copied(), |key, id| {
        assert!(matches!(key, RumFieldKey::SessionId | RumFieldKey::UserId));
        assert!(!id.is_empty());
    });
    if let Ok(value) = std::str::from_utf8(input) {
        let without = with_other_ids(value, |_, _| None);
        let without = RumMember::read(without.as_bytes());
        assert_eq!((without.session_id(), without.user_id()), (None, None));
    }
    let member = RumMember::read(input);
    assert_eq!(rum_member(&member), oracle::rum::rum_member(input));
    let printed = member.to_string();
    assert_eq!(
        rum_member(&RumMember::read(printed.as_bytes())),
        rum_member(&member)
    );
    let member = PlatformMember::read(input);
    let parts = [
        member.platform(),
        member.sdk_version(),
        member.app_version(),
        member.channel(),
    ];
    assert_eq!(texts(&parts), oracle::rum::platform_member(input));
}

fn rum_fields(read: RumFields<'_>) -> oracle::rum::Fields {
    fn found(field: Option<RumField<'_>>) -> oracle::rum::Found {
        field.map(|field| (field.value().to_owned(), field.source().as_str()))
    }
    oracle::rum::Fields {
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

fn rum_member(member: &RumMember<'_>) -> Vec<Option<String>> {
    texts(&[
        member.version(),
        member.app_type(),
        member.app_id(),
        member.session_id(),
        member.user_id(),
    ])
}

fn texts(fields: &[Option<&str>]) -> Vec<Option<String>> {
    fields
        .iter()
        .map(|field| field.map(str::to_owned))
        .collect()
}

/// One line of `baggage`.
pub fn baggage(input: &[u8]) {
    let read = rum_trace_propagation::baggage::entries(input).map(|entry| match entry {
        Ok(entry) => Some(oracle::baggage::Entry {
            key: entry.key().to_owned(),
            value: entry.value().to_owned(),
            properties: entry.properties().to_owned(),
        }),
        Err(error) => {
            assert!(error.at() <= input.len(), "{error}");
            None
        }
    });
    assert_eq!(read.collect::<Vec<_>>(), oracle::baggage::entries(input));
}

/// The single header, or, in four lines, the several ones: trace id, span id,
/// sampled, flags; an empty line is an absent header.
pub fn b3(input: &[u8]) {
    let (got, expected) = match lines(input)[..] {
        [trace_id, span_id, sampled, flags] => {
            let headers = [trace_id, span_id, sampled, flags];
            let headers = headers.map(|line| (!line.is_empty()).then_some(line));
            let [trace_id, span_id, sampled, flags] = headers;
            let named = B3Headers {
                trace_id,
                span_id,
                sampled,
                flags,
            };
            (B3::parse_multi(named), oracle::b3::multi(headers))
        }
        _ => (B3::parse_single(input), oracle::b3::single(input)),
    };
    let read = got.ok().map(|b3| {
        let ids = b3
            .context()
            .map(|(trace, span)| (trace.to_string(), span.to_string()));
        (ids, format!("{:?}", b3.sampling()))
    });
    assert_eq!(
        read,
        expected.map(|(ids, sampling)| (ids, sampling.to_owned()))
    );
}

/// `uber-trace-id`.
pub fn uber_trace_id(input: &[u8]) {
    let read = UberTraceId::parse(input).ok().map(|uber| {
        let ids = (uber.trace_id().to_string(), uber.parent_id().to_string());
        (ids.0, ids.1, uber.sampled(), uber.debug())
    });
    assert_eq!(read, oracle::jaeger::parse(input));
}

/// One element of `Forwarded`; then the same as the last one of a list, behind whatever
/// stands before an empty line.
pub fn forwarded(input: &[u8]) {
    let blank = input.windows(2).position(|pair| pair == b"\n\n");
    let (left, element) = blank.map_or((&[][..], input), |at| (&input[..at], &input[at + 2..]));
    let read = ForwardedElement::parse(element);
    if let Err(error) = &read {
        assert!(error.at() <= element.len(), "{error}");
    }
    let fields = read.as_ref().ok().map(|read| oracle::forwarded::Element {
        client: read
            .client()
            .map(|node| node.address().map(|it| it.to_string())),
        host: read.host().map(str::to_owned),
        proto: read.proto().map(str::to_owned),
    });
    assert_eq!(fields, oracle::forwarded::element(element));
    let line = [left, b",", element].concat();
    let last = from_right(&line).next();
    let is_blank = element.iter().all(|byte| matches!(byte, b' ' | b'\t'));
    if let (Ok(read), false) = (read, is_blank) {
        assert_eq!(last, Some(Ok(read)));
    }
    assert!(from_right(&line).count() <= line.len());
    assert!(entries_from_right(&line).all(|entry| !entry.contains(&b',')));
}

fn lines(input: &[u8]) -> Vec<&[u8]> {
    input.split(|&byte| byte == b'\n').collect()
}
