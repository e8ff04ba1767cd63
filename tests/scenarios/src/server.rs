//! A running service of either framework.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use rum_trace_core::Instrumenter;

use crate::expect::{self, Expected};
use crate::metrics::{DURATION, Metrics};
use crate::service::{self, Running};
use crate::signals::Signals;
use crate::telemetry::Telemetry;
use crate::{Framework, Settings};

/// A service on a free port of 127.0.0.1, in threads of its own; it stops when
/// this is dropped.
#[derive(Debug)]
pub struct Server {
    framework: Framework,
    address: SocketAddr,
    signals: Signals,
    telemetry: Telemetry,
    instrumenter: Instrumenter,
    /// What was expected so far.
    expected: Mutex<Vec<Expected>>,
    _running: Running,
}

impl Server {
    /// Starts the service.
    ///
    /// # Panics
    ///
    /// If there is no free port, or the settings are wrong.
    #[must_use]
    pub fn start(framework: Framework, settings: Settings) -> Self {
        let telemetry = Telemetry::default();
        let builder = Instrumenter::builder()
            .tracer_provider(telemetry.tracer_provider())
            .meter_provider(telemetry.meter_provider());
        let instrumenter = settings(builder).build().expect("settings that are right");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let signals = Signals::default();
        let serve = match framework {
            Framework::Axum => service::axum::serve,
            Framework::Actix => service::actix::serve,
        };
        let running = serve(listener, instrumenter.clone(), signals.clone());
        Server {
            framework,
            address,
            signals,
            telemetry,
            instrumenter,
            expected: Mutex::default(),
            _running: running,
        }
    }

    /// The framework that serves.
    #[must_use]
    pub const fn framework(&self) -> Framework {
        self.framework
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The appointments with handlers that wait.
    #[must_use]
    pub const fn signals(&self) -> &Signals {
        &self.signals
    }

    /// What it told.
    #[must_use]
    pub const fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The instrumenter that both adapters share.
    #[must_use]
    pub const fn instrumenter(&self) -> &Instrumenter {
        &self.instrumenter
    }

    /// Waits until a further request has ended, and checks that its span and
    /// the metrics since the start are as expected.
    ///
    /// # Panics
    ///
    /// If they are not.
    pub async fn expect(&self, expected: Expected) -> SpanData {
        let mut spans = self.expect_all(vec![expected]).await;
        spans.pop().expect("as many as were expected")
    }

    /// The same for several requests that were under way together. Gives the
    /// spans in the order of what is expected.
    ///
    /// # Panics
    ///
    /// If they are not as expected.
    pub async fn expect_all(&self, further: Vec<Expected>) -> Vec<SpanData> {
        let before = self.recorded();
        self.lock().extend_from_slice(&further);
        let recorded = self.recorded();
        let mut ended = self.telemetry.spans().wait_for(recorded).await;
        assert_eq!(ended.len(), recorded, "{ended:#?}");
        let ended = expect::check_spans(&further, ended.split_off(before));
        let expected = self.lock().clone();
        let metrics = self.settled_metrics(expected.len()).await;
        expect::check_metrics(&expected, &metrics);
        ended
    }

    /// How many spans were expected so far.
    fn recorded(&self) -> usize {
        let expected = self.lock();
        expected.iter().filter(|e| e.is_recorded()).count()
    }

    /// The metrics once they know of so many requests that ended. They may be
    /// told of a request's end just after its span.
    ///
    /// # Panics
    ///
    /// If they know of more.
    pub async fn settled_metrics(&self, requests: usize) -> Metrics {
        loop {
            let metrics = self.telemetry.metrics();
            let known = metrics.count(DURATION);
            if known >= requests as u64 && metrics.nothing_is_active() {
                assert_eq!(known, requests as u64, "{metrics:#?}");
                return metrics;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Checks what must hold when no request is under way any more.
    ///
    /// # Panics
    ///
    /// If a span has not ended or was not expected, or a request is active.
    pub async fn is_at_rest(&self) {
        let spans = self.telemetry.spans();
        assert_eq!(spans.started(), self.recorded(), "spans that were started");
        assert_eq!(spans.ended().len(), self.recorded(), "spans that ended");
        let requests = self.lock().len();
        self.settled_metrics(requests).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Expected>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
