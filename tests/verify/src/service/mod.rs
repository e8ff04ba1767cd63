//! The service behind the gateways, the same on each framework.

mod actix;
mod axum;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::{Instrumenter, InstrumenterBuilder};
use rum_trace_otlp::{Pipeline, PipelineBuilder};
use rum_trace_test_services::{Framework, Running};

/// A running service, which exports its spans by OTLP; it stops when this is dropped.
pub struct Service {
    address: SocketAddr,
    instrumenter: Instrumenter,
    running: Option<Running>,
    pipeline: Option<Pipeline>,
}

impl Service {
    /// Starts it with these settings. Its spans go to this collector, which need not be
    /// there yet.
    ///
    /// # Panics
    ///
    /// If there is no free port, or the settings are wrong.
    #[must_use]
    pub fn start(
        framework: Framework,
        collector: SocketAddr,
        settings: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        Service::exporting(framework, pipeline(collector), settings)
    }

    /// As `start`, with a sampler that wants no span, whatever phones say.
    ///
    /// # Panics
    ///
    /// If there is no free port, or the settings are wrong.
    #[must_use]
    pub fn unsampled(
        framework: Framework,
        collector: SocketAddr,
        settings: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        let pipeline = pipeline(collector).sampler(Sampler::AlwaysOff);
        Service::exporting(framework, pipeline, settings)
    }

    fn exporting(
        framework: Framework,
        pipeline: PipelineBuilder,
        settings: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
    ) -> Self {
        let pipeline = pipeline.build().expect("a pipeline");
        let builder = Instrumenter::builder().span_starter(pipeline.span_starter());
        let instrumenter = settings(builder).build().expect("settings that are right");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let start = match framework {
            Framework::Axum => axum::start,
            Framework::Actix => actix::start,
        };
        let running = start(listener, instrumenter.clone());
        Service {
            address,
            instrumenter,
            running: Some(running),
            pipeline: Some(pipeline),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// For its numbers.
    #[must_use]
    pub const fn instrumenter(&self) -> &Instrumenter {
        &self.instrumenter
    }
}

fn pipeline(collector: SocketAddr) -> PipelineBuilder {
    Pipeline::builder()
        .ignore_environment()
        .service_name("shop")
        .endpoint(format!("http://{collector}"))
        .scheduled_delay(Duration::from_millis(50))
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(pipeline) = self.pipeline.take() {
            // Its collector may be gone.
            let _ = pipeline.shutdown(Duration::ZERO);
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
