//! Our services, as the guide has them, which answer with what their handlers know.

mod actix;
mod axum;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use rum_trace::opentelemetry::trace::{SpanId, TraceId};
use rum_trace::{Instrumenter, RumContext, RumKey};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::BoxError;
use crate::arrivals::{Arrival, Arrivals};
use crate::saw::Answer;
use crate::spans::Spans;

/// How long the servers may take to drain.
const PATIENCE: Duration = Duration::from_secs(60);

/// What our service is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum.
    Axum,
    /// actix-web.
    Actix,
}

impl Framework {
    /// Both.
    pub const ALL: [Framework; 2] = [Framework::Axum, Framework::Actix];

    /// `axum` or `actix-web`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Actix => "actix-web",
        }
    }
}

/// What a handler knows of its request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) sampled: bool,
    /// By the names of the span's attributes.
    pub(crate) rum: BTreeMap<String, String>,
}

impl Known {
    /// What the answer to a page says.
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        serde_json::from_str(&answer.text).ok()
    }

    fn new(trace_id: TraceId, span_id: SpanId, sampled: bool, rum: Option<&RumContext>) -> Self {
        let told = |key: RumKey| {
            let value = rum?.get(key)?;
            Some((key.attribute().to_owned(), value.to_owned()))
        };
        Known {
            trace_id: trace_id.to_string(),
            span_id: span_id.to_string(),
            sampled,
            rum: RumKey::ALL.into_iter().filter_map(told).collect(),
        }
    }
}

/// Both, on ports of their own.
#[derive(Debug)]
pub(crate) struct Services {
    axum: String,
    actix: String,
    arrivals: Arrivals,
    stop_axum: oneshot::Sender<()>,
    actix_handle: ServerHandle,
    serving: [JoinHandle<std::io::Result<()>>; 2],
}

impl Services {
    /// Lets the page of this origin call them.
    pub(crate) async fn start(spans: &Spans, page: &str) -> Result<Self, BoxError> {
        let instrumenter = Instrumenter::builder()
            .tracer_provider(spans.provider())
            .build()?;
        let arrivals = Arrivals::default();

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let axum = origin(listener.local_addr()?);
        let router = axum::router(instrumenter.clone(), page, arrivals.clone())?;
        let (stop_axum, stopped) = oneshot::channel::<()>();
        let serving_axum = tokio::spawn(async move {
            ::axum::serve(listener, router)
                .with_graceful_shutdown(async { drop(stopped.await) })
                .await
        });

        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let actix = origin(listener.local_addr()?);
        let server = actix::server(listener, instrumenter, page, &arrivals)?;
        let actix_handle = server.handle();
        Ok(Services {
            axum,
            actix,
            arrivals,
            stop_axum,
            actix_handle,
            serving: [serving_axum, tokio::spawn(server)],
        })
    }

    pub(crate) fn origin(&self, framework: Framework) -> &str {
        match framework {
            Framework::Axum => &self.axum,
            Framework::Actix => &self.actix,
        }
    }

    /// Drains both: afterwards every span has ended. Gives what arrived.
    pub(crate) async fn stop(self) -> Result<Vec<Arrival>, BoxError> {
        // It listens for the end of the sender as well.
        let _ = self.stop_axum.send(());
        let drained = async {
            self.actix_handle.stop(true).await;
            for server in self.serving {
                server.await??;
            }
            Ok::<_, BoxError>(())
        };
        tokio::time::timeout(PATIENCE, drained).await??;
        Ok(self.arrivals.take())
    }
}

fn origin(address: SocketAddr) -> String {
    format!("http://{address}")
}
