//! A span as it is kept: its ids checked, all that was sent with it, within
//! bounds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1 as proto;
use rum_trace_propagation::{SpanId, TraceId};
use serde::Serialize;

use super::resource::{Resource, Scope};
use super::value::{Attributes, Cut, MAX_TEXT, block, count, text};

/// The most events of a span, and the most links.
pub(crate) const MAX_EVENTS: usize = 1024;
/// The longest name of a span or an event.
const MAX_NAME: usize = 4 * 1024;
/// The heaviest span that is taken, after all cuts.
pub(crate) const MAX_WEIGHT: usize = 1024 * 1024;

/// One received span. All text in it is the sender's: escape it before it goes
/// anywhere.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// `None` for the root of a trace.
    pub(crate) parent: Option<SpanId>,
    pub(crate) kind: SpanKind,
    pub(crate) resource: Arc<Resource>,
    pub(crate) scope: Arc<Scope>,
    pub(crate) name: Box<str>,
    /// Nanoseconds since 1970, by the sender's clock.
    pub(crate) start: u64,
    /// By the same clock; a sender may tell one before the start.
    pub(crate) end: u64,
    pub(crate) status: Status,
    /// The header of that name, as it was sent; `None` if there was none.
    pub(crate) trace_state: Option<Box<str>>,
    /// The trace flags of W3C in the lowest 8 bits, and OTLP's above them.
    pub(crate) flags: u32,
    pub(crate) attributes: Attributes,
    pub(crate) events: Box<[Event]>,
    pub(crate) links: Box<[Link]>,
    /// What the sender had to leave out, as it says.
    pub(crate) dropped: Dropped,
    /// What was left out here.
    pub(crate) cut: Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SpanKind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Unset,
    Ok,
    /// Its description may be empty.
    Error(Box<str>),
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
    pub(crate) name: Box<str>,
    pub(crate) attributes: Attributes,
    /// Attributes that the sender dropped.
    pub(crate) dropped: u32,
}

/// Another span that this one has to do with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) trace_state: Option<Box<str>>,
    pub(crate) attributes: Attributes,
    /// Attributes that the sender dropped.
    pub(crate) dropped: u32,
}

/// Counts that a sender tells of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Dropped {
    pub(crate) attributes: u32,
    pub(crate) events: u32,
    pub(crate) links: u32,
}

/// Why a span is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpanFault {
    #[error("a trace_id is not 16 bytes, or all zero")]
    TraceId,
    #[error("a span_id is not 8 bytes, or all zero")]
    SpanId,
    #[error("a parent_span_id is not 8 bytes")]
    ParentId,
    #[error("a span takes more than {MAX_WEIGHT} bytes")]
    TooLarge,
}

impl Span {
    /// Takes a span from the wire, or says why it cannot be one.
    pub(crate) fn from_proto(
        span: proto::Span,
        resource: &Arc<Resource>,
        scope: &Arc<Scope>,
    ) -> Result<Self, SpanFault> {
        let trace_id = id(&span.trace_id).and_then(TraceId::from_bytes);
        let span_id = id(&span.span_id).and_then(SpanId::from_bytes);
        let mut cut = Cut::default();
        let span = Self {
            trace_id: trace_id.ok_or(SpanFault::TraceId)?,
            span_id: span_id.ok_or(SpanFault::SpanId)?,
            parent: parent(&span.parent_span_id)?,
            kind: SpanKind::from_proto(span.kind()),
            resource: Arc::clone(resource),
            scope: Arc::clone(scope),
            name: text(span.name, MAX_NAME, &mut cut),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            status: Status::from_proto(span.status.unwrap_or_default(), &mut cut),
            trace_state: trace_state(span.trace_state, &mut cut),
            flags: span.flags,
            attributes: Attributes::from_proto(span.attributes, &mut cut),
            events: events(span.events, &mut cut),
            links: links(span.links, &mut cut),
            dropped: Dropped {
                attributes: span.dropped_attributes_count,
                events: span.dropped_events_count,
                links: span.dropped_links_count,
            },
            cut,
        };
        if span.weight() > MAX_WEIGHT {
            return Err(SpanFault::TooLarge);
        }
        Ok(span)
    }

    /// `service.name` of its resource.
    pub(crate) fn service(&self) -> &str {
        &self.resource.service
    }

    /// How long it took; nothing if it ends before it starts.
    pub(crate) const fn duration(&self) -> Duration {
        Duration::from_nanos(self.end.saturating_sub(self.start))
    }

