//! The SERVER span of a layer, written down as what is exported from its first
//! moment on: a span of the SDK's is made of a copy of each text, in memory that the
//! export thread frees, for what nobody here asks: further processors, and a sampler that
//! looks at attributes.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{Link, Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanLimits;
use rum_trace_core::sharded::Shard;
use rum_trace_core::tracer::{SharedAttributes, SpanSink};

use crate::ended::Ended;
use crate::processor::{Ending, Export};
use crate::span::{self, Rest};
use crate::wire::AnyValue;
use crate::written;

/// What all of a pipeline's SERVER spans have in common.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) limits: SpanLimits,
    pub(crate) session_on_every_span: bool,
    /// There is none if nothing is exported.
    pub(crate) export: Option<Export>,
}

impl Recorder {
    /// Whether the SDK's provider would still start spans.
    pub(crate) fn is_open(&self) -> bool {
        let export = self.export.as_ref();
        !export.is_some_and(Export::provider_is_shut)
    }
}

/// A recorded span. It ends once, at the latest when it is dropped.
#[derive(Debug)]
pub(crate) struct ServerSpan {
    context: SpanContext,
    recorder: Shard<Recorder>,
    parent: SpanId,
    parent_is_remote: bool,
    kind: SpanKind,
    name: Cow<'static, str>,
    start: SystemTime,
    status: Status,
    /// Attributes, events and links as OTLP's `Span` has them; `None` once it has ended.
    bytes: Option<Vec<u8>>,
    attributes: Count,
    events: Count,
    links: Count,
}

/// How many there are, and how many there are not for the limit.
#[derive(Debug, Default)]
struct Count {
    kept: u32,
    dropped: u32,
}

impl Count {
    /// Whether there is a place for one more. The limits are the specification's
    /// (OpenTelemetry SDK, "Span Limits"): what comes first is kept, and what does not is
    /// counted.
    #[inline]
    fn admits(&mut self, limit: u32) -> bool {
        let admits = self.kept < limit;
        let count = if admits {
            &mut self.kept
        } else {
            &mut self.dropped
        };
        *count += 1;
        admits
    }
}

/// Those of an event or a link that the limit lets be, and how many more there are.
fn within(attributes: &[KeyValue], limit: u32) -> (&[KeyValue], u32) {
    let kept = attributes.len().min(limit as usize);
    let over = attributes.len() - kept;
    (&attributes[..kept], u32::try_from(over).unwrap_or(u32::MAX))
}

/// What an attribute of a SERVER span takes at most, mostly, with its share of the rest:
/// guessed, so that there is one allocation.
const BYTES_EACH: usize = 52;

/// Up to so many bytes allocators have ready, and what is guessed to be little more is
/// mostly less.
const READY: usize = 1_024;

/// What a span with so many attributes is begun with.
fn room_for(attributes: usize) -> usize {
    let guess = attributes.saturating_mul(BYTES_EACH);
    if guess < READY / 4 * 5 {
        guess.min(READY)
    } else {
        guess
    }
}

impl ServerSpan {
    /// A span that begins now, and is not described yet.
    pub(crate) fn new(
        recorder: &Shard<Recorder>,
        kind: SpanKind,
        parent: Option<&SpanContext>,
        context: SpanContext,
    ) -> Self {
        if let Some(export) = &recorder.export {
            export.started(&context);
        }
        ServerSpan {
            context,
            recorder: recorder.clone(),
            parent: parent.map_or(SpanId::INVALID, SpanContext::span_id),
            parent_is_remote: parent.is_some_and(SpanContext::is_remote),
            kind,
            name: Cow::Borrowed(""),
            start: SystemTime::UNIX_EPOCH,
            status: Status::Unset,
            bytes: Some(Vec::new()),
            attributes: Count::default(),
            events: Count::default(),
            links: Count::default(),
        }
    }

