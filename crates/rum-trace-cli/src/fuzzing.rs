//! What fuzz/ calls: the way of an OTLP body, from the wire into the store, and of what a
//! server answers to `verify`.

use std::sync::Arc;

use bytes::Bytes;
use rum_trace_propagation::TraceId;

use crate::collector::{Coding, Intake, Limits, MediaType, RequestLimits, Store, decode};

const BODY: usize = 64 * 1024;
const STORE: usize = 1024 * 1024;

/// The first byte says how the rest is written. Nothing may panic, and nothing
/// may take more memory than the limits say.
pub fn otlp(input: &[u8]) {
    let Some((form, body)) = input.split_first() else {
        return;
    };
    let media_type = match form & 1 {
        0 => MediaType::Protobuf,
        _ => MediaType::Json,
    };
    let coding = match (form >> 1) % 3 {
        0 => Coding::Identity,
        1 => Coding::Gzip,
        _ => Coding::Zstd,
    };
    let limits = RequestLimits {
        body: BODY,
        decoded: 8 * BODY,
        ..RequestLimits::default()
    };
    let Ok(plain) = coding.decompress(Bytes::copy_from_slice(body), limits) else {
        return;
    };
    assert!(plain.len() <= BODY.max(body.len()));
    let Ok(request) = decode(plain, media_type, limits) else {
        return;
    };
    let ids = request
        .resource_spans
        .iter()
        .flat_map(|of_resource| &of_resource.scope_spans)
        .flat_map(|of_scope| &of_scope.spans)
        .filter_map(|span| TraceId::from_bytes(span.trace_id.as_slice().try_into().ok()?));
    let ids: Vec<TraceId> = ids.collect();
    let store = Arc::new(Store::new(Limits {
        traces: 8,
        bytes: STORE,
    }));
    Intake::new(Arc::clone(&store)).take(request);
    assert!(store.counts().bytes <= STORE as u64);
    for span in ids.into_iter().flat_map(|id| store.trace(id)) {
        let events = span.events.iter().map(|event| &event.attributes);
        let mut keys = 0;
        for attributes in events.chain([&span.attributes]) {
            // As the API shows them: a reader must get as many.
            let json = serde_json::to_value(attributes).unwrap_or_default();
            let count = json.as_array().map(Vec::len);
            assert_eq!(count, Some(attributes.iter().count()));
            keys += attributes.iter().map(|pair| pair.key.len()).sum::<usize>();
        }
        assert!(span.weight() >= size_of_val(&*span) + span.name.len() + keys);
    }
}

pub use crate::verify::fuzzing::answer;
