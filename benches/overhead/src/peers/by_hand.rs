//! tower-http's `TraceLayer` with spans of one's own, tuned as far as it goes:
//! none of the layer's log events, none of tracing-opentelemetry's extras.

use std::net::SocketAddr;
use std::time::Duration;

use ::axum::extract::{ConnectInfo, MatchedPath};
use http::header::{HOST, HeaderName, USER_AGENT};
use http::{Request, Response};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::HeaderExtractor;
use rum_trace_bench_requests::axum::{Layered, router};
use rum_trace_bench_requests::sdk;
use tower_http::trace::TraceLayer;
use tracing::field::Empty;
use tracing::{Dispatch, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

/// The row.
pub fn make() -> Layered {
    let layer = TraceLayer::new_for_http()
        .make_span_with(|request: &Request<_>| span(request))
        .on_request(())
        .on_response(|response: &Response<_>, _: Duration, span: &Span| {
            let status = i64::from(response.status().as_u16());
            span.record("http.response.status_code", status);
        })
        .on_body_chunk(())
        .on_eos(())
        .on_failure(());
    Layered::under(subscriber(), router().layer(layer))
}

fn subscriber() -> Dispatch {
    let layer = tracing_opentelemetry::layer()
        .with_tracer(sdk::provider().tracer("shop"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    let subscriber = tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(layer);
    Dispatch::new(subscriber)
}

/// A SERVER span with 12 attributes, the one of the status included.
fn span<B>(request: &Request<B>) -> Span {
    let header = |name: &HeaderName| request.headers().get(name)?.to_str().ok();
    let host = header(&HOST).and_then(|host| host.split_once(':'));
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| *peer);
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        http.request.method = request.method().as_str(),
        http.route = route,
        http.response.status_code = Empty,
        url.path = request.uri().path(),
        url.scheme = "http",
        server.address = host.map(|(host, _)| host),
        server.port = host.and_then(|(_, port)| port.parse::<i64>().ok()),
        user_agent.original = header(&USER_AGENT),
        network.protocol.version = "1.1",
        network.peer.address = peer.map(|peer| display(peer.ip())),
        network.peer.port = peer.map(|peer| peer.port()),
        client.address = peer.map(|peer| display(peer.ip())),
    );
    let parent = global::get_text_map_propagator(|propagator| {
        propagator.extract(&HeaderExtractor(request.headers()))
    });
    // It fails where a filter hides the span, which none does.
    let _ = span.set_parent(parent);
    span
}
