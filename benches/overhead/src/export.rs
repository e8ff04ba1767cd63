//! The rows that export: the peers and the SDK alone through the SDK's batch
//! processor and opentelemetry-otlp, ours through its own pipeline, each to a
//! collector of its own.

use std::error::Error;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::BatchSpanProcessor;
use rum_trace::actix::RumTrace;
use rum_trace::axum::RumTraceLayer;
use rum_trace::otlp::Pipeline;
use rum_trace::{Instrumenter, InstrumenterBuilder};
use rum_trace_bench_requests::actix::InActix;
use rum_trace_bench_requests::axum::{Layered, router};
use rum_trace_bench_requests::load::{Carrier, Load};
use rum_trace_bench_requests::ours::{OURS, PRIVATE, YARDSTICKS};
use rum_trace_bench_requests::row::{Maker, Row, rows};
use rum_trace_bench_requests::subject::Scoped;
use rum_trace_bench_requests::{actix_app, sdk};

use crate::collector::Collector;
use crate::peers::{self, otel_0_32};

static PIPELINE: OnceLock<Pipeline> = OnceLock::new();

/// The three exports. They run as long as the process does.
#[derive(Debug)]
pub struct Exports {
    ours: Collector,
    sdk: Collector,
    sdk_0_32: Collector,
}

impl Exports {
    /// Starts collectors and exporters.
    ///
    /// # Errors
    ///
    /// If there is no port for a collector.
    ///
    /// # Panics
    ///
    /// If an exporter cannot be made.
    pub fn start() -> io::Result<Self> {
        let exports = Exports {
            ours: Collector::start()?,
            sdk: Collector::start()?,
            sdk_0_32: Collector::start()?,
        };
        let exporter = SpanExporter::builder().with_http();
        let exporter = exporter.with_endpoint(exports.sdk.endpoint()).build();
        let exporter = exporter.expect("an exporter can be made");
        sdk::export_through(BatchSpanProcessor::builder(exporter).build());
        otel_0_32::export_to(exports.sdk_0_32.endpoint());
        let pipeline = Pipeline::builder()
            .service_name("shop")
            .traces_endpoint(exports.ours.endpoint())
            .ignore_environment()
            .build();
        let pipeline = pipeline.expect("the settings are right");
        assert!(PIPELINE.set(pipeline).is_ok(), "there is one pipeline");
        Ok(exports)
    }

    /// Sends all that wait.
    ///
    /// # Errors
    ///
    /// If one of the exporters cannot.
    pub fn flush(&self) -> Result<(), Box<dyn Error>> {
        sdk::flush()?;
        otel_0_32::flush()?;
        Ok(pipeline().flush()?)
    }

    /// Whether each collector has got all that were to be sent to it; asked after a
    /// flush.
    #[must_use]
    pub fn has_all(&self) -> bool {
        // As above.
        std::thread::sleep(Duration::from_millis(50));
        pipeline().stats().lost() == 0
            && self.sdk.spans() == sdk::exported()
            && self.sdk_0_32.spans() == otel_0_32::exported()
    }

    /// How many spans each collector got, and how many ours lost, once all that
    /// wait are sent.
    #[must_use]
    pub fn account(&self) -> String {
        let flushed = self.flush().map_err(|error| error.to_string());
        let failed: Vec<String> = flushed.err().into_iter().collect();
        // The answer to a batch goes out before its spans are counted.
        std::thread::sleep(Duration::from_millis(50));
        let ours = pipeline().stats();
        format!(
            "spans sent: {} by rum-trace's pipeline ({} lost), {} of {} by the SDK's batch \
             processor, {} of {} by that of 0.32{}",
            self.ours.spans(),
            ours.lost(),
            self.sdk.spans(),
            sdk::exported(),
            self.sdk_0_32.spans(),
            otel_0_32::exported(),
            if failed.is_empty() {
                String::new()
            } else {
                format!("; {}", failed.join("; "))
            },
        )
    }
}

/// All that export, and what they are measured by.
#[must_use]
pub fn makers() -> Vec<Maker> {
    let peers = peers::axum::PEERS.iter().chain(&peers::actix::PEERS);
    let peers = peers.filter(|maker| !maker.name().ends_with("+ metrics"));
    YARDSTICKS
        .iter()
        .chain(peers)
        .chain(&RUM_TRACE)
        .copied()
        .collect()
}

/// The rows of the exporting table: W3C, sampled.
#[must_use]
pub fn exporting() -> Vec<Row> {
    rows(&makers(), &[Load::new(Carrier::W3c, true)])
}

/// Ours, through the pipeline.
const RUM_TRACE: [Maker; 4] = [
    Maker::axum(OURS, || axum(Instrumenter::builder())),
    Maker::axum(PRIVATE, || axum(private())),
    Maker::actix(OURS, |load| actix(load, Instrumenter::builder())),
    Maker::actix(PRIVATE, |load| actix(load, private())),
];

fn private() -> InstrumenterBuilder {
    Instrumenter::builder().rum_in_trace_state(false)
}

fn axum(builder: InstrumenterBuilder) -> Layered {
    let builder = builder.span_starter(pipeline().span_starter());
    let layer = RumTraceLayer::from_builder(builder).expect("the settings are right");
    Layered::plain(router().layer(layer))
}

fn actix(load: Load, builder: InstrumenterBuilder) -> Scoped {
    let builder = builder.span_starter(pipeline().span_starter());
    let wrap = RumTrace::from_builder(builder).expect("the settings are right");
    Scoped::plain(InActix::new(actix_app!(wrap), load))
}

fn pipeline() -> &'static Pipeline {
    PIPELINE.get().expect("the exports are started first")
}
