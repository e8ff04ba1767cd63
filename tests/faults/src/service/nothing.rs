//! The service without tracing: the yardstick of latencies.

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::work::{self, Work};
use super::{Setup, greet, runtime, signals};
use crate::report::{Books, Farewell};

pub(crate) fn run(setup: &Setup) -> Result<Farewell, Box<dyn Error + Send + Sync>> {
    let work = Arc::new(Work {
        tracer: None,
        spans: setup.spans,
        created: 0.into(),
        books: Box::new(|_| Books::default()),
    });
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        greet(listener.local_addr()?.port())?;
        axum::serve(listener, work::app(work))
            .with_graceful_shutdown(signals::terminated())
            .await?;
        Ok(Farewell {
            books: Books::default(),
            shutdown: Ok(()),
        })
    })
}
