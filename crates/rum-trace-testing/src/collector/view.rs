//! One collected span, and what may be asserted of it.

use std::sync::Arc;

use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::trace::SpanData;

use super::{Collector, tree};
use crate::PhoneRequest;

/// A span that has ended, with readable assertions. They return the view, so
/// that they can be chained; each panics with the span and its attributes.
///
/// ```
/// use opentelemetry::trace::{Span, SpanKind, Tracer, TracerProvider};
/// use opentelemetry::KeyValue;
///
/// let collector = rum_trace_testing::Collector::new();
/// let tracer = collector.tracer_provider().tracer("example");
/// let builder = tracer.span_builder("GET /cart").with_kind(SpanKind::Server);
/// let mut span = builder.start(&tracer);
/// span.set_attribute(KeyValue::new("http.response.status_code", 200));
/// span.end();
///
/// collector
///     .span("GET /cart")
///     .assert_kind(SpanKind::Server)
///     .assert_attribute("http.response.status_code", 200)
///     .assert_no_attribute("error.type");
/// ```
#[derive(Clone, Debug)]
pub struct SpanView {
    pub(crate) span: Arc<SpanData>,
    pub(crate) collector: Collector,
}

impl SpanView {
    /// All that the SDK recorded.
    #[must_use]
    pub fn data(&self) -> &SpanData {
        &self.span
    }

    /// The span's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.span.name
    }

    /// The span's kind.
    #[must_use]
    pub fn kind(&self) -> SpanKind {
        self.span.span_kind.clone()
    }

    /// 32 lower case hex digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.span.span_context.trace_id().to_string()
    }

    /// 16 lower case hex digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        self.span.span_context.span_id().to_string()
    }

    /// 16 lower case hex digits; `None` for the root of a trace.
    #[must_use]
    pub fn parent_span_id(&self) -> Option<String> {
        let parent = self.span.parent_span_id;
        (parent != SpanId::INVALID).then(|| parent.to_string())
    }

    /// Whether the span is sampled, so that it would be exported.
    #[must_use]
    pub fn sampled(&self) -> bool {
        self.span.span_context.is_sampled()
    }

    /// An attribute's value. If a key was set more than once, the last value,
    /// which is the one that a backend keeps.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        let mut pairs = self.span.attributes.iter().rev();
        pairs
            .find(|pair| pair.key.as_str() == key)
            .map(|pair| &pair.value)
    }

    /// The collected spans whose parent this one is, in the order in which they
    /// ended.
    #[must_use]
    pub fn children(&self) -> Vec<Self> {
        let mut spans = self.collector.spans();
        spans.retain(|child| {
            child.span.parent_span_id == self.span.span_context.span_id()
                && child.span.span_context.trace_id() == self.span.span_context.trace_id()
        });
        spans
    }

    /// The child of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let found = self.children().into_iter().find(|span| span.name() == name);
        found
            .unwrap_or_else(|| self.fail(&format!("has no child {name:?}"), &self.collector.tree()))
    }
}

/// Assertions.
#[expect(
    clippy::must_use_candidate,
    reason = "an assertion has done its work when it returns"
)]
impl SpanView {
    /// Asserts that the attribute is there with this value, of the same type.
    ///
    /// # Panics
    ///
    /// If it is not there or differs.
    #[track_caller]
    pub fn assert_attribute(&self, key: &str, expected: impl Into<Value>) -> &Self {
        let expected = expected.into();
        match self.attribute(key) {
            Some(value) if *value == expected => self,
            Some(value) => self.fail(
                &format!(
                    "has {key} = {}, not {}",
                    tree::value(value),
                    tree::value(&expected)
                ),
                &tree::attributes(&self.span),
            ),
            None => self.fail(
                &format!(
                    "has no attribute {key}; expected {}",
                    tree::value(&expected)
                ),
                &tree::attributes(&self.span),
            ),
        }
    }

    /// Asserts that the attribute is not there.
    ///
    /// # Panics
    ///
    /// If it is.
    #[track_caller]
    pub fn assert_no_attribute(&self, key: &str) -> &Self {
        match self.attribute(key) {
            None => self,
            Some(value) => self.fail(
                &format!(
                    "has {key} = {}, which must not be there",
                    tree::value(value)
                ),
                &tree::attributes(&self.span),
            ),
        }
    }

    /// Asserts that the span tells of app, session and user what the phone's
    /// headers tell, and nothing that they do not: `rum.app.channel`,
    /// `rum.app.id`, `rum.app.type`, `rum.app.version`, `rum.sdk.version`, `rum.version`,
    /// `session.id` and `user.id`.
    ///
    /// # Panics
    ///
    /// If one of these is missing, differs, or is there untold.
    #[track_caller]
    pub fn assert_rum(&self, tap: &PhoneRequest) -> &Self {
        for (key, told) in [
            ("rum.app.channel", tap.app_channel()),
            ("rum.app.id", tap.app_id()),
            ("rum.app.type", tap.app_type()),
            ("rum.app.version", tap.app_version()),
            ("rum.sdk.version", tap.sdk_version()),
            ("rum.version", tap.rum_version()),
            ("session.id", tap.session_id()),
            ("user.id", tap.user_id()),
        ] {
            match told {
                Some(value) => self.assert_attribute(key, value.to_owned()),
                None => self.assert_no_attribute(key),
            };
        }
        self
    }

    /// Asserts the span's name.
    ///
    /// # Panics
    ///
    /// If it differs.
    #[track_caller]
    pub fn assert_name(&self, expected: &str) -> &Self {
        if self.name() != expected {
            self.fail(&format!("is not named {expected:?}"), "");
        }
        self
    }

    /// Asserts the span's kind.
    ///
    /// # Panics
    ///
    /// If it differs.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "SpanKind is a plain enum")]
    pub fn assert_kind(&self, expected: SpanKind) -> &Self {
        if self.span.span_kind != expected {
            self.fail(&format!("is not of kind {expected:?}"), "");
        }
        self
    }

    #[track_caller]
    fn fail(&self, what: &str, more: &str) -> ! {
        panic!(
            "the span {} of trace {} {what}\n{more}",
            tree::line(&self.span),
            self.trace_id()
        )
    }
}
