#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use opentelemetry;
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use rum_trace_core::tracing_layer;
pub use rum_trace_core::{
    ActiveCall, ActiveRequest, BuildError, CORS_REQUEST_HEADERS, CORS_RESPONSE_HEADERS,
    CallFailure, Caller, Carrier, CarrierClass, ContextSnapshot, Failure, Finding, IdPolicy,
    InContext, Injection, Instrumenter, InstrumenterBuilder, MalformedPart, MetricLabel, Privacy,
    RequestInfo, ResponseInfo, RumContext, RumKey, RumSource, RumTracePropagator, ServerTiming,
    Stats, TraceProtocol, Trust, TrustPolicy, TrustedProxies, UrlTemplate,
    VERIFICATION_REQUEST_HEADER, VERIFICATION_RESPONSE_HEADER,
};
pub use rum_trace_propagation as propagation;

/// The tower adapter: [`RumTraceLayer`](tower::RumTraceLayer) and its parts.
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod tower {
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub use rum_trace_tower::client;
    pub use rum_trace_tower::{ResponseBody, ResponseFuture, RumTrace, RumTraceLayer, inject};
}

/// The actix-web adapter: the middleware, extractors for handlers, and (feature `awc`)
/// the middleware of its client.
#[cfg(feature = "actix")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix")))]
pub mod actix {
    pub use rum_trace_actix::{CurrentTrace, MissingRum, Rum, RumTrace};
    #[cfg(feature = "awc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "awc")))]
    pub use rum_trace_actix::{RumTraceClient, RumTraceRedirects};
}

/// The axum adapter: the layer, and extractors for handlers.
#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod axum {
    pub use rum_trace_tower::RumTraceLayer;
    pub use rum_trace_tower::axum::{CurrentTrace, MissingRum, Rum};
}

/// The client side for reqwest: [`client`](reqwest::client) and its parts.
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub mod reqwest {
    pub use rum_trace_reqwest::{
        FollowRedirects, RedirectError, RumTraceClientBuilder, RumTraceMiddleware, client,
    };
}

/// The export pipeline: OpenTelemetry SDK and OTLP.
#[cfg(feature = "otlp")]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp")))]
pub mod otlp {
    pub use rum_trace_otlp::*;
}

#[cfg(feature = "serve")]
#[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
pub mod serve;

/// The repository's own README, so that its example compiles too.
#[cfg(all(doctest, feature = "axum", feature = "serve"))]
#[doc = include_str!("../../../README.md")]
mod repository_readme {}
