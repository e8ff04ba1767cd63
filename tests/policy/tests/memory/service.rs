//! A service with everything on, whose collector is away.

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use rum_trace_core::{
    Caller, IdPolicy, Instrumenter, MetricLabel, Privacy, RequestInfo as _, ServerTiming,
    TraceProtocol, Trust, TrustPolicy, TrustedProxies,
};
use rum_trace_otlp::{DropReason, Pipeline};

use super::client::Request;

/// The SDK's own limit, with one series for all that is over it.
const MOST_SERIES: usize = 2_001;

/// One request in this many is followed by a gRPC call.
const GRPC_EVERY: u64 = 4;

pub(crate) struct Service {
    instrumenter: Instrumenter,
    pipeline: Pipeline,
    meters: SdkMeterProvider,
    measured: InMemoryMetricExporter,
}

impl Service {
    pub(crate) fn start() -> Self {
        let nobody = rum_trace_loopback::reserved();
        let pipeline = Pipeline::builder()
            .ignore_environment()
            .service_name("flat")
            .endpoint(format!("http://{nobody}"))
            .scheduled_delay(Duration::from_millis(10))
            .max_queue_bytes(256 << 10)
            .max_kept_bytes(256 << 10)
            .build()
            .expect("settings are right");
        let measured = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(measured.clone())
            .with_interval(Duration::from_secs(3_600))
            .build();
        let meters = SdkMeterProvider::builder().with_reader(reader).build();
        let instrumenter = Instrumenter::builder()
            .span_starter(pipeline.span_starter())
            .meter_provider(&meters)
            .metric_label(MetricLabel::AppType)
            .metric_label(MetricLabel::AppId { at_most: 50 })
            .server_timing(ServerTiming::Traceparent)
            .capture_request_header("x-listed")
            .privacy(privacy())
            .trust(TrustPolicy::by(trust))
            .trusted_proxies(TrustedProxies::hops(1))
            .protocol_to("*.internal", TraceProtocol::Both)
            .build()
            .expect("settings are right");
        Service {
            instrumenter,
            pipeline,
            meters,
            measured,
        }
    }

    /// A request to a route, and one to a gRPC method; each calls the next service.
    pub(crate) fn serve(&self, number: u64) {
        self.one(&Request::to_route(number));
        if number % GRPC_EVERY == 0 {
            self.one(&Request::to_grpc_method(number));
        }
    }
}

impl Service {
    fn one(&self, request: &Request) {
        let mut active = self.instrumenter.start(request);
        {
            let _scope = active.scope();
            self.call_next(request, active.context());
        }
        active.on_response(&200);
        active.response_headers(&mut |_, _| {});
        active.on_frame(100);
        active.finish();
    }

    /// As a gateway does: by what the client asked for.
    fn call_next(&self, request: &Request, parent: &Context) {
        let mut call = self.instrumenter.start_call(request, parent);
        let mut headers = HashMap::<String, String>::new();
        let authority = request.authority().unwrap_or_default();
        call.injection(authority)
            .inject(call.context(), &mut headers);
        assert!(headers.contains_key("traceparent"), "{headers:?}");
        call.on_response(&200);
        call.finish();
    }

    /// Each request was seen, and each span is accounted for.
    pub(crate) fn stop(self, requests: u64) {
        let requests = requests + requests.div_ceil(GRPC_EVERY);
        assert_eq!(self.instrumenter.stats().requests(), requests);
        let stats = self.pipeline.stats();
        // Each with the CLIENT span below it.
        assert_eq!(stats.ended(), 2 * requests, "{stats:?}");
        assert!(
            stats.dropped(DropReason::QueueFull) > 0,
            "the queue was full: {stats:?}"
        );
        self.meters.force_flush().expect("a flush");
        let series = self.series();
        assert!(series > 0 && series <= MOST_SERIES, "{series} series");
    }

    /// Of the metric that has the most.
    fn series(&self) -> usize {
        let exports = self.measured.get_finished_metrics().expect("metrics");
        let scopes = exports.iter().flat_map(ResourceMetrics::scope_metrics);
        let metrics = scopes.flat_map(ScopeMetrics::metrics);
        metrics
            .map(|metric| points(metric.data()))
            .max()
            .unwrap_or_default()
    }
}

/// Hashed: it takes more than to drop it.
fn privacy() -> Privacy {
    let hashed = Privacy::keep_all().session_id(IdPolicy::Hash);
    hashed.user_id(IdPolicy::Hash).hash_key([7; 32])
}

/// Now this, now that.
fn trust(caller: &Caller<'_>) -> Trust {
    let last = caller.app_id().and_then(|id| id.bytes().last());
    match last {
        Some(b'7') => Trust::Link,
        Some(b'8') => Trust::Restart,
        _ => Trust::Parent,
    }
}

fn points(data: &AggregatedMetrics) -> usize {
    match data {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram.data_points().count(),
        AggregatedMetrics::U64(MetricData::Histogram(histogram)) => histogram.data_points().count(),
        AggregatedMetrics::I64(MetricData::Sum(sum)) => sum.data_points().count(),
        AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().count(),
        _ => 0,
    }
}
