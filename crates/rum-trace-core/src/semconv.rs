//! Attribute names: OpenTelemetry's where one fits, and ours.
//!
//! They are written out here rather than taken from
//! `opentelemetry-semantic-conventions`, which gates half of them behind a
//! feature for unstable names; a test compares them with that crate.

/// The version of the semantic conventions that the spans follow.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.42.0";

pub(crate) const CLIENT_ADDRESS: &str = "client.address";
pub(crate) const CLIENT_PORT: &str = "client.port";
pub(crate) const ERROR_TYPE: &str = "error.type";
pub(crate) const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub(crate) const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub(crate) const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
pub(crate) const HTTP_ROUTE: &str = "http.route";
pub(crate) const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
pub(crate) const NETWORK_PEER_PORT: &str = "network.peer.port";
pub(crate) const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
pub(crate) const RPC_METHOD: &str = "rpc.method";
pub(crate) const RPC_METHOD_ORIGINAL: &str = "rpc.method_original";
pub(crate) const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";
pub(crate) const RPC_SYSTEM_NAME: &str = "rpc.system.name";
pub(crate) const SERVER_ADDRESS: &str = "server.address";
pub(crate) const SERVER_PORT: &str = "server.port";
pub(crate) const SESSION_ID: &str = "session.id";
pub(crate) const URL_FULL: &str = "url.full";
pub(crate) const URL_PATH: &str = "url.path";
pub(crate) const URL_QUERY: &str = "url.query";
pub(crate) const URL_SCHEME: &str = "url.scheme";
pub(crate) const URL_TEMPLATE: &str = "url.template";
pub(crate) const USER_AGENT_ORIGINAL: &str = "user_agent.original";
pub(crate) const USER_ID: &str = "user.id";

// Metrics.
pub(crate) const HTTP_CLIENT_REQUEST_DURATION: &str = "http.client.request.duration";
pub(crate) const HTTP_SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";
pub(crate) const HTTP_SERVER_REQUEST_BODY_SIZE: &str = "http.server.request.body.size";
pub(crate) const HTTP_SERVER_REQUEST_DURATION: &str = "http.server.request.duration";
pub(crate) const HTTP_SERVER_RESPONSE_BODY_SIZE: &str = "http.server.response.body.size";
pub(crate) const RPC_CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";
pub(crate) const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";

// What has no standard name.
pub(crate) const RUM_APP_CHANNEL: &str = "rum.app.channel";
pub(crate) const RUM_APP_ID: &str = "rum.app.id";
pub(crate) const RUM_APP_TYPE: &str = "rum.app.type";
pub(crate) const RUM_APP_VERSION: &str = "rum.app.version";
pub(crate) const RUM_CARRIER: &str = "rum.carrier";
pub(crate) const RUM_RESPONSE_TIME_TO_FIRST_BYTE: &str = "rum.response.time_to_first_byte";
pub(crate) const RUM_SDK_VERSION: &str = "rum.sdk.version";
pub(crate) const RUM_TRUST: &str = "rum.trust";
pub(crate) const RUM_VERSION: &str = "rum.version";

// The first three as the OpenTelemetry Collector's SkyWalking receiver writes them.
pub(crate) const SW8_TRACE_ID: &str = "sw8.trace_id";
pub(crate) const SW8_PARENT_SEGMENT_ID: &str = "sw8.parent_segment_id";
pub(crate) const SW8_PARENT_SPAN_ID: &str = "sw8.parent_span_id";
pub(crate) const SW8_PARENT_SERVICE: &str = "sw8.parent_service";
pub(crate) const SW8_PARENT_SERVICE_INSTANCE: &str = "sw8.parent_service_instance";
pub(crate) const SW8_PARENT_ENDPOINT: &str = "sw8.parent_endpoint";
pub(crate) const SW8_PEER: &str = "sw8.peer";

