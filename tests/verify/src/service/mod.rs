//! The service behind the gateways, the same on each framework.

mod actix;
mod axum;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use opentelemetry_sdk::trace::Sampler;
use rum_trace_core::{Instrumenter, InstrumenterBuilder};
use rum_trace_otlp::{Pipeline, PipelineBuilder};

/// A framework with an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum on hyper, with `rum-trace-tower`.
    Axum,
    /// actix-web, with `rum-trace-actix`.
    Actix,
}

impl Framework {
    /// All of them.
    pub const ALL: [Framework; 2] = [Framework::Axum, Framework::Actix];
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framework::Axum => "axum",
            Framework::Actix => "actix",
        })
    }
}

/// A running service, which exports its spans by OTLP; it stops when this is dropped.
pub struct Service {
    address: SocketAddr,
    instrumenter: Instrumenter,
    stop: Option<Box<dyn FnOnce()>>,
    thread: Option<JoinHandle<()>>,
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
        let (stop, thread) = start(listener, instrumenter.clone());
        Service {
            address,
            instrumenter,
            stop: Some(stop),
            thread: Some(thread),
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
        if let Some(stop) = self.stop.take() {
            stop();
        }
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test has failed by it.
            let _ = thread.join();
        }
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