    /// Describes it as a builder does.
    pub(crate) fn take(&mut self, builder: SpanBuilder) {
        self.name = builder.name;
        self.start = builder.start_time.unwrap_or_else(opentelemetry::time::now);
        for kv in builder.attributes.unwrap_or_default() {
            self.attribute(kv);
        }
        for it in builder.links.unwrap_or_default() {
            self.link(it);
        }
        for it in builder.events.unwrap_or_default() {
            self.add_event_with_timestamp(it.name, it.timestamp, it.attributes);
        }
    }

    #[inline]
    fn push(&mut self, key: &str, value: AnyValue<'_>) {
        let limit = self.recorder.limits.max_attributes_per_span;
        if let Some(bytes) = &mut self.bytes {
            if self.attributes.admits(limit) {
                span::attribute(bytes, key, value);
            }
        }
    }

    /// `None`: now. Nothing the second time.
    fn end_at(&mut self, end: Option<SystemTime>) {
        let (Some(mut bytes), Some(export)) = (self.bytes.take(), &self.recorder.export) else {
            return;
        };
        let end = end.unwrap_or_else(opentelemetry::time::now);
        if !self.context.is_sampled() {
            let Some(why) = export.keeps(&self.ending(end)) else {
                return;
            };
            // Without it nobody would know why it is there: no limit counts it.
            span::attribute(&mut bytes, why.key.as_str(), AnyValue::from(&why.value));
        }
        span::rest(&mut bytes, &self.rest(end));
        export.ended(Ended::Bytes(bytes));
    }

    fn ending(&self, end: SystemTime) -> Ending<'_> {
        Ending {
            kind: &self.kind,
            status: &self.status,
            start: self.start,
            end,
        }
    }

    fn rest(&self, end: SystemTime) -> Rest<'_> {
        Rest {
            context: &self.context,
            kind: &self.kind,
            parent: self.parent,
            parent_is_remote: self.parent_is_remote,
            name: &self.name,
            start: self.start,
            end,
            status: &self.status,
            dropped_attributes: self.attributes.dropped,
            dropped_events: self.events.dropped,
            dropped_links: self.links.dropped,
        }
    }
}

impl SpanSink for ServerSpan {
    fn name(&mut self, name: Cow<'static, str>) {
        self.name = name;
    }

    fn start_time(&mut self, time: SystemTime) {
        self.start = time;
    }

    fn expect(&mut self, attributes: usize) {
        if let Some(bytes) = &mut self.bytes {
            bytes.reserve_exact(room_for(attributes));
        }
    }

    fn shared(&mut self, attributes: &SharedAttributes) {
        let limit = self.recorder.limits.max_attributes_per_span;
        let kept = self.attributes.kept;
        let written = self
            .bytes
            .as_mut()
            .and_then(|bytes| written::shared(bytes, attributes, |count| kept + count <= limit));
        match written {
            Some(count) => self.attributes.kept += count,
            None => attributes
                .iter()
                .for_each(|(key, value)| self.value(key, value)),
        }
    }

    fn text(&mut self, key: &'static str, text: &str) {
        self.push(key, AnyValue::Text(text));
    }

    fn common_text(&mut self, key: &'static str, text: &str) {
        self.text(key, text);
    }

    fn value(&mut self, key: &'static str, value: Value) {
        self.push(key, AnyValue::from(&value));
    }

    fn attribute(&mut self, kv: KeyValue) {
        self.push(kv.key.as_str(), AnyValue::from(&kv.value));
    }

    fn link(&mut self, link: Link) {
        self.add_link(link.span_context, link.attributes);
    }
}

impl Span for ServerSpan {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        let limits = &self.recorder.limits;
        let Some(bytes) = &mut self.bytes else {
            return;
        };
        if self.events.admits(limits.max_events_per_span) {
            let (attributes, over) = within(&attributes, limits.max_attributes_per_event);
            span::event(bytes, &name.into(), timestamp, attributes, over);
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.bytes.is_some()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.attribute(attribute);
    }

