//! From a decoded request into the store: the same for every transport.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};

use super::resource::{Resource, Scope};
use super::span::Span;
use super::stats::ReceiverStats;
use super::store::Store;

/// How many resources, and scopes, are looked through for one that is the same.
const RECENT: usize = 32;
/// The heaviest resource that is remembered.
const MAX_REMEMBERED: usize = 64 * 1024;

const TRACE_TOO_LARGE: &str =
    "a trace takes a quarter of the store's memory: no more of it is kept";

/// Takes what the receivers decode.
#[derive(Debug)]
pub(crate) struct Intake {
    store: Arc<Store>,
    pub(crate) stats: ReceiverStats,
    resources: Recent<Resource>,
    scopes: Recent<Scope>,
}

impl Intake {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            stats: ReceiverStats::default(),
            resources: Recent::default(),
            scopes: Recent::default(),
        }
    }

    /// Stores what are spans, and tells the sender of those that are none.
    pub(crate) fn take(&self, request: ExportTraceServiceRequest) -> ExportTraceServiceResponse {
        let mut rejected = ExportTracePartialSuccess::default();
        let mut spans = Vec::new();
        for of_resource in request.resource_spans {
            let resource = Resource::from_proto(of_resource.resource.unwrap_or_default());
            let weight = resource.weight();
            let resource = self.resources.same(resource, weight);
            for of_scope in of_resource.scope_spans {
                let scope = Scope::from_proto(of_scope.scope.unwrap_or_default());
                let weight = scope.weight();
                let scope = self.scopes.same(scope, weight);
                for span in of_scope.spans {
                    match Span::from_proto(span, &resource, &scope) {
                        Ok(span) => spans.push(span),
                        Err(fault) => {
                            self.stats.refused_span(fault);
                            rejected.rejected_spans = rejected.rejected_spans.saturating_add(1);
                            rejected.error_message = fault.to_string();
                        }
                    }
                }
            }
        }
        self.stats.taken();
        let refused = self.store.insert(spans);
        if refused > 0 {
            let refused = i64::try_from(refused).unwrap_or(i64::MAX);
            rejected.rejected_spans = rejected.rejected_spans.saturating_add(refused);
            TRACE_TOO_LARGE.clone_into(&mut rejected.error_message);
        }
        ExportTraceServiceResponse {
            // Unset if all were taken.
            partial_success: (rejected.rejected_spans > 0).then_some(rejected),
        }
    }
}

/// The last few of a kind: a service sends the same resource with each batch,
/// and it need not be kept each time.
#[derive(Debug)]
struct Recent<T>(Mutex<VecDeque<Arc<T>>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: PartialEq> Recent<T> {
    fn same(&self, new: T, weight: usize) -> Arc<T> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = recent.iter().find(|known| ***known == new) {
            return Arc::clone(known);
        }
        let new = Arc::new(new);
        if weight <= MAX_REMEMBERED {
            recent.push_front(Arc::clone(&new));
            recent.truncate(RECENT);
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
    use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
    use rum_trace_propagation::TraceId;

    use super::*;
    use crate::collector::{Limits, SpanBuilder};

    fn request(builders: impl IntoIterator<Item = SpanBuilder>) -> ExportTraceServiceRequest {
        let of_scope = ScopeSpans {
            scope: Some(InstrumentationScope::default()),
            spans: builders.into_iter().map(SpanBuilder::proto).collect(),
            ..ScopeSpans::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(ProtoResource::default()),
                scope_spans: vec![of_scope],
                ..ResourceSpans::default()
            }],
        }
    }

    #[test]
    fn spans_are_kept_and_those_that_are_none_are_told_and_counted() {
        let store = Arc::new(Store::new(Limits::default()));
        let intake = Intake::new(Arc::clone(&store));
        let span = |trace, id| SpanBuilder::new("", trace, id, 3);
        let answer = intake.take(request([span(1, 2), span(0, 2), span(1, 0)]));
        let partial = answer.partial_success.unwrap();
        assert_eq!(partial.rejected_spans, 2);
        assert!(partial.error_message.contains("span_id"));
        assert_eq!(intake.take(request([span(1, 4)])).partial_success, None);

        let kept = store.trace(TraceId::from_bytes([1; 16]).unwrap());
        assert_eq!(kept.len(), 2);
        // Of two requests, and still the same.
        assert!(Arc::ptr_eq(&kept[0].resource, &kept[1].resource));
        assert!(Arc::ptr_eq(&kept[0].scope, &kept[1].scope));
        let stats = intake.stats.snapshot();
        assert_eq!((store.received(), stats.requests), (2, 2));
        assert_eq!(stats.refused.spans["invalid_id"], 2);
    }

    #[test]
    fn few_and_light_ones_are_remembered() {
        let recent = Recent::default();
        let (first, heavy) = (recent.same(0, 1), recent.same(-1, MAX_REMEMBERED + 1));
        assert!(Arc::ptr_eq(&first, &recent.same(0, 1)));
        assert!(!Arc::ptr_eq(&heavy, &recent.same(-1, MAX_REMEMBERED + 1)));
        for number in 1..=RECENT {
            recent.same(i64::try_from(number).unwrap(), 1);
        }
        assert!(!Arc::ptr_eq(&first, &recent.same(0, 1)));
    }
}
