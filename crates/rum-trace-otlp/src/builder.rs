//! From settings to a running pipeline.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider;
use opentelemetry::{Key, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    IdGenerator, SdkTracerProvider, ShouldSample, SpanExporter, SpanLimits, SpanProcessor,
    TracerProviderBuilder,
};
use rum_trace_core::sharded::Sharded;
use tokio::runtime::Runtime;

use crate::config::batch::{Batch, BatchOptions};
use crate::config::env::{self, Environment};
use crate::config::exporter::{self, Exporter};
use crate::config::headers::{FreshOption, HeaderOption, TOKEN_HEADER};
use crate::config::identity::{IdentityOption, PrivateKeyPem};
use crate::config::sampler::Chosen;
use crate::config::{
    TransportConfig, TransportOptions, ignored, limits, propagators, resource, sampler,
};
use crate::console::ConsoleExporter;
use crate::encode::Encoder;
use crate::error::{PipelineError, Setting};
use crate::exporter::Exporter as ExportThread;
use crate::metrics;
use crate::overflow::Overflow;
use crate::pipeline::Pipeline;
use crate::processor::{Export, LastLook, Shared};
use crate::protocol::{Compression, Protocol};
use crate::queue::{Limits, Queue};
use crate::secret::Secret;
use crate::server_span::Recorder;
use crate::session::SessionOnSpans;
use crate::spans::{Decides, PipelineSpans, Service, SharedIds, Shortcut};
use crate::spool::Spool;
use crate::stats::Accounts;
use crate::transport::{Transport, runtime};
use crate::way::{Otlp, Way};

/// Makes the way out of an exporter of the user's, once the resource is known.
type ExporterSlot = Box<dyn FnOnce(&Resource) -> Way + Send>;

/// Settings of a [`Pipeline`]; made by [`Pipeline::builder`].
///
/// What is set here goes before the environment, and the environment before
/// the defaults. Nothing is checked before [`build`](Self::build).
#[must_use = "nothing is exported before `build` or `install`"]
pub struct PipelineBuilder {
    attributes: Vec<(Key, Value)>,
    transport: TransportOptions,
    batch: BatchOptions,
    sampler: Option<Chosen>,
    session_on_every_span: bool,
    processors: Vec<Box<dyn SpanProcessor>>,
    exporter: Option<ExporterSlot>,
    exports: bool,
    spool: Option<(PathBuf, u64)>,
    meters: Option<Box<dyn MeterProvider + Send>>,
    provider: TracerProviderBuilder,
    ids: SharedIds,
    limits: Option<SpanLimits>,
    disabled: Option<bool>,
    environment: bool,
}

impl PipelineBuilder {
    pub(crate) fn new() -> Self {
        Self {
            attributes: Vec::new(),
            transport: TransportOptions::default(),
            batch: BatchOptions::default(),
            sampler: None,
            session_on_every_span: false,
            processors: Vec::new(),
            exporter: None,
            exports: true,
            spool: None,
            meters: None,
            provider: SdkTracerProvider::builder(),
            ids: SharedIds::default(),
            limits: None,
            disabled: None,
            environment: true,
        }
    }

    /// The name of the service (`service.name`). Without one it is
    /// `OTEL_SERVICE_NAME`, or `unknown_service:` with the executable's name.
    pub fn service_name(self, name: impl Into<Value>) -> Self {
        self.attribute(resource::SERVICE_NAME, name)
    }

    /// The version of the service (`service.version`).
    pub fn service_version(self, version: impl Into<Value>) -> Self {
        self.attribute(resource::SERVICE_VERSION, version)
    }

    /// The group that the service's name is unique in (`service.namespace`).
    pub fn service_namespace(self, namespace: impl Into<Value>) -> Self {
        self.attribute(resource::SERVICE_NAMESPACE, namespace)
    }

    /// What tells the instances of a service apart (`service.instance.id`);
    /// a random UUID by default.
    pub fn service_instance_id(self, id: impl Into<Value>) -> Self {
        self.attribute(resource::SERVICE_INSTANCE_ID, id)
    }

