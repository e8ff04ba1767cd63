//! What stands while the demo runs: collector, stock service and shop.

use std::io;
use std::time::Duration;

use axum::Router;
use opentelemetry_sdk::trace::SpanLimits;
use rum_trace::axum::RumTraceLayer;
use rum_trace::opentelemetry::trace::TracerProvider as _;
use rum_trace::otlp::{Pipeline, PipelineError, ShutdownError};
use rum_trace::{BuildError, Instrumenter};

use super::call::Stock;
use super::{shop, stock};
use crate::collector::{self, Collector, Options};
use crate::loopback::Server;

/// The names under which the services export.
pub(crate) const SHOP: &str = "shop";
pub(crate) const STOCK: &str = "stock";

/// How long a span waits for others of its batch: short, since somebody watches.
const DELAY: Duration = Duration::from_millis(50);
/// How long the last spans may take to go out, per service.
const FAREWELL: Duration = Duration::from_secs(3);

/// Everything that the phones' requests pass.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) collector: Collector,
    pub(crate) stock: Service,
    pub(crate) shop: Service,
}

/// A service with an export of its own.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) server: Server,
    pipeline: Pipeline,
}

/// Why the demo cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("no runtime could be started: {0}")]
    Runtime(#[source] io::Error),
    #[error("{what} cannot listen on a free port of 127.0.0.1: {error}")]
    Listen {
        what: &'static str,
        #[source]
        error: io::Error,
    },
    #[error(transparent)]
    Collector(#[from] collector::StartError),
    #[error("the export of {service} cannot be set up: {error}")]
    Export {
        service: &'static str,
        #[source]
        error: PipelineError,
    },
    #[error("the layer of {service} cannot be set up: {error}")]
    Layer {
        service: &'static str,
        #[source]
        error: BuildError,
    },
}

impl World {
    /// From the far end to the near one: each needs the address of the next.
    pub(crate) async fn start() -> Result<Self, StartError> {
        let collector = Collector::start(Options::loopback()).await?;
        let stock = Service::start(STOCK, &collector, |layer, _| stock::router(layer)).await?;
        let shop = Service::start(SHOP, &collector, |layer, pipeline| {
            let tracer = pipeline.tracer_provider().tracer("rum-trace-demo");
            shop::router(layer, Stock::new(&stock.server, tracer))
        })
        .await?;
        Ok(Self {
            collector,
            stock,
            shop,
        })
    }

    /// Sends what is left. Blocks, and needs the collector to be running: to be
    /// called beside the runtime, not in it.
    pub(crate) fn stop(self) -> Result<(), String> {
        let stopped = [(SHOP, self.shop), (STOCK, self.stock)]
            .map(|(name, service)| service.stop().map_err(|error| format!("{name}: {error}")));
        stopped.into_iter().collect()
    }
}

impl Service {
    async fn start(
        name: &'static str,
        collector: &Collector,
        router: impl FnOnce(RumTraceLayer, &Pipeline) -> Router,
    ) -> Result<Self, StartError> {
        let pipeline =
            pipeline(name, &collector.endpoint()).map_err(|error| StartError::Export {
                service: name,
                error,
            })?;
        // Not by the global provider: here are two in one process.
        let instrumenter = Instrumenter::builder()
            .span_starter(pipeline.span_starter())
            .build()
            .map_err(|error| StartError::Layer {
                service: name,
                error,
            })?;
        let app = router(RumTraceLayer::new(instrumenter), &pipeline);
        let server = Server::start(app).await.map_err(listening(name))?;
        Ok(Self { server, pipeline })
    }

    fn stop(self) -> Result<(), ShutdownError> {
        self.pipeline.shutdown(FAREWELL).map(drop)
    }
}

/// The environment is for services in earnest: it must not send the demo's
/// spans elsewhere, or turn them off.
fn pipeline(name: &'static str, endpoint: &str) -> Result<Pipeline, PipelineError> {
    Pipeline::builder()
        .ignore_environment()
        .span_limits(SpanLimits::default())
        .service_name(name)
        .service_version(env!("CARGO_PKG_VERSION"))
        .endpoint(endpoint)
        .scheduled_delay(DELAY)
        .build()
}

fn listening(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |error| StartError::Listen { what, error }
}
