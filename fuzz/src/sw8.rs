//! SkyWalking's headers and ids.

use crate::oracle;
use rum_trace_propagation::sw8::{
    Sw8Extension, correlation as correlation_header, otel_span_id, otel_trace_id, segment_id,
};
use rum_trace_propagation::{SpanId, Sw8, TraceId};

/// `sw8`; printed, it is below 2 KiB and, where nothing had to be cut, reads as
/// the same.
pub fn sw8(input: &[u8]) {
    let read = Sw8::parse(input);
    assert_eq!(read.as_ref().ok().map(fields), oracle::sw8::parse(input));
    match read {
        Ok(header) => {
            printed(&header);
            let app = oracle::sw8::is_app_id(header.service()).then_some(header.service());
            assert_eq!(header.app_id(), app);
            assert_eq!(header.otel_trace_id(), otel_trace_id(header.trace_id()));
            let parent = otel_span_id(header.segment_id(), header.span_id());
            assert_eq!(header.otel_parent_id(), parent);
        }
        Err(error) => assert!(error.at() <= input.len(), "{error}"),
    }
}

fn fields(header: &Sw8) -> oracle::sw8::Header {
    oracle::sw8::Header {
        sampled: header.sampled(),
        trace_id: header.trace_id().to_owned(),
        segment_id: header.segment_id().to_owned(),
        span_id: header.span_id(),
        service: header.service().to_owned(),
        instance: header.instance().to_owned(),
        endpoint: header.endpoint().to_owned(),
        peer: header.peer().to_owned(),
    }
}

fn printed(header: &Sw8) {
    let text = header.parts().encode();
    // Ids are not cut; longer ones than any agent's may not leave room.
    if header.trace_id().len() + header.segment_id().len() > 1024 {
        return;
    }
    assert!(text.len() < 2048, "{} bytes", text.len());
    let again = Sw8::parse(text.as_bytes()).expect("what we print is read");
    let whole = or_placeholders(fields(header));
    if oracle::sw8::print(&whole).len() < 2048 {
        assert_eq!(fields(&again), whole);
    }
    assert_eq!(again.otel_trace_id(), header.otel_trace_id());
    assert_eq!(again.otel_parent_id(), header.otel_parent_id());
}

/// The fields with what stands on the wire for an empty one.
fn or_placeholders(mut header: oracle::sw8::Header) -> oracle::sw8::Header {
    let names = [
        (&mut header.service, "unknown"),
        (&mut header.instance, "unknown"),
        (&mut header.endpoint, "/"),
        (&mut header.peer, "0.0.0.0"),
    ];
    for (name, placeholder) in names {
        if name.is_empty() {
            placeholder.clone_into(name);
        }
    }
    header
}

/// Any text as an id, its first four bytes as an index too; and any bytes as
/// ids that must be found again.
pub fn sw8_ids(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let trace_id = otel_trace_id(&text);
    assert_eq!(
        trace_id.to_bytes(),
        oracle::sw8_ids::trace_id(text.as_bytes())
    );
    let first = input
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    for index in [0, 1, first & 0xff, first] {
        let span_id = otel_span_id(&text, index);
        assert_eq!(
            span_id.to_bytes(),
            oracle::sw8_ids::span_id(text.as_bytes(), index)
        );
    }
    let trace_id = input
        .first_chunk()
        .and_then(|bytes| TraceId::from_bytes(*bytes));
    let span_id = input
        .last_chunk()
        .and_then(|bytes| SpanId::from_bytes(*bytes));
    if let (Some(trace_id), Some(span_id)) = (trace_id, span_id) {
        let expected = oracle::sw8_ids::segment_id(trace_id.to_bytes(), span_id.to_bytes());
        let segment = segment_id(trace_id, span_id);
        let segment = std::str::from_utf8(&segment).expect("hex digits");
        assert_eq!(segment, expected);
        assert_eq!(otel_span_id(segment, 0), span_id);
    }
}

/// `sw8-x`.
pub fn sw8_extension(input: &[u8]) {
    let read = Sw8Extension::parse(input);
    let fields = read
        .as_ref()
        .ok()
        .map(|x| (x.skip_analysis(), x.sent_at_millis()));
    assert_eq!(fields, oracle::sw8_extension::parse(input));
    match read {
        Ok(read) => assert_eq!(Sw8Extension::parse(read.encode().as_bytes()), Ok(read)),
        Err(error) => assert!(error.at() <= input.len(), "{error}"),
    }
}

/// `sw8-correlation`; what is printed again are its first three short pairs.
pub fn correlation(input: &[u8]) {
    let read: Vec<_> = correlation_header::pairs(input).map(Result::ok).collect();
    assert_eq!(read, oracle::correlation::pairs(input));
    let pairs: Vec<(String, String)> = read.into_iter().flatten().collect();
    let text = correlation_header::encode(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    assert_eq!(text, oracle::correlation::encode(&pairs));
    let again: Result<Vec<_>, _> = correlation_header::pairs(text.as_bytes()).collect();
    let short = pairs.into_iter().filter(|(_, value)| value.len() <= 128);
    assert_eq!(again, Ok(short.take(3).collect()));
}