    /// The machine's name (`host.name`); by default what the system says.
    pub fn host_name(self, name: impl Into<Value>) -> Self {
        self.attribute(resource::HOST_NAME, name)
    }

    /// Where the service runs: `production`, `staging`, …
    /// (`deployment.environment.name`).
    pub fn environment(self, name: impl Into<Value>) -> Self {
        self.attribute(resource::ENVIRONMENT, name)
    }

    /// Any attribute of the resource; the last one given under a key counts.
    ///
    /// ```
    /// # use rum_trace_otlp::Pipeline;
    /// let builder = Pipeline::builder()
    ///     .attribute("k8s.pod.name", "shop-7d4f")
    ///     .attribute("team", "checkout");
    /// # drop(builder);
    /// ```
    pub fn attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.attributes.push((key.into(), value.into()));
        self
    }

    /// The base address of a collector, by default `http://localhost:4318`
    /// (gRPC: `http://localhost:4317`).
    ///
    /// Over HTTP `/v1/traces` is appended to its path. For an address that
    /// must be taken whole see [`traces_endpoint`](Self::traces_endpoint).
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.transport.endpoint = Some(Secret::new(url));
        self
    }

    /// The address for traces, taken as it stands; goes before
    /// [`endpoint`](Self::endpoint).
    ///
    /// Managed Service for OpenTelemetry carries its token in the path of the
    /// HTTP address. So the address is a secret: no error, log line or debug
    /// print shows more of it than scheme, host and port.
    pub fn traces_endpoint(mut self, url: impl Into<String>) -> Self {
        self.transport.traces_endpoint = Some(Secret::new(url));
        self
    }

    /// The protocol; by default [`Protocol::HttpProtobuf`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.transport.protocol = Some(protocol);
        self
    }

    /// A header (over gRPC: an entry of the metadata) that goes with every
    /// export. The last one given under a name counts. The value is a secret.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.header_of("header", name.into(), Secret::new(value))
    }

    /// The token of Managed Service for OpenTelemetry (ARMS) over gRPC: sent as
    /// the metadata `authentication`. For its HTTP address no token is needed
    /// beside the path. For other services, which mostly want
    /// `authorization: Bearer …`, use [`header`](Self::header).
    pub fn token(self, token: impl Into<String>) -> Self {
        self.header_of("token", TOKEN_HEADER.to_owned(), Secret::new(token))
    }

    /// A header whose value is asked for at each attempt, for tokens that
    /// expire; `None` if there is none at present, which puts the attempt off.
    /// It goes before a [`header`](Self::header) of the same name. With it a
    /// refusal for want of permission (HTTP 401 and 403, and gRPC's) is tried
    /// again. The function is called on the export thread and must not block:
    /// hand it what something else refreshes.
    ///
    /// ```
    /// use std::sync::{Arc, RwLock};
    /// # use rum_trace_otlp::Pipeline;
    ///
    /// let token = Arc::new(RwLock::new(String::from("first")));
    /// let current = Arc::clone(&token); // `token` is kept and refreshed elsewhere
    /// let builder = Pipeline::builder().header_with("authorization", move || {
    ///     current.read().ok().map(|token| format!("Bearer {token}"))
    /// });
    /// # drop(builder);
    /// ```
    pub fn header_with(
        mut self,
        name: impl Into<String>,
        value: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.transport.fresh_headers.push(FreshOption {
            setting: Setting::Code("header_with"),
            name: name.into(),
            value: Arc::new(value),
        });
        self
    }

    fn header_of(mut self, method: &'static str, name: String, value: Secret) -> Self {
        self.transport.headers.push(HeaderOption {
            setting: Setting::Code(method),
            name,
            value,
        });
        self
    }

    /// Certificates of authorities to trust beside the system's, in PEM form;
    /// can be given several times.
    pub fn ca_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.transport.ca_certificates.push(pem.into());
        self
    }

    /// Who this client is, for a collector that wants a client certificate
    /// (mTLS): its certificate with those between it and its authority, the
    /// client's own first, and its private key without a pass phrase. Both in
    /// PEM form, and together in place of the variables for them. The key is a
    /// secret.
    ///
    /// ```no_run
    /// # use rum_trace_otlp::Pipeline;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let builder = Pipeline::builder()
    ///     .endpoint("https://collector.example:4318")
    ///     .ca_certificate_pem(std::fs::read("ca.pem")?)
    ///     .client_identity_pem(std::fs::read("client.pem")?, std::fs::read("client.key")?);
    /// # drop(builder);
    /// # Ok(())
    /// # }
    /// ```
    pub fn client_identity_pem(
        mut self,
        certificates: impl Into<Vec<u8>>,
        private_key: impl Into<Vec<u8>>,
    ) -> Self {
        self.transport.identity = Some(IdentityOption {
            certificates: certificates.into(),
            key: PrivateKeyPem::new(private_key),
        });
        self
    }

    /// The compression of the requests; by default none.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.transport.compression = Some(compression);
        self
    }

    /// How long one attempt to send a batch may take; by default 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.transport.timeout = Some(timeout);
        self
    }

    /// Which spans are sampled. By default a span follows its parent, also a
    /// remote one, and a span without a parent is sampled.
    ///
    /// ```
    /// use opentelemetry_sdk::trace::Sampler;
    /// # use rum_trace_otlp::Pipeline;
    ///
    /// let root = Sampler::TraceIdRatioBased(0.1);
    /// let builder = Pipeline::builder().sampler(Sampler::ParentBased(Box::new(root)));
    /// # drop(builder);
    /// ```
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.sampler = Some(Chosen::of(sampler));
        self
    }

    /// Whether each span that is started under the context of a request, or of a
    /// message, has the client's `session.id` and `rum.app.id`, as the SERVER span has
    /// them: CLIENT spans, those of `#[instrument]`, those of tasks that are handed the
    /// context. By default only the SERVER span has them.
    ///
    /// A span that has such an attribute already keeps it. Spans outside of a request,
    /// and spans that are not recorded, are left as they are. For log records there is
    /// `SessionLogProcessor`, with the feature `logs`.
    ///
    /// ```
    /// # use rum_trace_otlp::Pipeline;
    /// let builder = Pipeline::builder().session_on_every_span(true);
    /// # drop(builder);
    /// ```
    pub fn session_on_every_span(mut self, session: bool) -> Self {
        self.session_on_every_span = session;
        self
    }

    /// How many spans may wait to be made into batches, from 1 to 1,000,000; by
    /// default 32,768. What ends while the queue is full is dropped and counted.
    pub fn max_queue_size(mut self, spans: usize) -> Self {
        self.batch.max_queue_size = Some(spans);
        self
    }

    /// How many spans go into one request at most, from 1 to the size of the
    /// queue; by default 2,048, or the size of the queue if that is smaller.
    pub fn max_export_batch_size(mut self, spans: usize) -> Self {
        self.batch.max_export_batch_size = Some(spans);
        self
    }

    /// How long a span waits for its batch to fill, from 1 ms to 1 h; by
    /// default 1 s.
    pub fn scheduled_delay(mut self, delay: Duration) -> Self {
        self.batch.scheduled_delay = Some(delay);
        self
    }

    /// How many bytes the spans in the queue may take, from 64 KiB to 64 GiB; by
    /// default 64 MiB.
    pub fn max_queue_bytes(mut self, bytes: u64) -> Self {
        self.batch.max_queue_bytes = Some(bytes);
        self
    }

    /// How many bytes of encoded batches are kept while the collector does not
    /// take them, from 64 KiB to 64 GiB; by default 64 MiB, a few hundred
    /// thousand spans. When there are more the oldest are dropped and counted.
    pub fn max_kept_bytes(mut self, bytes: u64) -> Self {
        self.batch.max_kept_bytes = Some(bytes);
        self
    }

    /// How long a batch is kept while the collector does not take it, up to
    /// 24 h; by default 5 minutes.
    pub fn keep_for(mut self, time: Duration) -> Self {
        self.batch.keep_for = Some(time);
        self
    }

    /// Puts the batches that memory would lose (too old, too many, or not sent
    /// at the deadline of the shutdown) into files in this directory, up to
    /// `max_bytes` of them, and sends them when the collector takes batches
    /// again, also after a restart of the process. Without it they are dropped.
    ///
    /// The directory is for one pipeline alone; it is created if need be. Over
    /// the limit, or on a full disk, the oldest files go. What survives what is
    /// told in the docs of this crate. A batch can be sent twice.
    ///
    /// Not for an exporter given by [`span_exporter`](Self::span_exporter).
    pub fn spool(mut self, directory: impl Into<PathBuf>, max_bytes: u64) -> Self {
        self.spool = Some((directory.into(), max_bytes));
        self
    }

    /// Tells the books (see [`Stats`](crate::Stats)) as OpenTelemetry metrics
    /// too, by the conventions for SDKs: `otel.sdk.processor.span.processed`,
    /// `otel.sdk.processor.span.queue.size`, `otel.sdk.exporter.span.exported`,
    /// `otel.sdk.exporter.span.inflight`, `otel.sdk.span.live`, …
    pub fn meter_provider(mut self, provider: impl MeterProvider + Send + 'static) -> Self {
        self.meters = Some(Box::new(provider));
        self
    }

    /// A further processor, called before the one that exports. Note that the
    /// SDK copies every span for each further processor.
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// Exports nothing: spans go to what [`span_processor`](Self::span_processor)
    /// adds, and nowhere else. The same as `OTEL_TRACES_EXPORTER=none`, and goes
    /// before what that says.
    ///
    /// ```
    /// # use rum_trace_otlp::Pipeline;
    /// let pipeline = Pipeline::builder().service_name("shop").without_exporter().build()?;
    /// assert_eq!(pipeline.stats().ended(), 0);
    /// # Ok::<(), rum_trace_otlp::PipelineError>(())
    /// ```
    pub fn without_exporter(mut self) -> Self {
        self.exports = false;
        self
    }

    /// Hands the batches to `exporter` instead of sending them over OTLP: an
    /// in-memory one for tests, one that prints, one for another protocol.
    /// Settings of the connection are then not read.
    ///
    /// Batching, counting and the shutdown are the same. The exporter runs on a
    /// thread where it may block, with a tokio runtime at hand. It takes a batch
    /// once: if it fails or panics, the batch is lost and counted.
    ///
    /// It goes before what `OTEL_TRACES_EXPORTER` says.
    pub fn span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.exporter = Some(Box::new(|resource| Way::foreign(exporter, resource)));
        self
    }

    /// Where trace and span ids come from; by default the SDK's random ones.
    pub fn id_generator(mut self, generator: impl IdGenerator + 'static) -> Self {
        self.ids = SharedIds::new(generator);
        self
    }

    /// How many attributes, events and links a span may have; by default the
    /// SDK's (128 each). In place of all the variables for them.
    pub fn span_limits(mut self, limits: SpanLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Whether nothing is recorded and nothing sent; by default what
    /// `OTEL_SDK_DISABLED` says, and `false` without it.
    ///
    /// The other settings are then not looked at, so that a mistake in them
    /// does no harm. Spans of [`Pipeline::tracer_provider`] have no ids; after
    /// [`install`](Self::install) those of `opentelemetry::global` stand for
    /// the caller's span, so that a trace goes on through this service.
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.disabled = Some(disabled);
        self
    }

    /// Takes nothing from environment variables, for tests and for programs
    /// with a configuration of their own.
    pub fn ignore_environment(mut self) -> Self {
        self.environment = false;
        self
    }

    /// Checks the settings, starts the export thread and returns the guard.
    /// The connection is made with the first batch: a collector that is not
    /// there yet is no error.
    ///
    /// # Errors
    ///
    /// A value, from code or environment, that cannot be used, and a Cargo
    /// feature that is missing for it; an `https` endpoint on a machine without
    /// root certificates; a thread that cannot be started.
    pub fn build(self) -> Result<Pipeline, PipelineError> {
        let environment = self.variables();
        self.build_with(&environment)
    }

    /// [`build`](Self::build), and the pipeline's provider becomes the global
    /// one of the process: `opentelemetry::global::tracer` then gives tracers
    /// that export here.
    ///
    /// If `OTEL_PROPAGATORS` is set, what it names becomes the global
    /// propagator, unless the program has set one before. Without the variable
    /// none is set: rum-trace's layers need none, and one of the SDK's would
    /// write the RUM members of `tracestate` into requests to any host.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    pub fn install(self) -> Result<Pipeline, PipelineError> {
        let environment = self.variables();
        // Also where the SDK is disabled: the specification wants it so.
        let propagator = propagators::resolve(&environment)?;
        let pipeline = self.build_with(&environment)?.install_global();
        if let Some(propagator) = propagator {
            propagators::install(propagator);
        }
        Ok(pipeline)
    }

    fn variables(&self) -> Environment {
        if self.environment {
            Environment::process()
        } else {
            Environment::empty()
        }
    }

    fn is_disabled(&self, environment: &Environment) -> Result<bool, PipelineError> {
        match self.disabled {
            Some(disabled) => Ok(disabled),
            None => environment.flag(env::SDK_DISABLED),
        }
    }

    pub(crate) fn build_with(self, environment: &Environment) -> Result<Pipeline, PipelineError> {
        if self.is_disabled(environment)? {
            return Ok(disabled());
        }
        self.start(environment)
    }

    fn start(self, environment: &Environment) -> Result<Pipeline, PipelineError> {
        ignored::warn(environment)?;
        let limits = limits::resolve(self.limits, environment)?;
        let resource = resource::resolve(self.attributes, environment)?;
        let batch = Batch::resolve(self.batch, environment)?;
        let sampler = sampler::resolve(self.sampler, environment)?;
        if let Some(meters) = self.meters.as_deref() {
            sampler.observe(meters);
        }
        let runtime = runtime::build().map_err(PipelineError::Worker)?;
        let way = match self.exporter {
            _ if !self.exports => None,
            Some(way) => Some(way(&resource)),
            None => {
                let named = exporter::resolve(environment)?;
                named_way(named, self.transport, environment, &resource, &runtime)?
            }
        };
        let export = way
            .map(|way| {
                let meters = self.meters.as_deref();
                export(way, self.spool, meters, batch, runtime, sampler.last_look())
            })
            .transpose()?;
        let processors: Vec<Shared> = self
            .processors
            .into_iter()
            .map(|processor| Shared::new(processor, &resource))
            .collect();
        let service = Service::of(&resource);
        let provider = processors
            .iter()
            .cloned()
            .fold(self.provider, TracerProviderBuilder::with_span_processor);
        let provider = export
            .iter()
            .cloned()
            .fold(provider, TracerProviderBuilder::with_span_processor)
            .with_id_generator(self.ids.clone())
            .with_span_limits(limits)
            .with_resource(resource);
        let (provider, decides) = with_sampler(provider, sampler, self.session_on_every_span);
        // A processor of the user's is to see the SDK's own spans.
        let recorder = processors.is_empty().then(|| Recorder {
            limits,
            session_on_every_span: self.session_on_every_span,
            export: export.clone(),
        });
        let shortcut = decides.map(|decides| Shortcut {
            decides,
            ids: self.ids,
            recorder: recorder.map(|it| Arc::new(Sharded::new(it))),
        });
        let spans = PipelineSpans::new(&provider, shortcut, service);
        Ok(Pipeline::new(provider, spans, processors, export))
    }
}

