//! How much memory a body would take once it is decoded, before it is: two bytes
//! on the wire can be an empty span, of which each takes hundreds in memory.

use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

/// What holds other messages, or takes room where it stands in a list.
#[derive(Clone, Copy)]
enum Message {
    Request,
    ResourceSpans,
    Resource,
    ScopeSpans,
    Scope,
    Span,
    Event,
    Link,
    Status,
    KeyValue,
    AnyValue,
    /// An `ArrayValue` or a `KeyValueList`: a part of its `AnyValue`.
    Array,
    Map,
    EntityRef,
    /// Text in a list.
    Text,
}

impl Message {
    /// By its number in opentelemetry-proto.
    const fn field(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Request, 1) => Self::ResourceSpans,
            (Self::ResourceSpans, 1) => Self::Resource,
            (Self::ResourceSpans, 2) => Self::ScopeSpans,
            (Self::Resource, 3) => Self::EntityRef,
            (Self::EntityRef, 3 | 4) => Self::Text,
            (Self::ScopeSpans, 1) => Self::Scope,
            (Self::ScopeSpans, 2) => Self::Span,
            (Self::Span, 11) => Self::Event,
            (Self::Span, 13) => Self::Link,
            (Self::Span, 15) => Self::Status,
            (Self::Resource | Self::Map, 1)
            | (Self::Scope | Self::Event, 3)
            | (Self::Link, 4)
            | (Self::Span, 9) => Self::KeyValue,
            (Self::KeyValue, 2) | (Self::Array, 1) => Self::AnyValue,
            (Self::AnyValue, 5) => Self::Array,
            (Self::AnyValue, 6) => Self::Map,
            _ => return None,
        })
    }

    const fn size(self) -> usize {
        match self {
            Self::Request | Self::Array | Self::Map => 0,
            Self::ResourceSpans => size_of::<ResourceSpans>(),
            Self::Resource => size_of::<Resource>(),
            Self::ScopeSpans => size_of::<ScopeSpans>(),
            Self::Scope => size_of::<InstrumentationScope>(),
            Self::Span => size_of::<Span>(),
            Self::Event => size_of::<Event>(),
            Self::Link => size_of::<Link>(),
            Self::Status => size_of::<Status>(),
            Self::KeyValue => size_of::<KeyValue>(),
            Self::AnyValue => size_of::<AnyValue>(),
            Self::EntityRef => size_of::<EntityRef>(),
            Self::Text => size_of::<String>(),
        }
    }
}

/// Whether a request in protobuf decodes to at most so many bytes, its texts
/// aside. One that is malformed counts up to there.
pub(super) fn protobuf(body: &[u8], most: usize) -> bool {
    let mut weight = 0_usize;
    let mut waiting = vec![(Message::Request, body)];
    while let Some((message, mut rest)) = waiting.pop() {
        while let Some((number, value)) = next_field(&mut rest) {
            let (Some(inner), Some(value)) = (message.field(number), value) else {
                continue;
            };
            weight = weight.saturating_add(inner.size());
            if weight > most {
                return false;
            }
            waiting.push((inner, value));
        }
    }
    true
}

/// The next field, and its bytes if it is of those that have a length. Nothing
/// at the end, and where the decoder will stop too.
fn next_field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => varint(rest).map(|_| None)?,
        1 => take(rest, 8).map(|_| None)?,
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Some(take(rest, length)?)
        }
        5 => take(rest, 4).map(|_| None)?,
        // A group: what it holds is nothing that we know.
        3 | 4 => None,
        _ => return None,
    };
    Some((key >> 3, value))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, left) = rest.split_first()?;
        *rest = left;
        value |= u64::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Whether a request in JSON decodes to at most so many bytes. Each object
