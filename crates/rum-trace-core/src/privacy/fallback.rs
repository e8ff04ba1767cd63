//! What the user's fallback propagator finds, without the hidden ids: it reads the
//! headers as they came.

use std::borrow::Cow;

use opentelemetry::Context;
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::trace::TraceContextExt;

use super::Hiding;
use crate::trace_state;

impl Hiding<'_> {
    /// The context with what may be kept of its span's trace state and of its baggage.
    #[inline(never)]
    pub(crate) fn context(&self, cx: Context) -> Context {
        let cx = self.with_shown_list(cx);
        self.with_shown_baggage(cx)
    }

    fn with_shown_list(&self, cx: Context) -> Context {
        let found = cx.span().span_context().clone();
        let list = found.trace_state().header();
        let Cow::Owned(shown) = self.list(&list) else {
            return cx;
        };
        let shown = trace_state::to_sdk(&shown, true);
        cx.with_remote_span_context(trace_state::with_state(&found, shown))
    }

    fn with_shown_baggage(&self, cx: Context) -> Context {
        let mut is_whole = true;
        let entries = cx.baggage().iter().filter_map(|(key, (value, metadata))| {
            let shown = self.entry(key.as_str(), value.as_str(), metadata.as_str());
            is_whole &= matches!(shown, Some(Cow::Borrowed(_)));
            let shown = shown?.into_owned();
            Some(KeyValueMetadata::new(key.clone(), shown, metadata.clone()))
        });
        let entries: Vec<KeyValueMetadata> = entries.collect();
        if is_whole {
            cx
        } else {
            cx.with_baggage(entries)
        }
    }
}