// What requests came to, see `diagnosis`.
pub(crate) const RUM_TRACE_SERVER_REQUESTS: &str = "rum_trace.server.requests";
pub(crate) const RUM_TRACE_SERVER_FINDINGS: &str = "rum_trace.server.findings";
pub(crate) const RUM_TRACE_CARRIER_CLASS: &str = "rum_trace.carrier.class";
pub(crate) const RUM_TRACE_CARRIER_PROTOCOL: &str = "rum_trace.carrier.protocol";
pub(crate) const RUM_TRACE_CARRIER_PART: &str = "rum_trace.carrier.part";
pub(crate) const RUM_TRACE_FINDING: &str = "rum_trace.finding";

#[cfg(test)]
mod tests {
    use opentelemetry_semantic_conventions as conventions;

    #[test]
    fn names_are_the_conventions_own() {
        use conventions::{attribute as a, metric as m};
        let table = [
            (super::CLIENT_ADDRESS, a::CLIENT_ADDRESS),
            (super::CLIENT_PORT, a::CLIENT_PORT),
            (super::ERROR_TYPE, a::ERROR_TYPE),
            (super::HTTP_REQUEST_METHOD, a::HTTP_REQUEST_METHOD),
            (
                super::HTTP_REQUEST_METHOD_ORIGINAL,
                a::HTTP_REQUEST_METHOD_ORIGINAL,
            ),
            (
                super::HTTP_RESPONSE_STATUS_CODE,
                a::HTTP_RESPONSE_STATUS_CODE,
            ),
            (super::HTTP_ROUTE, a::HTTP_ROUTE),
            (super::NETWORK_PEER_ADDRESS, a::NETWORK_PEER_ADDRESS),
            (super::NETWORK_PEER_PORT, a::NETWORK_PEER_PORT),
            (super::NETWORK_PROTOCOL_VERSION, a::NETWORK_PROTOCOL_VERSION),
            (super::RPC_METHOD, a::RPC_METHOD),
            (super::RPC_METHOD_ORIGINAL, a::RPC_METHOD_ORIGINAL),
            (super::RPC_RESPONSE_STATUS_CODE, a::RPC_RESPONSE_STATUS_CODE),
            (super::RPC_SYSTEM_NAME, a::RPC_SYSTEM_NAME),
            (super::SERVER_ADDRESS, a::SERVER_ADDRESS),
            (super::SERVER_PORT, a::SERVER_PORT),
            (super::SESSION_ID, a::SESSION_ID),
            (
                super::HTTP_REQUEST_RESEND_COUNT,
                a::HTTP_REQUEST_RESEND_COUNT,
            ),
            (super::URL_FULL, a::URL_FULL),
            (super::URL_PATH, a::URL_PATH),
            (super::URL_TEMPLATE, a::URL_TEMPLATE),
            (super::URL_QUERY, a::URL_QUERY),
            (super::URL_SCHEME, a::URL_SCHEME),
            (super::USER_AGENT_ORIGINAL, a::USER_AGENT_ORIGINAL),
            (super::USER_ID, a::USER_ID),
            (super::SCHEMA_URL, conventions::SCHEMA_URL),
            (
                super::HTTP_SERVER_ACTIVE_REQUESTS,
                m::HTTP_SERVER_ACTIVE_REQUESTS,
            ),
            (
                super::HTTP_SERVER_REQUEST_BODY_SIZE,
                m::HTTP_SERVER_REQUEST_BODY_SIZE,
            ),
            (
                super::HTTP_SERVER_REQUEST_DURATION,
                m::HTTP_SERVER_REQUEST_DURATION,
            ),
            (
                super::HTTP_SERVER_RESPONSE_BODY_SIZE,
                m::HTTP_SERVER_RESPONSE_BODY_SIZE,
            ),
            (
                super::HTTP_CLIENT_REQUEST_DURATION,
                m::HTTP_CLIENT_REQUEST_DURATION,
            ),
            (super::RPC_CLIENT_CALL_DURATION, m::RPC_CLIENT_CALL_DURATION),
            (super::RPC_SERVER_CALL_DURATION, m::RPC_SERVER_CALL_DURATION),
        ];
        for (ours, theirs) in table {
            assert_eq!(ours, theirs);
        }
    }
}
