//! The one builder, shared by every framework.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Tracer, TracerProvider};

use crate::attributes::Scheme;
use crate::capture::{Force, is_token};
use crate::hooks::Hooks;
use crate::instrumenter::{Inner, Instrumenter};
use crate::intern;
use crate::metrics::Metrics;
use crate::stats::Counters;
use crate::tracer::{SpanSource, SpanStarter};
use crate::verification::VerificationToken;
use crate::{
    BuildError, Carrier, MetricLabel, Privacy, RequestInfo, RumContext, ServerTiming,
    TraceProtocol, TrustPolicy, TrustedProxies,
};

/// Builds an [`Instrumenter`]. Without any setting it continues what the RUM
/// SDKs send and starts spans with the pipeline that is installed, else on the
/// global tracer provider.
///
/// ```
/// use rum_trace_core::Instrumenter;
///
/// let instrumenter = Instrumenter::builder()
///     .filter(|request| request.path() != "/healthz")
///     .capture_request_header("x-tenant")
///     .build()?;
/// # let _ = instrumenter;
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct InstrumenterBuilder {
    inner: Inner,
    privacy: Privacy,
    error: Option<BuildError>,
}

impl InstrumenterBuilder {
    /// A host that is one's own: it gets the client's RUM fields and baggage with
    /// the trace. A name as `stock.shop.example`, all below one as `*.shop.example`,
    /// or an address; any port. Others get nothing, see
    /// [`trace_third_parties`](Self::trace_third_parties).
    pub fn own_host(mut self, host: &str) -> Self {
        let added = self.inner.onward.own_host(host);
        self.check(added);
        self
    }

    /// Whether hosts that can only be internal ones are one's own without being
    /// named (the default): loopback and private addresses, names of
    /// a single label, and all below `.internal`, `.local`, `.localhost` and
    /// `.svc.cluster.local`.
    pub fn internal_hosts_are_own(mut self, yes: bool) -> Self {
        self.inner.onward.internal_is_own(yes);
        self
    }

    /// Whether hosts that are not one's own get the trace, too, though never the
    /// client's RUM fields and baggage. By default they get nothing.
    pub fn trace_third_parties(mut self, yes: bool) -> Self {
        self.inner.onward.trace_third_parties(yes);
        self
    }

    /// The protocol that a host reads, named as for [`own_host`](Self::own_host);
    /// the first that fits counts. By default a trace goes on in the one that it
    /// came in.
    pub fn protocol_to(mut self, host: &str, protocol: TraceProtocol) -> Self {
        let added = self.inner.onward.protocol_to(host, protocol);
        self.check(added);
        self
    }

    /// What this service and its instance are called in `sw8`. By default they
    /// are what the pipeline calls them that starts the spans; where that is the
    /// installed one, from the first request on.
    pub fn service(mut self, name: &str, instance: &str) -> Self {
        self.inner.onward.service = name.to_owned();
        self.inner.onward.instance = instance.to_owned();
        self
    }

