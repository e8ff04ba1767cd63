//! The service with rum-trace's pipeline, as its documentation sets it up.

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use rum_trace::otlp::{Compression, Pipeline, PipelineBuilder, Protocol};
use rum_trace::serve::Serve;

use super::panicking::Panicking;
use super::work::{self, Work};
use super::{Setup, greet, runtime, sdk};
use crate::report::{Books, Farewell};

const SPOOL_BYTES: u64 = 1 << 30;

/// How long the shutdown may take, as the SDK's default is.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

pub(crate) fn run(setup: &Setup) -> Result<Farewell, Box<dyn Error + Send + Sync>> {
    let pipeline = builder(setup)?.build()?;
    let stats = pipeline.stats_handle();
    let work = Arc::new(Work {
        tracer: Some(pipeline.tracer_provider().tracer("faults")),
        spans: setup.spans,
        created: 0.into(),
        books: Box::new(move |created| Books::of(&stats.stats(), created)),
    });
    let served = runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        greet(listener.local_addr()?.port())?;
        let app = work::app(Arc::clone(&work));
        let server = |stop| axum::serve(listener, app).with_graceful_shutdown(stop);
        let served = Serve::new(pipeline)
            .flush_within(DEADLINE)
            .run(server)
            .await;
        Ok::<_, Box<dyn Error + Send + Sync>>(served)
    })?;
    Ok(Farewell {
        books: work.books(),
        shutdown: served.map(drop).map_err(|error| error.to_string()),
    })
}

fn builder(setup: &Setup) -> Result<PipelineBuilder, Box<dyn Error + Send + Sync>> {
    let mut builder = Pipeline::builder()
        .ignore_environment()
        .service_name("faults")
        .endpoint(&setup.collector);
    if setup.grpc {
        builder = builder.protocol(Protocol::Grpc);
    }
    if setup.gzip {
        builder = builder.compression(Compression::Gzip);
    }
    if let Some(spans) = setup.max_queue_size {
        builder = builder.max_queue_size(spans);
    }
    if let Some(bytes) = setup.max_kept_bytes {
        builder = builder.max_kept_bytes(bytes);
    }
    if let Some(directory) = &setup.spool {
        builder = builder.spool(directory, SPOOL_BYTES);
    }
    if let Some(at) = setup.panic_at {
        // Only somebody else's exporter can panic.
        let exporter = sdk::http_exporter(&setup.collector, setup.gzip)?;
        builder = builder.span_exporter(Panicking::new(exporter, at));
    }
    Ok(builder)
}
