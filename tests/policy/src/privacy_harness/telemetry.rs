//! A service's instrumenter, and what it exports, as it is on the wire.

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use prost::Message;
use rum_trace_core::{Carrier, Instrumenter, InstrumenterBuilder, MetricLabel, ServerTiming};
use rum_trace_otlp::Pipeline;

use super::peer::Peer;
use super::{OWN_HOST, Outputs, PATIENCE, Settings};

pub(super) struct Telemetry {
    collector: Peer,
    pipeline: Pipeline,
    meters: SdkMeterProvider,
    metrics: InMemoryMetricExporter,
}

impl Telemetry {
    pub(super) async fn start() -> Self {
        let collector = Peer::start().await;
        let pipeline = Pipeline::builder()
            .ignore_environment()
            .service_name("shop")
            .endpoint(format!("http://{}", collector.address))
            .session_on_every_span(true)
            .build();
        let metrics = InMemoryMetricExporter::default();
        let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics.clone());
        Telemetry {
            collector,
            pipeline: pipeline.expect("settings that are right"),
            meters: meters.build(),
            metrics,
        }
    }

    pub(super) fn instrumenter(&self, settings: &Settings) -> Instrumenter {
        let builder = Instrumenter::builder()
            .span_starter(self.pipeline.span_starter())
            .meter_provider(&self.meters)
            .metric_label(MetricLabel::AppType)
            .metric_label(MetricLabel::AppId { at_most: 10 })
            .server_timing(ServerTiming::Traceparent)
            .internal_hosts_are_own(false)
            .own_host(OWN_HOST)
            .trace_third_parties(true);
        let instrumenter = told(builder, settings).build();
        instrumenter.expect("settings that are right")
    }

    /// Ends the export. The service is gone by now, so that all its spans have ended.
    pub(super) fn end(self, outputs: &mut Outputs) {
        self.pipeline.shutdown(PATIENCE).expect("it is flushed");
        for request in self.collector.requests() {
            outputs.add("spans", request);
        }
        self.meters.force_flush().expect("into memory");
        let finished = self.metrics.get_finished_metrics();
        for metrics in finished.expect("its lock") {
            let request = ExportMetricsServiceRequest::from(&metrics);
            outputs.add("metrics", request.encode_to_vec());
        }
    }
}

fn told(builder: InstrumenterBuilder, settings: &Settings) -> InstrumenterBuilder {
    let mut builder = builder
        .privacy(settings.privacy())
        .rum_in_trace_state(settings.rum_in_trace_state)
        .tracing_spans(settings.tracing_spans);
    if let Some(protocol) = settings.protocol {
        builder = builder.protocol_to(OWN_HOST, protocol);
    }
    if settings.fallback {
        let propagator = TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]);
        builder = builder
            .carriers([Carrier::Sw8])
            .fallback_propagator(propagator);
    }
    if settings.skipped {
        builder = builder.skip("/cart");
    }
    builder
}