/// The provider, and who decides if it can be asked before a span is described.
fn with_sampler(
    provider: TracerProviderBuilder,
    sampler: Chosen,
    session_on_every_span: bool,
) -> (SdkTracerProvider, Option<Decides>) {
    let asked = |sampler: Box<dyn ShouldSample>| -> Box<dyn ShouldSample> {
        if session_on_every_span {
            Box::new(SessionOnSpans::new(sampler))
        } else {
            sampler
        }
    };
    match sampler {
        Chosen::Sdks { sampler, roots } => {
            let provider = provider.with_sampler(asked(Box::new(sampler.clone())));
            (provider.build(), Some(Decides::Sdks { sampler, roots }))
        }
        #[cfg(feature = "sampling")]
        Chosen::Sessions(sampler) => {
            let provider = provider.with_sampler(asked(Box::new(sampler.clone())));
            (provider.build(), Some(Decides::Sessions(sampler)))
        }
        Chosen::Own(sampler) => (provider.with_sampler(asked(sampler)).build(), None),
    }
}

/// A pipeline that records nothing and sends nothing.
fn disabled() -> Pipeline {
    tracing::info!("the OpenTelemetry SDK is disabled: no spans are recorded");
    Pipeline::disabled()
}

/// The way out that the environment names.
fn named_way(
    exporter: Exporter,
    options: TransportOptions,
    environment: &Environment,
    resource: &Resource,
    runtime: &Runtime,
) -> Result<Option<Way>, PipelineError> {
    match exporter {
        Exporter::Otlp => {
            let config = TransportConfig::resolve(options, environment)?;
            otlp(&config, resource, runtime).map(Some)
        }
        Exporter::Console => Ok(Some(Way::foreign(ConsoleExporter, resource))),
        Exporter::None => Ok(None),
    }
}