    /// Ok > Error > Unset, as the specification orders them ("Set Status").
    fn set_status(&mut self, status: Status) {
        if self.is_recording() && status > self.status {
            self.status = status;
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if self.is_recording() {
            self.name = new_name.into();
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        let limits = &self.recorder.limits;
        let Some(bytes) = &mut self.bytes else {
            return;
        };
        if self.links.admits(limits.max_links_per_span) {
            let (attributes, over) = within(&attributes, limits.max_attributes_per_link);
            span::link(bytes, &span_context, attributes, over);
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.end_at(Some(timestamp));
    }
}

impl Drop for ServerSpan {
    fn drop(&mut self) {
        self.end_at(None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentelemetry::trace::{TraceFlags, TraceState};
    use opentelemetry_proto::tonic::trace::v1::Span as ProtoSpan;
    use proptest::prelude::*;
    use rum_trace_core::sharded::Sharded;

    use super::*;
    use crate::queue::{Limits, Queue};
    use crate::span::tests::life;
    use crate::stats::Accounts;

    /// A recorder, and what its spans go to.
    fn recorder(limits: SpanLimits) -> (Shard<Recorder>, Arc<Queue>) {
        let queue = Arc::new(Queue::new(Limits {
            spans: 10,
            bytes: 1 << 30,
            batch: 10,
        }));
        let accounts = Arc::new(Accounts::new(Arc::clone(&queue)));
        let (commands, _) = tokio::sync::mpsc::unbounded_channel();
        let recorder = Recorder {
            limits,
            session_on_every_span: false,
            export: Some(Export::new(Arc::clone(&queue), accounts, commands, None)),
        };
        (Sharded::new(recorder).here().clone(), queue)
    }

    fn start(
        recorder: &Shard<Recorder>,
        builder: SpanBuilder,
        parent: Option<&SpanContext>,
        context: SpanContext,
    ) -> ServerSpan {
        let mut span = ServerSpan::new(recorder, SpanKind::Server, parent, context);
        span.take(builder);
        span
    }

    /// What the queue has got.
    fn ended(queue: &Queue) -> Vec<ProtoSpan> {
        let ended = queue.take(10).into_iter();
        ended.map(Ended::decoded).collect()
    }

    proptest! {
        #[test]
        fn it_tells_what_the_sdks_span_tells(life in life()) {
            let expected = life.of_sdk();
            let (recorder, queue) = recorder(life.limits());
            let context = expected.span_context.clone();
            let builder = life.builder().with_start_time(expected.start_time);
            let mut span = start(&recorder, builder, life.parent.as_ref(), context.clone());
            prop_assert_eq!(span.span_context(), &context);
            life.live(&mut span);
            drop(span);
            prop_assert_eq!(ended(&queue), [ProtoSpan::from(expected)]);
        }
    }

    #[test]
    fn one_that_nobody_ends_ends_with_its_drop() {
        let (recorder, queue) = recorder(SpanLimits::default());
        let builder = SpanBuilder::from_name("GET");
        let flags = TraceFlags::SAMPLED;
        let context = SpanContext::new(7.into(), 9.into(), flags, false, TraceState::NONE);
        let span = start(&recorder, builder, None, context);
        assert!(queue.take(10).is_empty());
        drop(span);
        let ended = ended(&queue);
        assert_eq!(ended.len(), 1);
        assert!(ended[0].end_time_unix_nano >= ended[0].start_time_unix_nano);
        assert!(ended[0].start_time_unix_nano > 0);
        assert!(ended[0].parent_span_id.is_empty());
    }

    #[test]
    fn its_context_is_known_after_its_end() {
        let (recorder, _) = recorder(SpanLimits::default());
        let list = TraceState::from_key_value([("rum", "v2&browser")]).unwrap();
        let context = SpanContext::new(7.into(), 9.into(), Default::default(), false, list);
        let builder = SpanBuilder::from_name("GET");
        let mut span = start(&recorder, builder, None, context.clone());
        assert_eq!(span.span_context(), &context);
        span.end();
        assert_eq!(span.span_context(), &context);
    }
}