    /// An attribute that is text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.attributes.text(key)
    }

    /// An attribute that is a whole number.
    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        self.attributes.number(key)
    }

    /// The description of an error status; it may be empty.
    pub(crate) fn error(&self) -> Option<&str> {
        match &self.status {
            Status::Error(message) => Some(message),
            Status::Unset | Status::Ok => None,
        }
    }

    /// The memory it takes by itself, in bytes, by an estimate: not by its size
    /// on the wire, where an empty attribute takes two bytes and here forty.
    ///
    /// Without its resource and scope, which many spans share: see
    /// [`Resource::weight`] and [`Scope::weight`].
    pub(crate) fn weight(&self) -> usize {
        let error = self.error().map_or(0, str::len);
        let events = self.events.iter().map(Event::weight);
        let links = self.links.iter().map(Link::weight);
        size_of::<Self>()
            + block(self.name.len())
            + block(error)
            + length(self.trace_state.as_deref())
            + self.attributes.weight()
            + events.sum::<usize>()
            + links.sum::<usize>()
    }
}

impl Event {
    fn from_proto(event: proto::span::Event, cut: &mut Cut) -> Self {
        Self {
            time: event.time_unix_nano,
            name: text(event.name, MAX_NAME, cut),
            attributes: Attributes::from_proto(event.attributes, cut),
            dropped: event.dropped_attributes_count,
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + block(self.name.len()) + self.attributes.weight()
    }
}

impl Link {
    /// Nothing for a link that leads nowhere.
    fn from_proto(link: proto::span::Link, cut: &mut Cut) -> Option<Self> {
        Some(Self {
            trace_id: id(&link.trace_id).and_then(TraceId::from_bytes)?,
            span_id: id(&link.span_id).and_then(SpanId::from_bytes)?,
            trace_state: trace_state(link.trace_state, cut),
            attributes: Attributes::from_proto(link.attributes, cut),
            dropped: link.dropped_attributes_count,
        })
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + length(self.trace_state.as_deref()) + self.attributes.weight()
    }
}

impl Status {
    fn from_proto(status: proto::Status, cut: &mut Cut) -> Self {
        use proto::status::StatusCode;
        match status.code() {
            StatusCode::Unset => Self::Unset,
            StatusCode::Ok => Self::Ok,
            StatusCode::Error => Self::Error(text(status.message, MAX_TEXT, cut)),
        }
    }

    pub(crate) const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}

impl SpanKind {
    /// By the specification a kind that is not told, or not known, is to be
    /// taken as internal.
    const fn from_proto(kind: proto::span::SpanKind) -> Self {
        use proto::span::SpanKind as Proto;
        match kind {
            Proto::Unspecified | Proto::Internal => Self::Internal,
            Proto::Server => Self::Server,
            Proto::Client => Self::Client,
            Proto::Producer => Self::Producer,
            Proto::Consumer => Self::Consumer,
        }
    }
}

impl fmt::Display for SpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "INTERNAL",
            Self::Server => "SERVER",
            Self::Client => "CLIENT",
            Self::Producer => "PRODUCER",
            Self::Consumer => "CONSUMER",
        })
    }
}

/// A root has an empty parent id by the specification; some senders write zeros.
fn parent(bytes: &[u8]) -> Result<Option<SpanId>, SpanFault> {
    match bytes {
        [] => Ok(None),
        _ => id(bytes).map(SpanId::from_bytes).ok_or(SpanFault::ParentId),
    }
}

fn id<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn trace_state(value: String, cut: &mut Cut) -> Option<Box<str>> {
    (!value.is_empty()).then(|| text(value, MAX_TEXT, cut))
}

fn events(events: Vec<proto::span::Event>, cut: &mut Cut) -> Box<[Event]> {
    count(&mut cut.events, events.len().saturating_sub(MAX_EVENTS));
    let kept = events.into_iter().take(MAX_EVENTS);
    kept.map(|event| Event::from_proto(event, cut)).collect()
}

fn links(links: Vec<proto::span::Link>, cut: &mut Cut) -> Box<[Link]> {
    let sent = links.len();
    let kept = links.into_iter().take(MAX_EVENTS);
    let kept: Box<[Link]> = kept
        .filter_map(|link| Link::from_proto(link, cut))
        .collect();
    count(&mut cut.links, sent.saturating_sub(kept.len()));
    kept
}

fn length(text: Option<&str>) -> usize {
    block(text.map_or(0, str::len))
}

#[cfg(test)]
mod tests;