    /// The provider of the SERVER spans. By default it is the pipeline that is
    /// [installed](crate::tracer::install), else OpenTelemetry's global one,
    /// asked when the first request comes. For a pipeline that is not installed
    /// [`span_starter`](Self::span_starter) costs less than its provider.
    pub fn tracer_provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        self.inner.spans = SpanSource::of(provider);
        self
    }

    /// What starts the SERVER spans, where that is more than a tracer: an export
    /// pipeline, for which a span that will not be recorded costs next to
    /// nothing.
    pub fn span_starter(mut self, starter: impl SpanStarter + 'static) -> Self {
        self.inner.spans = SpanSource::Given(Arc::new(starter));
        self
    }

    /// Which carriers are read, and which goes first when a request has
    /// several. The default is [`Carrier::DEFAULT`].
    pub fn carriers(mut self, order: impl IntoIterator<Item = Carrier>) -> Self {
        let order: Vec<Carrier> = order.into_iter().collect();
        for (i, carrier) in order.iter().enumerate() {
            if *carrier == Carrier::Propagator {
                self.fail(BuildError::PropagatorInCarriers);
            } else if order.iter().take(i).any(|earlier| earlier == carrier) {
                self.fail(BuildError::DuplicateCarrier { carrier: *carrier });
            }
        }
        self.inner.carriers = order;
        self
    }

    /// A propagator that is asked when no carrier could be continued, for a
    /// header format that this crate does not know. One that reads a carrier
    /// more leniently than this crate takes up what was refused here.
    ///
    /// [`privacy`](Self::privacy) holds for the trace state and the baggage that it
    /// finds, and [`rum_in_trace_state`](Self::rum_in_trace_state) for the trace state;
    /// neither can for values of its own in the context.
    pub fn fallback_propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.inner.fallback = Some(Box::new(propagator));
        self
    }

    /// Whose trace is continued, and what becomes of the others'. By default everybody's
    /// is. This is policy, not authentication: what a client sends can be forged.
    ///
    /// ```
    /// use rum_trace_core::{Instrumenter, TrustPolicy};
    ///
    /// let builder = Instrumenter::builder().trust(TrustPolicy::known_apps(["demo123@53df7"]));
    /// # let _ = builder;
    /// ```
    pub fn trust(mut self, policy: TrustPolicy) -> Self {
        if let Some(error) = policy.error() {
            self.fail(error.clone());
        }
        self.inner.trust = Some(policy).filter(|policy| !policy.is_everyone());
        self
    }

    /// The proxies whose `Forwarded` and `X-Forwarded-*` headers are believed. By
    /// default nobody's are, and behind a proxy `client.address` is the proxy's.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        if let Some(error) = proxies.error() {
            self.fail(error.clone());
        }
        self.inner.proxies = Some(proxies);
        self
    }

    /// Which requests get a span: those for which `filter` says true. A
    /// request without one still carries its trace on to the next service.
    pub fn filter(
        mut self,
        filter: impl Fn(&dyn RequestInfo) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.inner.hooks.filter = Some(Box::new(filter));
        self
    }

    /// A path whose requests get no span and no metrics: a whole one as
    /// `/healthz`, or a prefix with a `*` at its end as `/internal/*`. Their
    /// trace is still carried on to the next service.
    pub fn skip(mut self, path: &str) -> Self {
        let added = self.inner.skipped.add(path);
        self.check(added);
        self
    }

    /// [`skip`](Self::skip)s what health checks ask by the usual names:
    /// `/health` and below, `/healthz`, `/livez`, `/ready`, `/readyz`, `/ping`,
    /// and gRPC's health protocol.
    pub fn skip_health_checks(mut self) -> Self {
        self.inner.skipped.add_health_checks();
        self
    }

    /// A path where clients are expected to send a trace: a whole one, or a prefix with
    /// a `*` at its end, as for [`skip`](Self::skip). A request there without a header
    /// that names the caller's span is counted and logged as
    /// [`Finding::StrippedOnTheWay`](crate::Finding::StrippedOnTheWay); the `OPTIONS`
    /// by which a browser asks beforehand is none.
    ///
    /// ```
    /// use rum_trace_core::Instrumenter;
    ///
    /// let builder = Instrumenter::builder()
    ///     .expect_trace_at("/api/*")
    ///     .expect_trace_from_user_agent("okhttp/*");
    /// # let _ = builder;
    /// ```
    pub fn expect_trace_at(mut self, path: &str) -> Self {
        let added = self.inner.expected.add_path(path);
        self.check(added);
        self
    }

    /// The same for requests of clients with this user agent, whatever they ask for:
    /// a whole one, or its begin with a `*` at the end as `okhttp/*`. Case counts.
    pub fn expect_trace_from_user_agent(mut self, user_agent: &str) -> Self {
        let added = self.inner.expected.add_user_agent(user_agent);
        self.check(added);
        self
    }

    /// Records the metrics of HTTP servers with this provider:
    /// `http.server.request.duration`, `http.server.active_requests`,
    /// `http.server.request.body.size`, `http.server.response.body.size`, and
    /// `rpc.server.call.duration` for gRPC; and of calls to other services:
    /// `http.client.request.duration` and `rpc.client.call.duration`; and of what
    /// [`stats`](Instrumenter::stats) tell: `rum_trace.server.requests` and
    /// `rum_trace.server.findings`. Without a provider there are none, at no cost.
    pub fn meter_provider(mut self, provider: &impl MeterProvider) -> Self {
        self.inner.metrics.of(provider);
        self
    }

    /// The same with OpenTelemetry's global meter provider, asked when the
    /// first request comes.
    pub fn global_meter_provider(mut self) -> Self {
        self.inner.metrics.global();
        self
    }

    /// Adds to the metrics what the client tells of its app.
    ///
    /// ```
    /// use rum_trace_core::{Instrumenter, MetricLabel};
    ///
    /// let builder = Instrumenter::builder()
    ///     .global_meter_provider()
    ///     .metric_label(MetricLabel::AppType)
    ///     .metric_label(MetricLabel::AppId { at_most: 50 });
    /// # let _ = builder;
    /// ```
    pub fn metric_label(mut self, label: MetricLabel) -> Self {
        let added = self.inner.metrics.label(label);
        self.check(added);
        self
    }

    /// A gRPC method that there is, as `package.Service/Method`. Without this a
    /// method is known by its name once it answered as only a method does, and
    /// is `_OTHER` until then, since a client may ask for any.
    pub fn rpc_method(mut self, method: &str) -> Self {
        if !self.inner.rpc_methods.add(method) {
            self.fail(BuildError::InvalidRpcMethod {
                method: method.to_owned(),
            });
        }
        self
    }

    /// Tells the client in a `Server-Timing` response header which span its
    /// request was, and lets pages of other origins read it. Off by default:
    /// it shows ids, and whether they are sampled, to anybody who asks.
    pub fn server_timing(mut self, form: ServerTiming) -> Self {
        self.inner.server_timing = Some(form);
        self
    }

    /// Lets whoever knows this token ask by which headers a request arrived, and what
    /// became of it: `rum-trace verify` does, to find the hop that lost a trace. Who
    /// sends it in `rum-trace-verify` is answered in `rum-trace-verified`; nobody else
    /// is, and a wrong one is only counted. Off by default.
    ///
    /// A secret like any other: keep it with the others of the service, at least 16
    /// characters (`openssl rand -hex 32`).
    ///
    /// ```
    /// use rum_trace_core::Instrumenter;
    ///
    /// let mut builder = Instrumenter::builder();
    /// let token = std::env::var("RUM_TRACE_VERIFY_TOKEN").unwrap_or_default();
    /// if !token.is_empty() {
    ///     builder = builder.verification_token(&token);
    /// }
    /// # let _ = builder;
    /// ```
    pub fn verification_token(mut self, token: &str) -> Self {
        match VerificationToken::new(token) {
            Ok(token) => self.inner.verification = Some(token),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Opens a `tracing` span with the SERVER span, target `rum_trace`, level
    /// INFO, so that log lines carry `trace_id`, `span_id` and `session.id`. If a
    /// filter hides it, the SERVER span is opened as without this.
    ///
    /// The subscriber is to have [`tracing_layer`](crate::tracing_layer). Where it
    /// has a `tracing-opentelemetry` layer without that, the SERVER span is the one
    /// that the layer makes of the `tracing` span, at about twice the cost. That
    /// layer then makes events of log lines, and of one of level ERROR the status
    /// of the span, whatever the response says. To have the status tell of the
    /// response alone, let it see spans only:
    /// `.with_filter(filter_fn(|metadata| !metadata.is_event()))`.
    #[cfg(feature = "tracing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
    pub fn tracing_spans(mut self, yes: bool) -> Self {
        self.inner.tracing_spans = yes;
        self
    }

    /// Names spans otherwise than `{method} {http.route}`. `None` leaves the
    /// name as it is. Keep names low in number: no ids, no paths.
    pub fn span_name(
        mut self,
        name: impl Fn(&dyn RequestInfo) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.inner.hooks.name = Some(Box::new(name));
        self
    }

    /// Adds span attributes of one's own at the span's creation. Not called for
    /// a span that is known not to be recorded before it is described.
    ///
    /// ```
    /// use opentelemetry::KeyValue;
    /// use rum_trace_core::Instrumenter;
    ///
    /// let builder = Instrumenter::builder().attributes(|_request, rum, attributes| {
    ///     attributes.push(KeyValue::new("shop.known_user", rum.user_id().is_some()));
    /// });
    /// # let _ = builder;
    /// ```
    pub fn attributes(
        mut self,
        add: impl Fn(&dyn RequestInfo, &RumContext, &mut Vec<KeyValue>) + Send + Sync + 'static,
    ) -> Self {
        self.inner.hooks.attributes = Some(Box::new(add));
        self
    }

    /// `http` (the default) or `https`: what `url.scheme` is for a request
    /// that does not tell, as HTTP/1.1 requests do not, and of which no
    /// [trusted proxy](Self::trusted_proxies) tells. Say `https` if clients
    /// come in over TLS, also if a proxy ends it.
    pub fn scheme(mut self, scheme: &str) -> Self {
        match Scheme::parse(scheme) {
            Some(scheme) => self.inner.attributes.scheme = scheme,
            None => self.fail(BuildError::InvalidScheme {
                scheme: scheme.to_owned(),
            }),
        }
        self
    }

    /// A further HTTP method to be known by its name; others are `_OTHER`.
    /// Known are those of RFC 9110, PATCH and QUERY.
    pub fn known_method(mut self, method: &str) -> Self {
        if !is_token(method) {
            self.fail(BuildError::InvalidMethod {
                method: method.to_owned(),
            });
        } else {
            self.inner.methods.push(intern::forever(method));
        }
        self
    }

    /// A further query parameter whose value is written as `REDACTED` in
    /// `url.query` and in sw8's endpoint. The credentials of pre-signed URLs
    /// are redacted already.
    pub fn redact_query_parameter(mut self, name: &str) -> Self {
        self.inner.attributes.redaction.add(name);
        self
    }

    /// Whether the RUM members are in the span's own trace state, where a
    /// product behind may read them; by default they are. If not they stay out
    /// of the span context altogether, which is private and cheaper, and
    /// [`Injection`](crate::Injection) still puts them back at their place. Of what a
    /// [fallback propagator](Self::fallback_propagator) finds they are taken out, too;
    /// those that came in a `tracestate` header still go on.
    pub fn rum_in_trace_state(mut self, yes: bool) -> Self {
        self.inner.rum_in_trace_state = yes;
        self
    }

    /// What becomes of the session and user ids that clients tell: by default both are
    /// kept.
    ///
    /// ```
    /// use rum_trace_core::{IdPolicy, Instrumenter, Privacy};
    ///
    /// let builder = Instrumenter::builder()
    ///     .privacy(Privacy::keep_all().user_id(IdPolicy::Drop));
    /// # let _ = builder;
    /// ```
    pub fn privacy(mut self, privacy: Privacy) -> Self {
        self.privacy = privacy;
        self
    }

    /// Writes a request header as `http.request.header.<name>`. Headers with
    /// credentials, cookies, `tracestate` and `baggage` are refused.
    pub fn capture_request_header(self, name: &str) -> Self {
        self.request_header(name, Force::No)
    }

    /// The same for a header that is otherwise refused: its value will be in
    /// every span. Those that tell of session and user are still refused while
    /// [`privacy`](Self::privacy) hides either.
    pub fn capture_sensitive_request_header(self, name: &str) -> Self {
        self.request_header(name, Force::Yes)
    }

    /// Writes a response header as `http.response.header.<name>`. Headers with
    /// credentials and cookies are refused.
    pub fn capture_response_header(self, name: &str) -> Self {
        self.response_header(name, Force::No)
    }

    /// The same for a header that is otherwise refused.
    pub fn capture_sensitive_response_header(self, name: &str) -> Self {
        self.response_header(name, Force::Yes)
    }

    /// The instrumenter.
    ///
    /// # Errors
    ///
    /// The first setting that was wrong, with what to change.
    pub fn build(mut self) -> Result<Instrumenter, BuildError> {
        let settled = self.settle_privacy();
        self.check(settled);
        match self.error {
            None => Ok(Instrumenter::new(self.inner)),
            Some(error) => Err(error),
        }
    }

    /// Here, since a header may be listed before or after it.
    fn settle_privacy(&mut self) -> Result<(), BuildError> {
        let privacy = std::mem::take(&mut self.privacy);
        privacy.check()?;
        if !privacy.is_on() {
            return Ok(());
        }
        if let Some(name) = self.inner.attributes.request_headers.with_ids() {
            let name = name.to_owned();
            return Err(BuildError::CapturedIds { name });
        }
        self.inner.privacy = Some(privacy);
        Ok(())
    }

    fn request_header(mut self, name: &str, force: Force) -> Self {
        let added = self
            .inner
            .attributes
            .request_headers
            .add("http.request.header", name, force);
        self.check(added);
        self
    }

    fn response_header(mut self, name: &str, force: Force) -> Self {
        let added = self
            .inner
            .response_headers
            .add("http.response.header", name, force);
        self.check(added);
        self
    }

    fn check(&mut self, outcome: Result<(), BuildError>) {
        if let Err(error) = outcome {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: BuildError) {
        self.error.get_or_insert(error);
    }
}

impl Default for Inner {
    fn default() -> Self {
        let counters: Arc<Counters> = Arc::default();
        Inner {
            spans: SpanSource::default(),
            carriers: Carrier::DEFAULT.to_vec(),
            fallback: None,
            trust: None,
            proxies: None,
            hooks: Hooks::default(),
            methods: Vec::new(),
            attributes: Default::default(),
            response_headers: Default::default(),
            rum_in_trace_state: true,
            privacy: None,
            skipped: Default::default(),
            rpc_methods: Default::default(),
            called_methods: Default::default(),
            onward: Default::default(),
            metrics: Metrics::new(Arc::clone(&counters)),
            server_timing: None,
            verification: None,
            #[cfg(feature = "tracing")]
            tracing_spans: false,
            expected: Default::default(),
            counters,
        }
    }
}