/// The way out over OTLP. Its connections live in the runtime.
fn otlp(
    config: &TransportConfig,
    resource: &Resource,
    runtime: &Runtime,
) -> Result<Way, PipelineError> {
    tracing::debug!(
        endpoint = %config.endpoint,
        protocol = ?config.protocol,
        compression = ?config.compression,
        "spans are exported over OTLP"
    );
    let _context = runtime.enter();
    Ok(Way::Otlp(Otlp {
        encoder: Encoder::new(resource, config.body_compression()),
        transport: Transport::new(config)?,
        timeout: config.timeout,
    }))
}

/// Queue, books and thread of the export.
fn export(
    way: Way,
    spool: Option<(PathBuf, u64)>,
    meters: Option<&(dyn MeterProvider + Send)>,
    batch: Batch,
    runtime: Runtime,
    last_look: Option<Arc<dyn LastLook>>,
) -> Result<Export, PipelineError> {
    let spool = spool
        .map(|(directory, max_bytes)| Spool::open(&directory, max_bytes))
        .transpose()
        .map_err(|error| PipelineError::Spool {
            problem: error.to_string(),
        })?;

    let queue = Arc::new(Queue::new(Limits {
        spans: batch.max_queue_size as u64,
        bytes: batch.max_queue_bytes,
        batch: batch.max_export_batch_size as u64,
    }));
    let accounts = Arc::new(Accounts::new(Arc::clone(&queue)));
    let overflow = Overflow::new(spool, Arc::clone(&accounts), way.compression());
    if let Some(meters) = meters {
        let capacity = batch.max_queue_size as u64;
        metrics::observe(meters, &accounts, capacity, way.component());
    }
    let (commands, received) = tokio::sync::mpsc::unbounded_channel();
    ExportThread::new(
        Arc::clone(&queue),
        Arc::clone(&accounts),
        way,
        overflow,
        received,
        batch,
    )
    .spawn(runtime)
    .map_err(PipelineError::Worker)?;
    Ok(Export::new(queue, accounts, commands, last_look))
}

impl fmt::Debug for PipelineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineBuilder")
            .field("attributes", &self.attributes)
            .field("transport", &self.transport)
            .field("batch", &self.batch)
            .field("sampler", &self.sampler)
            .field("processors", &self.processors.len())
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
