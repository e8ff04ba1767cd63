//! The fields of SkyWalking's `language-agent/Tracing.proto` (v3) that are read here; the
//! others are skipped.

/// The spans of one thread of one service in one trace.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SegmentObject {
    #[prost(string, tag = "1")]
    pub(super) trace_id: String,
    #[prost(string, tag = "2")]
    pub(super) segment_id: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) spans: Vec<SpanObject>,
    #[prost(string, tag = "4")]
    pub(super) service: String,
    #[prost(string, tag = "5")]
    pub(super) service_instance: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SpanObject {
    /// Its index in the segment.
    #[prost(int32, tag = "1")]
    pub(super) span_id: i32,
    /// -1 for the segment's first span.
    #[prost(int32, tag = "2")]
    pub(super) parent_span_id: i32,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "3")]
    pub(super) start_time: i64,
    #[prost(int64, tag = "4")]
    pub(super) end_time: i64,
    #[prost(message, repeated, tag = "5")]
    pub(super) refs: Vec<SegmentReference>,
    #[prost(string, tag = "6")]
    pub(super) operation_name: String,
    #[prost(enumeration = "SpanType", tag = "8")]
    pub(super) span_type: i32,
}

/// The span of another segment that a segment was called from.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SegmentReference {
    #[prost(string, tag = "2")]
    pub(super) trace_id: String,
    #[prost(string, tag = "3")]
    pub(super) parent_segment_id: String,
    #[prost(int32, tag = "4")]
    pub(super) parent_span_id: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum SpanType {
    Entry = 0,
    Exit = 1,
    Local = 2,
}
