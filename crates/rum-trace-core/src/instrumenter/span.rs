//! The SERVER span of a request: described, started, and what it is served in.

use std::borrow::Cow;

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt as _};

use super::{Arrival, Inner};
use crate::Carrier;
use crate::active_request::Start;
use crate::attributes;
use crate::extract::Extraction;
use crate::semconv;
use crate::tracer::{Building, NewSpan, SpanSink};
#[cfg(feature = "tracing")]
use crate::{tracer, tracing_layer, tracing_span};

impl Inner {
    /// Tells the span that is to start, but for when; and whether it has its final name.
    fn describe(
        &self,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
        sink: &mut dyn SpanSink,
    ) -> bool {
        if self.hooks.has_attributes() {
            self.attributes_with_hook(arrival, extraction, sink);
        } else {
            self.attributes(arrival, extraction, sink);
        }
        if let Some(trust) = extraction.untrusted {
            sink.value(semconv::RUM_TRUST, trust.into());
        }
        for link in extraction.links(&self.counters) {
            sink.link(link);
        }
        let given = self.hooks.span_name(arrival.request);
        let named = given.is_some() || arrival.route().is_some();
        sink.name(given.map_or_else(|| arrival.span_name(), Cow::Owned));
        named
    }

    fn attributes(&self, arrival: &Arrival<'_>, extraction: &Extraction, sink: &mut dyn SpanSink) {
        // A linked sw8 describes itself on the link.
        let sw8 = extraction.sw8.as_ref();
        let sw8 = sw8.filter(|_| extraction.parent_is(Carrier::Sw8));
        attributes::at_creation(&self.attributes, &self.counters, arrival, sw8, sink);
    }

    /// The user's hook is shown what there is, and may change it.
    #[inline(never)]
    fn attributes_with_hook(
        &self,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
        sink: &mut dyn SpanSink,
    ) {
        let mut span = Building::new(SpanKind::Server);
        self.attributes(arrival, extraction, &mut span);
        let attributes = span.attributes_mut();
        self.hooks
            .add_attributes(arrival.request, arrival.rum, attributes);
        sink.expect(attributes.capacity());
        attributes.drain(..).for_each(|it| sink.attribute(it));
    }

    /// Describes and starts the span.
    fn start_span(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
    ) -> Started {
        // What is not recorded needs no name.
        let (mut named, mut start) = (true, None);
        let cx = self.start_described(base, arrival, extraction, &mut |sink| {
            let now = Start::now();
            start = Some(now);
            sink.start_time(now.time);
            named = self.describe(arrival, extraction, sink);
        });
        match cx {
            Some(cx) => Started {
                recording: is_recording(&cx, start.is_some()),
                named,
                start,
                ..Started::without_span(cx)
            },
            // The trace goes on all the same, from the caller's span.
            None => Started::without_span(self.caller(base, extraction)),
        }
    }

    /// A provider that was shut down gives no span at all.
    fn start_described(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
        describe: &mut dyn FnMut(&mut dyn SpanSink),
    ) -> Option<Context> {
        let remote = extraction.parent.as_ref();
        let span = NewSpan {
            base,
            remote,
            asked: Some(arrival),
            describe,
        };
        let cx = self.spans.start(span, &self.counters);
        let has_span = cx.span().span_context().is_valid();
        has_span.then_some(cx)
    }

    #[cfg(not(feature = "tracing"))]
    pub(super) fn open(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
    ) -> Started {
        self.start_span(base, arrival, extraction)
    }

    #[cfg(feature = "tracing")]
    pub(super) fn open(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
    ) -> Started {
        if self.tracing_spans && !tracing_layer::is_in_use() {
            return self.open_through_tracing(base, arrival, extraction);
        }
        let mut started = self.start_span(base, arrival, extraction);
        if self.tracing_spans {
            let beside = || tracing_span::beside(&started.cx, arrival.rum);
            started.tracing_span = Some(Box::new(tracing_layer::holding(&started.cx, beside)));
        }
        started
    }

    /// Has `tracing-opentelemetry` start the SERVER span, if it is there.
    #[cfg(feature = "tracing")]
    fn open_through_tracing(
        &self,
        base: &Context,
        arrival: &Arrival<'_>,
        extraction: &Extraction,
    ) -> Started {
        let mut span = Building::new(SpanKind::Server);
        let named = self.describe(arrival, extraction, &mut span);
        let span = span.finish();
        let parent = self.caller(base, extraction);
        let (tracing_span, cx) = tracing_span::open(&span, &parent, arrival.rum);
        let cx = cx.unwrap_or_else(|| {
            self.start_described(base, arrival, extraction, &mut |sink| {
                tracer::tell(span.clone(), sink);
            })
            .unwrap_or(parent)
        });
        tracing_span::record_ids(&tracing_span, &cx);
        Started {
            recording: cx.span().is_recording(),
            cx,
            named,
            start: None,
            tracing_span: Some(Box::new(tracing_span)),
        }
    }
}

/// A span that was started, and where it is.
pub(super) struct Started {
    pub(super) cx: Context,
    /// It has its final name.
    pub(super) named: bool,
    pub(super) recording: bool,
    /// When, if it was described here.
    pub(super) start: Option<Start>,
    #[cfg(feature = "tracing")]
    pub(super) tracing_span: Option<Box<tracing::Span>>,
}

/// Whether the context's span, described here or not, records. Asking it takes its
/// lock; one that was described and is sampled does. But a tracer that does nothing
/// gives the caller's span back.
fn is_recording(cx: &Context, described: bool) -> bool {
    let span = cx.span();
    let is_new = span.span_context().is_sampled() && !span.span_context().is_remote();
    described && is_new || span.is_recording()
}

impl Started {
    fn without_span(cx: Context) -> Self {
        Started {
            cx,
            named: true,
            recording: false,
            start: None,
            #[cfg(feature = "tracing")]
            tracing_span: None,
        }
    }
}
