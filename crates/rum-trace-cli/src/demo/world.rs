//! What stands while the demo runs: collector, stock service, shop and gateway.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use opentelemetry_sdk::trace::SpanLimits;
use rum_trace::actix::RumTrace;
use rum_trace::axum::RumTraceLayer;
use rum_trace::otlp::{Pipeline, PipelineError, ShutdownError};
use rum_trace::{BuildError, Instrumenter};

use super::next::Next;
use super::{gateway, shop, stock};
use crate::cli::DemoArgs;
use crate::collector::{self, Collector, Options};
use crate::loopback::Server;
use crate::view::{self, Running};

/// The names under which the services export.
pub(crate) const GATEWAY: &str = "gateway";
pub(crate) const SHOP: &str = "shop";
pub(crate) const STOCK: &str = "stock";

/// How long a span waits for others of its batch: short, since somebody watches.
const DELAY: Duration = Duration::from_millis(50);
/// How long the last spans may take to go out, per service.
const FAREWELL: Duration = Duration::from_secs(3);

/// Everything that the phones' requests pass.
#[derive(Debug)]
pub(crate) struct World {
    viewer: Viewer,
    pub(crate) stock: Service,
    pub(crate) shop: Service,
    pub(crate) gateway: Service,
}

/// What takes the spans.
#[derive(Debug)]
enum Viewer {
    /// With a page to look at them.
    Page(Running),
    None(Collector),
}

/// A service with an export of its own.
#[derive(Debug)]
pub(crate) struct Service {
    server: ServiceServer,
    export: Export,
}

#[derive(Debug)]
enum ServiceServer {
    Axum(Server),
    Actix(stock::Server),
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
    #[error(transparent)]
    View(#[from] view::StartError),
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
    pub(crate) async fn start(args: &DemoArgs) -> Result<Self, StartError> {
        let viewer = Viewer::start(args).await?;
        let export = |service| Export::new(service, viewer.collector());
        let stock = Service::actix(export(STOCK)?)?;
        let shop = Service::axum(export(SHOP)?, stock.url(), shop::router).await?;
        let gateway = Service::axum(export(GATEWAY)?, shop.url(), gateway::router).await?;
        Ok(Self {
            viewer,
            stock,
            shop,
            gateway,
        })
    }

    pub(crate) fn collector(&self) -> &Collector {
        self.viewer.collector()
    }

    /// Where the viewer's page is, if there is one.
    pub(crate) fn page(&self) -> Option<SocketAddr> {
        match &self.viewer {
            Viewer::Page(running) => Some(running.page()),
            Viewer::None(_) => None,
        }
    }

    /// Sends what is left. Blocks, and needs the collector to be running: to be
    /// called beside the runtime, not in it.
    pub(crate) fn stop(self) -> Result<(), String> {
        let services = [self.gateway, self.shop, self.stock];
        services.into_iter().try_for_each(|service| {
            let name = service.export.service;
            service.stop().map_err(|error| format!("{name}: {error}"))
        })
    }
}

impl Viewer {
    async fn start(args: &DemoArgs) -> Result<Self, StartError> {
        if args.once {
            return Ok(Self::None(Collector::start(Options::loopback()).await?));
        }
        let running = match args.listen {
            Some(page) => view::beside(page).await,
            None => view::beside_anywhere().await,
        };
        Ok(Self::Page(running?))
    }

    fn collector(&self) -> &Collector {
        match self {
            Self::Page(running) => running.collector(),
            Self::None(collector) => collector,
        }
    }
}

impl Service {
    async fn axum(
        export: Export,
        next: String,
        router: fn(RumTraceLayer, Next) -> Router,
    ) -> Result<Self, StartError> {
        let instrumenter = &export.instrumenter;
        let next = Next::new(next, instrumenter);
        let app = router(RumTraceLayer::new(instrumenter.clone()), next);
        let server = Server::start(app).await;
        let server = server.map_err(listening(export.service))?;
        Ok(Self {
            server: ServiceServer::Axum(server),
            export,
        })
    }

    fn actix(export: Export) -> Result<Self, StartError> {
        let trace = RumTrace::new(export.instrumenter.clone());
        let server = stock::Server::start(trace).map_err(listening(export.service))?;
        Ok(Self {
            server: ServiceServer::Actix(server),
            export,
        })
    }

    /// The base of its addresses, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        match &self.server {
            ServiceServer::Axum(server) => server.url(),
            ServiceServer::Actix(server) => server.url(),
        }
    }

    fn stop(self) -> Result<(), ShutdownError> {
        self.export.pipeline.shutdown(FAREWELL).map(drop)
    }
}

/// How a service's spans are made and where they go. Not by the global provider:
/// here are several services in one process.
#[derive(Debug)]
struct Export {
    service: &'static str,
    pipeline: Pipeline,
    instrumenter: Instrumenter,
}

impl Export {
    fn new(service: &'static str, collector: &Collector) -> Result<Self, StartError> {
        let pipeline = pipeline(service, &collector.endpoint())
            .map_err(|error| StartError::Export { service, error })?;
        let instrumenter = Instrumenter::builder()
            .span_starter(pipeline.span_starter())
            .build()
            .map_err(|error| StartError::Layer { service, error })?;
        Ok(Self {
            service,
            pipeline,
            instrumenter,
        })
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