/// counts as what stands at its depth, at most.
pub(super) fn json(body: &[u8], most: usize) -> bool {
    let mut weight = 0_usize;
    let mut depth = 0_usize;
    let mut rest = body.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => skip_text(&mut rest),
            b'{' => {
                depth = depth.saturating_add(1);
                weight = weight.saturating_add(object(depth));
                if weight > most {
                    return false;
                }
            }
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Behind the end of a text.
fn skip_text(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                rest.next();
            }
            _ => {}
        }
    }
}

const fn object(depth: usize) -> usize {
    match depth {
        0 | 1 => 0,
        2 => Message::ResourceSpans.size(),
        3 => Message::ScopeSpans.size(),
        4 => Message::Span.size(),
        // An event, a link or an attribute.
        5 => Message::Link.size(),
        // An attribute or a value. Text in a list has no brace, and is skipped.
        _ => Message::KeyValue.size(),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

    fn spans(spans: Vec<Span>) -> Vec<u8> {
        let scope_spans = vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }];
        let resource_spans = vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }

    #[test]
    fn empty_spans_weigh_what_they_take() {
        let body = spans(vec![Span::default(); 10_000]);
        assert!(body.len() < 21_000);
        let outer = size_of::<ResourceSpans>() + size_of::<ScopeSpans>();
        let weight = 10_000 * size_of::<Span>() + outer;
        assert!(protobuf(&body, weight) && !protobuf(&body, weight - 1));

        let text = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
            vec!["{}"; 10_000].join(",")
        );
        assert!(json(text.as_bytes(), weight) && !json(text.as_bytes(), weight - 1));
    }

    /// What stands at a depth of JSON counts as the largest that can.
    #[test]
    fn links_and_attributes_are_the_largest_at_their_depth() {
        assert!(size_of::<Link>() >= size_of::<Event>());
        assert!(size_of::<Link>() >= size_of::<KeyValue>());
        assert!(size_of::<KeyValue>() >= size_of::<AnyValue>());
        let others = [size_of::<InstrumentationScope>(), size_of::<Link>()];
        assert!(others.iter().all(|other| size_of::<Span>() >= *other));
        assert!(size_of::<ScopeSpans>() >= size_of::<Resource>());
    }

    #[test]
    fn everything_within_a_span_weighs() {
        let attributes = vec![KeyValue {
            value: Some(AnyValue::default()),
            ..KeyValue::default()
        }];
        let body = spans(vec![Span {
            events: vec![
                Event {
                    attributes: attributes.clone(),
                    ..Event::default()
                };
                3
            ],
            links: vec![
                Link {
                    attributes: attributes.clone(),
                    ..Link::default()
                };
                2
            ],
            status: Some(Status::default()),
            attributes,
            ..Span::default()
        }]);
        let outer = size_of::<ResourceSpans>() + size_of::<ScopeSpans>();
        let weight = outer
            + size_of::<Span>()
            + size_of::<Status>()
            + 3 * size_of::<Event>()
            + 2 * size_of::<Link>()
            + 6 * (size_of::<KeyValue>() + size_of::<AnyValue>());
        assert!(protobuf(&body, weight) && !protobuf(&body, weight - 1));
    }

    #[test]
    fn braces_in_texts_are_no_objects() {
        assert!(json(br#"{"a\"{{{":"{{{{\\","b":"{{"#, 0));
        assert!(!json(br#"{"a":{"b":"\\"}}"#, 0));
        assert!(json(b"}}}}{{}}", size_of::<ResourceSpans>()));
        for odd in [&b"\""[..], b"\"\\", b"", b"{"] {
            assert!(json(odd, 0));
        }
    }

    #[test]
    fn what_is_malformed_weighs_up_to_there() {
        for odd in [
            &[0xff; 40][..],
            &[0x0a],
            &[0x0a, 0x05, 1],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x0f],
        ] {
            assert!(protobuf(odd, 0), "{odd:?}");
        }
        assert!(!protobuf(&[0x0a, 0x00, 0xff], 0));
    }
}
