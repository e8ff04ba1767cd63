//! Where the description of a span goes: into a [`SpanBuilder`], or straight into what
//! is exported.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{Link, SpanBuilder, SpanKind};
use opentelemetry::{KeyValue, StringValue, Value};

use super::SharedAttributes;
use crate::{intern, semconv};

/// Takes the description of a span that begins, piece by piece: see
/// [`NewSpan::describe`](super::NewSpan::describe).
///
/// Texts are lent: whoever writes them down at once needs no copy of its own.
pub trait SpanSink {
    /// What the span is called.
    fn name(&mut self, name: Cow<'static, str>);

    /// When it began.
    fn start_time(&mut self, time: SystemTime);

    /// Told before the first attribute: about so many will come, what is added when the
    /// span ends among them.
    fn expect(&mut self, attributes: usize);

    /// Attributes that many requests have in common.
    fn shared(&mut self, attributes: &SharedAttributes);

    /// An attribute whose text is this request's alone.
    fn text(&mut self, key: &'static str, text: &str);

    /// An attribute whose text many requests share, as an app's version.
    fn common_text(&mut self, key: &'static str, text: &str);

    /// An attribute with a number, or with a text that costs nothing to hand over.
    fn value(&mut self, key: &'static str, value: Value);

    /// Any other attribute.
    fn attribute(&mut self, attribute: KeyValue);

    /// A link to a further span.
    fn link(&mut self, link: Link);
}

/// A [`SpanBuilder`] in the making.
#[derive(Debug)]
pub(crate) struct Building {
    span: SpanBuilder,
    attributes: Vec<KeyValue>,
    /// For so many attributes that are not expected here.
    room: usize,
}

impl Building {
    pub(crate) fn new(kind: SpanKind, room: usize) -> Self {
        Building {
            span: SpanBuilder::from_name("").with_kind(kind),
            attributes: Vec::new(),
            room,
        }
    }

    pub(crate) fn attributes_mut(&mut self) -> &mut Vec<KeyValue> {
        &mut self.attributes
    }

    pub(crate) fn finish(self) -> SpanBuilder {
        SpanBuilder {
            attributes: Some(self.attributes),
            ..self.span
        }
    }
}

impl SpanSink for Building {
    fn name(&mut self, name: Cow<'static, str>) {
        self.span.name = name;
    }

    fn start_time(&mut self, time: SystemTime) {
        self.span.start_time = Some(time);
    }

    fn expect(&mut self, attributes: usize) {
        self.attributes.reserve_exact(attributes + self.room);
    }

    fn shared(&mut self, attributes: &SharedAttributes) {
        attributes
            .iter()
            .for_each(|(key, value)| self.value(key, value));
    }

    fn text(&mut self, key: &'static str, text: &str) {
        self.value(key, Value::from(text.to_owned()));
    }

    /// Text that is kept costs no allocation.
    fn common_text(&mut self, key: &'static str, text: &str) {
        let kept = match key {
            semconv::USER_AGENT_ORIGINAL => intern::user_agent(text.as_bytes()),
            _ => intern::app(text),
        };
        let text = kept.map_or_else(|| StringValue::from(text.to_owned()), StringValue::from);
        self.value(key, Value::String(text));
    }

    /// Once, and not at each of the twenty places: see `extract`.
    #[inline(never)]
    fn value(&mut self, key: &'static str, value: Value) {
        self.attributes.push(KeyValue::new(key, value));
    }

    fn attribute(&mut self, attribute: KeyValue) {
        self.attributes.push(attribute);
    }

    fn link(&mut self, link: Link) {
        self.span.links.get_or_insert_default().push(link);
    }
}

/// Tells what a builder holds.
#[cfg(feature = "tracing")]
pub(crate) fn tell(span: SpanBuilder, sink: &mut dyn SpanSink) {
    sink.name(span.name);
    if let Some(time) = span.start_time {
        sink.start_time(time);
    }
    let attributes = span.attributes.unwrap_or_default();
    sink.expect(attributes.len());
    attributes.into_iter().for_each(|it| sink.attribute(it));
    let links = span.links.unwrap_or_default();
    links.into_iter().for_each(|link| sink.link(link));
}
