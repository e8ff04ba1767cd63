//! The SERVER span of a layer, recorded as what is exported from its first
//! moment on: the SDK's own span is made and copied for what nobody here asks,
//! further processors and a sampler that looks at attributes.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{
    Event, Link, Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLimits, SpanLinks};

use crate::processor::Export;

/// What all of a pipeline's SERVER spans have in common.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) scope: InstrumentationScope,
    pub(crate) limits: SpanLimits,
    pub(crate) session_on_every_span: bool,
    /// There is none if nothing is exported.
    pub(crate) export: Option<Export>,
}

/// A recorded span. It ends once, at the latest when it is dropped.
#[derive(Debug)]
pub(crate) struct ServerSpan {
    state: State,
    recorder: Arc<Recorder>,
}

#[derive(Debug)]
enum State {
    /// It goes to the export thread as it is: half a kilobyte is moved once.
    Recording(Box<SpanData>),
    Ended(SpanContext),
}

impl ServerSpan {
    /// Starts the span that `builder` describes, as the SDK's tracer would.
    pub(crate) fn start(
        recorder: &Arc<Recorder>,
        builder: SpanBuilder,
        parent: Option<&SpanContext>,
        span_context: SpanContext,
    ) -> Self {
        if let Some(export) = &recorder.export {
            export.started(&span_context);
        }
        ServerSpan {
            state: State::Recording(recorder.describe(builder, parent, span_context)),
            recorder: Arc::clone(recorder),
        }
    }

    fn recording(&mut self) -> Option<(&mut SpanData, &Recorder)> {
        match &mut self.state {
            State::Recording(data) => Some((data, &self.recorder)),
            State::Ended(_) => None,
        }
    }

    /// `None`: now. Nothing the second time.
    fn end_at(&mut self, end: Option<SystemTime>) {
        if !self.is_recording() {
            return;
        }
        let ended = State::Ended(without_list(self.span_context()));
        if let State::Recording(mut data) = std::mem::replace(&mut self.state, ended) {
            data.end_time = end.unwrap_or_else(opentelemetry::time::now);
            if let Some(export) = &self.recorder.export {
                export.ended(data);
            }
        }
    }
}

impl Recorder {
    /// Whether the SDK's provider would still start spans.
    pub(crate) fn is_open(&self) -> bool {
        let export = self.export.as_ref();
        !export.is_some_and(Export::provider_is_shut)
    }

    fn describe(
        &self,
        builder: SpanBuilder,
        parent: Option<&SpanContext>,
        span_context: SpanContext,
    ) -> Box<SpanData> {
        let start_time = builder.start_time.unwrap_or_else(opentelemetry::time::now);
        let mut attributes = builder.attributes.unwrap_or_default();
        let dropped_attributes_count = cut(&mut attributes, self.limits.max_attributes_per_span);
        let mut data = Box::new(SpanData {
            span_context,
            parent_span_id: parent.map_or(SpanId::INVALID, SpanContext::span_id),
            parent_span_is_remote: parent.is_some_and(SpanContext::is_remote),
            span_kind: builder.span_kind.unwrap_or(SpanKind::Internal),
            name: builder.name,
            start_time,
            end_time: start_time,
            attributes,
            dropped_attributes_count,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        });
        for link in builder.links.unwrap_or_default() {
            self.add_link(&mut data, link.span_context, link.attributes);
        }
        for event in builder.events.unwrap_or_default() {
            self.add_event(&mut data, event.name, event.timestamp, event.attributes);
        }
        data
    }
}

/// The limits are the specification's (OpenTelemetry SDK, "Span Limits"): what
/// comes first is kept, and what does not is counted.
fn cut(attributes: &mut Vec<KeyValue>, max: u32) -> u32 {
    let over = attributes.len().saturating_sub(max as usize);
    attributes.truncate(max as usize);
    u32::try_from(over).unwrap_or(u32::MAX)
}

impl Recorder {
    fn add_event(
        &self,
        data: &mut SpanData,
        name: Cow<'static, str>,
        timestamp: SystemTime,
        mut attributes: Vec<KeyValue>,
    ) {
        if data.events.len() >= self.limits.max_events_per_span as usize {
            data.events.dropped_count += 1;
            return;
        }
        let over = cut(&mut attributes, self.limits.max_attributes_per_event);
        let event = Event::new(name, timestamp, attributes, over);
        data.events.events.push(event);
    }

