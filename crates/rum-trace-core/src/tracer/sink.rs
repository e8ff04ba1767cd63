//! Where the description of a span goes: into a [`SpanBuilder`], or straight into what
//! is exported.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{Link, SpanBuilder, SpanKind};
use opentelemetry::{KeyValue, StringValue, Value};

use super::SharedAttributes;
use crate::intern;

/// Takes the description of a span that begins, piece by piece: see
/// [`NewSpan::describe`](super::NewSpan::describe).
///
/// Texts are lent: whoever writes them down at once needs no copy of its own. In which
/// order the pieces come is not said, but for [`expect`](Self::expect).
///
/// ```
/// use std::borrow::Cow;
/// use std::time::SystemTime;
///
/// use opentelemetry::trace::Link;
/// use opentelemetry::{KeyValue, Value};
/// use rum_trace_core::tracer::{SharedAttributes, SpanSink};
///
/// /// One line for each attribute.
/// #[derive(Default)]
/// struct Lines(String);
///
/// impl SpanSink for Lines {
///     fn name(&mut self, _: Cow<'static, str>) {}
///     fn start_time(&mut self, _: SystemTime) {}
///     fn expect(&mut self, attributes: usize) {
///         self.0.reserve(attributes * 40);
///     }
///     fn shared(&mut self, attributes: &SharedAttributes) {
///         attributes.iter().for_each(|(key, value)| self.value(key, value));
///     }
///     fn text(&mut self, key: &'static str, text: &str) {
///         self.0 += &format!("{key}={text:?}\n");
///     }
///     fn common_text(&mut self, key: &'static str, text: &str) {
///         self.text(key, text);
///     }
///     fn value(&mut self, key: &'static str, value: Value) {
///         self.0 += &format!("{key}={value}\n");
///     }
///     fn attribute(&mut self, it: KeyValue) {
///         self.0 += &format!("{}={}\n", it.key, it.value);
///     }
///     fn link(&mut self, _: Link) {}
/// }
///
/// let mut lines = Lines::default();
/// lines.text("url.path", "/users/42");
/// assert_eq!(lines.0, "url.path=\"/users/42\"\n");
/// ```
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
}

impl Building {
    pub(crate) fn new(kind: SpanKind) -> Self {
        Building {
            span: SpanBuilder::from_name("").with_kind(kind),
            attributes: Vec::new(),
        }
    }

    pub(crate) fn attributes_mut(&mut self) -> &mut Vec<KeyValue> {
        &mut self.attributes
    }

    #[inline]
    fn push(&mut self, (key, value): (&'static str, Value)) {
        self.attributes.push(KeyValue::new(key, value));
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
        self.attributes.reserve_exact(attributes);
    }

    fn shared(&mut self, attributes: &SharedAttributes) {
        attributes.iter().for_each(|it| self.push(it));
    }

    fn text(&mut self, key: &'static str, text: &str) {
        self.push((key, Value::from(text.to_owned())));
    }

    /// Text that is kept costs no allocation.
    fn common_text(&mut self, key: &'static str, text: &str) {
        let kept = intern::app(text);
        let text = kept.map_or_else(|| StringValue::from(text.to_owned()), StringValue::from);
        self.push((key, Value::String(text)));
    }

    fn value(&mut self, key: &'static str, value: Value) {
        self.push((key, value));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::semconv;
    use crate::tracer::SharedAttributes;

    /// Everything that a sink can be told.
    fn describe(sink: &mut dyn SpanSink) {
        sink.start_time(SystemTime::UNIX_EPOCH);
        sink.expect(6);
        sink.shared(&SharedAttributes {
            route: Some("/users/{id}"),
            port: Some(8080),
            ..SharedAttributes::default()
        });
        sink.text(semconv::URL_PATH, "/users/42");
        sink.common_text(semconv::RUM_APP_VERSION, "1.2");
        sink.value(semconv::NETWORK_PEER_PORT, Value::from(5432));
        sink.attribute(KeyValue::new("own", true));
        sink.link(Link::with_context(opentelemetry::trace::SpanContext::NONE));
        sink.name(Cow::Borrowed("GET /users/{id}"));
    }

    #[test]
    fn a_builder_has_what_the_sink_was_told() {
        let mut building = Building::new(SpanKind::Server);
        describe(&mut building);
        let room = building.attributes_mut().capacity();
        let span = building.finish();
        assert_eq!(room, 6);
        assert_eq!(span.name, "GET /users/{id}");
        assert_eq!(span.span_kind, Some(SpanKind::Server));
        assert_eq!(span.start_time, Some(SystemTime::UNIX_EPOCH));
        assert_eq!(span.links.as_ref().map(Vec::len), Some(1));
        let expected = [
            KeyValue::new("http.route", "/users/{id}"),
            KeyValue::new("server.port", 8080),
            KeyValue::new("url.path", "/users/42"),
            KeyValue::new("rum.app.version", "1.2"),
            KeyValue::new("network.peer.port", 5432),
            KeyValue::new("own", true),
        ];
        assert_eq!(span.attributes.as_deref(), Some(&expected[..]));
    }

    #[cfg(feature = "tracing")]
    #[test]
    fn what_a_builder_holds_is_told_whole() {
        let mut one = Building::new(SpanKind::Server);
        describe(&mut one);
        let one = one.finish();
        let mut other = Building::new(SpanKind::Server);
        tell(one.clone(), &mut other);
        assert_eq!(format!("{:?}", other.finish()), format!("{one:?}"));
    }
}