    fn add_link(
        &self,
        data: &mut SpanData,
        span_context: SpanContext,
        mut attributes: Vec<KeyValue>,
    ) {
        if data.links.len() >= self.limits.max_links_per_span as usize {
            data.links.dropped_count += 1;
            return;
        }
        let over = cut(&mut attributes, self.limits.max_attributes_per_link);
        let link = Link::new(span_context, attributes, over);
        data.links.links.push(link);
    }

    fn add_attribute(&self, data: &mut SpanData, attribute: KeyValue) {
        if data.attributes.len() < self.limits.max_attributes_per_span as usize {
            data.attributes.push(attribute);
        } else {
            data.dropped_attributes_count += 1;
        }
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
        if let Some((data, recorder)) = self.recording() {
            recorder.add_event(data, name.into(), timestamp, attributes);
        }
    }

    /// Without the trace state once the span has ended; the context that it was
    /// put in has its own.
    fn span_context(&self) -> &SpanContext {
        match &self.state {
            State::Recording(data) => &data.span_context,
            State::Ended(span_context) => span_context,
        }
    }

    fn is_recording(&self) -> bool {
        matches!(self.state, State::Recording(_))
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some((data, recorder)) = self.recording() {
            recorder.add_attribute(data, attribute);
        }
    }

    /// Ok > Error > Unset, as the specification orders them ("Set Status").
    fn set_status(&mut self, status: Status) {
        if let Some((data, _)) = self.recording() {
            if status > data.status {
                data.status = status;
            }
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some((data, _)) = self.recording() {
            data.name = new_name.into();
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        if let Some((data, recorder)) = self.recording() {
            recorder.add_link(data, span_context, attributes);
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

fn without_list(span_context: &SpanContext) -> SpanContext {
    SpanContext::new(
        span_context.trace_id(),
        span_context.span_id(),
        span_context.trace_flags(),
        span_context.is_remote(),
        TraceState::NONE,
    )
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceFlags;
    use proptest::prelude::*;

    use super::*;
    use crate::queue::{Limits, Queue};
    use crate::span::tests::life;
    use crate::stats::Accounts;

    /// A recorder, and what its spans go to.
    fn recorder(limits: SpanLimits) -> (Arc<Recorder>, Arc<Queue>) {
        let queue = Arc::new(Queue::new(Limits {
            spans: 10,
            bytes: 1 << 30,
            batch: 10,
        }));
        let accounts = Arc::new(Accounts::new(Arc::clone(&queue)));
        let (commands, _) = tokio::sync::mpsc::unbounded_channel();
        let recorder = Recorder {
            scope: InstrumentationScope::builder("test").build(),
            limits,
            session_on_every_span: false,
            export: Some(Export::new(Arc::clone(&queue), accounts, commands, None)),
        };
        (Arc::new(recorder), queue)
    }

    proptest! {
        #[test]
        fn it_tells_what_the_sdks_span_tells(life in life()) {
            let expected = life.of_sdk();
            let (recorder, queue) = recorder(life.limits());
            let context = expected.span_context.clone();
            let builder = life.builder().with_start_time(expected.start_time);
            let mut span = ServerSpan::start(&recorder, builder, life.parent.as_ref(), context.clone());
            prop_assert_eq!(span.span_context(), &context);
            life.live(&mut span);
            drop(span);
            prop_assert_eq!(queue.take(10), [expected]);
        }
    }

    #[test]
    fn one_that_nobody_ends_ends_with_its_drop() {
        let (recorder, queue) = recorder(SpanLimits::default());
        let builder = SpanBuilder::from_name("GET");
        let flags = TraceFlags::SAMPLED;
        let context = SpanContext::new(7.into(), 9.into(), flags, false, TraceState::NONE);
        let span = ServerSpan::start(&recorder, builder, None, context);
        assert!(queue.take(10).is_empty());
        drop(span);
        let ended = queue.take(10);
        assert_eq!(ended.len(), 1);
        assert!(ended[0].end_time >= ended[0].start_time);
        assert_eq!(ended[0].parent_span_id, SpanId::INVALID);
    }

    #[test]
    fn its_ids_are_known_after_its_end() {
        let (recorder, _) = recorder(SpanLimits::default());
        let list = TraceState::from_key_value([("rum", "v2&browser")]).unwrap();
        let context = SpanContext::new(7.into(), 9.into(), Default::default(), false, list);
        let builder = SpanBuilder::from_name("GET");
        let mut span = ServerSpan::start(&recorder, builder, None, context.clone());
        assert_eq!(span.span_context(), &context);
        span.end();
        assert_eq!(span.span_context().span_id(), context.span_id());
        assert_eq!(span.span_context().trace_id(), context.trace_id());
    }
}
