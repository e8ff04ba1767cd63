//! OpenTelemetry's metrics for HTTP servers, and gRPC's.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::metrics::{Histogram, Meter, MeterProvider};
use opentelemetry::{StringValue, Value, global};

pub(crate) use self::calls::CallEnded;

use self::active::ActiveRequests;
use self::calls::Calls;
use self::labels::Labels;
use crate::grpc::{EndedCall, GrpcStatus};
use crate::known::KnownNames;
use crate::method::Method;
use crate::stats::Counters;
use crate::{BuildError, RumContext, semconv, tracer};

mod active;
mod calls;
mod carriers;
mod labels;

/// The conventions' bucket boundaries for durations, in seconds.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The conventions give none for sizes: nothing, then powers of four from
/// 256 B to 64 MiB.
const BYTES: [f64; 11] = [
    0.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// A body of more bytes than these (1 TiB) is a lie, and would spoil the sum.
const MAX_BODY: u64 = 1 << 40;

/// More app ids than this are no labels any more.
const MAX_APP_IDS: usize = 10_000;

/// What a client tells that may be a label of the metrics.
///
/// There is no variant for a session or a user, and there will be none: each
/// would be a time series of its own. They are on the spans.
///
/// ```compile_fail
/// use rum_trace_core::MetricLabel;
/// let label = MetricLabel::SessionId; // no such label
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricLabel {
    /// `rum.app.type`: one of the products' own types, else `_OTHER`.
    AppType,
    /// `rum.app.id`: the first `at_most` ids seen since the start, of clients that are
    /// [trusted](crate::TrustPolicy); others are `_OTHER`. 1 to 10,000; but the SDK
    /// folds what is over its own limit for all labels of an instrument together,
    /// 2,000 by default.
    AppId {
        /// How many ids get a label of their own.
        at_most: usize,
    },
}

/// The meter, the labels, and nothing else: off unless asked for.
#[derive(Debug)]
pub(crate) struct Metrics {
    source: Source,
    app_type: bool,
    app_ids: Option<KnownNames>,
    counters: Arc<Counters>,
}

#[derive(Default)]
enum Source {
    #[default]
    Off,
    Given(Instruments),
    /// Asked at the first request, like the global tracer provider.
    Global(OnceLock<Instruments>),
}

struct Instruments {
    duration: Histogram<f64>,
    active: ActiveRequests,
    // Of f64, whose sum cannot overflow: what a client declares is no limit.
    request_size: Histogram<f64>,
    response_size: Histogram<f64>,
    call_duration: Histogram<f64>,
    calls: Calls,
}

/// What of a request its metrics need to know at its begin.
pub(crate) struct Arrived<'a> {
    pub(crate) method: &'a Method,
    pub(crate) scheme: &'static str,
    pub(crate) version: Option<&'static str>,
    pub(crate) route: Option<StringValue>,
    pub(crate) body_size: Option<u64>,
}

/// A request that is counted as active: what is not known of it elsewhere.
#[derive(Debug)]
pub(crate) struct Measured {
    scheme: &'static str,
    version: Option<&'static str>,
    route: Option<StringValue>,
    request_size: Option<u64>,
    /// `None`: the body goes another way.
    response_size: Option<u64>,
}

/// How it ended.
pub(crate) struct Ended<'a> {
    pub(crate) method: &'a Method,
    pub(crate) rum: &'a RumContext,
    /// The client is believed.
    pub(crate) is_trusted: bool,
    pub(crate) duration: Duration,
    pub(crate) status: Option<u16>,
    pub(crate) error_type: Option<&'a Value>,
    pub(crate) call: Option<&'a EndedCall>,
}

impl Metrics {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Metrics {
            source: Source::Off,
            app_type: false,
            app_ids: None,
            counters,
        }
    }

    pub(crate) fn of(&mut self, provider: &impl MeterProvider) {
        let meter = provider.meter_with_scope(tracer::scope());
        self.source = Source::Given(Instruments::new(&meter, &self.counters));
    }

    pub(crate) fn global(&mut self) {
        self.source = Source::Global(OnceLock::new());
    }

    pub(crate) fn label(&mut self, label: MetricLabel) -> Result<(), BuildError> {
        match label {
            MetricLabel::AppType => self.app_type = true,
            MetricLabel::AppId { at_most } if (1..=MAX_APP_IDS).contains(&at_most) => {
                self.app_ids = Some(KnownNames::new(at_most));
            }
            MetricLabel::AppId { at_most } => {
                return Err(BuildError::AppIdLabels { at_most });
            }
        }
        Ok(())
    }

    pub(crate) fn is_on(&self) -> bool {
        !matches!(self.source, Source::Off)
    }

    fn instruments(&self) -> Option<&Instruments> {
        match &self.source {
            Source::Off => None,
            Source::Given(instruments) => Some(instruments),
            Source::Global(instruments) => Some(instruments.get_or_init(|| {
                let meter = global::meter_provider().meter_with_scope(tracer::scope());
                Instruments::new(&meter, &self.counters)
            })),
        }
    }

    /// Counts a request as active, until [`end`](Self::end).
    pub(crate) fn start(&self, arrived: Arrived<'_>) -> Option<Measured> {
        let instruments = self.instruments()?;
        instruments.active.add(1, arrived.method, arrived.scheme);
        Some(Measured {
            scheme: arrived.scheme,
            version: arrived.version,
            route: arrived.route,
            request_size: arrived.body_size.filter(|size| *size <= MAX_BODY),
            response_size: Some(0),
        })
    }

    /// The request is over, whichever way.
    pub(crate) fn end(&self, measured: &mut Measured, ended: &Ended<'_>) {
        let Some(instruments) = self.instruments() else {
            return;
        };
        instruments.active.add(-1, ended.method, measured.scheme);
        let seconds = ended.duration.as_secs_f64();
        if let Some(call) = ended.call {
            Labels::with(|labels| {
                push_call(call, ended.error_type, labels);
                instruments.call_duration.record(seconds, labels.as_slice());
            });
        }
        Labels::with(|labels| {
            self.push(measured, ended, labels);
            let labels = labels.as_slice();
            // Without a status there was no response.
            if let (Some(size), Some(_)) = (measured.response_size, ended.status) {
                instruments.response_size.record(size as f64, labels);
            }
            if let Some(size) = measured.request_size {
                instruments.request_size.record(size as f64, labels);
            }
            instruments.duration.record(seconds, labels);
        });
    }

    /// A call to another service is over, whichever way.
    pub(crate) fn end_call(&self, ended: &CallEnded<'_>) {
        if let Some(instruments) = self.instruments() {
            instruments.calls.record(ended);
        }
    }

    fn push(&self, measured: &mut Measured, ended: &Ended<'_>, labels: &mut Labels) {
        let status = ended.status.map(i64::from);
        labels.push_some(semconv::ERROR_TYPE, ended.error_type.cloned());
        labels.push(semconv::HTTP_REQUEST_METHOD, ended.method.to_value());
        labels.push_some(semconv::HTTP_RESPONSE_STATUS_CODE, status);
        labels.push_some(semconv::HTTP_ROUTE, measured.route.take());
        labels.push_some(semconv::NETWORK_PROTOCOL_VERSION, measured.version);
        labels.push_some(semconv::RUM_APP_ID, self.app_id(ended));
        labels.push_some(semconv::RUM_APP_TYPE, self.app_type(ended.rum));
        labels.push(semconv::URL_SCHEME, measured.scheme);
    }

    fn app_type(&self, rum: &RumContext) -> Option<&'static str> {
        if !self.app_type {
            return None;
        }
        rum.app_type().map(app_type_label)
    }

    /// Who is not believed takes no place from those who are.
    fn app_id(&self, ended: &Ended<'_>) -> Option<StringValue> {
        let known = self.app_ids.as_ref()?;
        let app_id = ended.rum.app_id()?;
        let label = match ended.is_trusted {
            true => known.get_or_add(app_id),
            false => known.get(app_id),
        };
        Some(label.map_or(StringValue::from(OTHER), StringValue::from))
    }
}

impl Measured {
    pub(crate) fn set_route(&mut self, route: StringValue) {
        self.route = Some(route);
    }

    pub(crate) fn on_frame(&mut self, bytes: usize) {
        if let Some(size) = &mut self.response_size {
            *size = size.saturating_add(bytes as u64);
        }
    }

    pub(crate) fn on_unseen_body(&mut self) {
        self.response_size = None;
    }
}

const OTHER: &str = "_OTHER";

/// A client may send any text: only the types that there are become labels.
fn app_type_label(app_type: &str) -> &'static str {
    const TYPES: [&str; 9] = [
        "browser",
        "web",
        "uniapp",
        "miniapp",
        "android",
        "ios",
        "harmonyos",
        "windows",
        "macos",
    ];
    TYPES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(app_type))
        .unwrap_or(OTHER)
}

fn push_call(call: &EndedCall, error_type: Option<&Value>, labels: &mut Labels) {
    let status = call.status.map(GrpcStatus::as_str);
    labels.push_some(semconv::ERROR_TYPE, error_type.cloned());
    labels.push(semconv::RPC_METHOD, call.method.clone());
    labels.push_some(semconv::RPC_RESPONSE_STATUS_CODE, status);
    labels.push(semconv::RPC_SYSTEM_NAME, "grpc");
}

impl Instruments {
    fn new(meter: &Meter, counters: &Arc<Counters>) -> Self {
        carriers::tell(meter, counters);
        let duration = |name, description| seconds(meter, name, description);
        let size = |name, description| {
            meter
                .f64_histogram(name)
                .with_unit("By")
                .with_description(description)
                .with_boundaries(BYTES.to_vec())
                .build()
        };
        Instruments {
            calls: Calls::new(meter),
            duration: duration(
                semconv::HTTP_SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests.",
            ),
            active: ActiveRequests::new(meter),
            request_size: size(
                semconv::HTTP_SERVER_REQUEST_BODY_SIZE,
                "Size of HTTP server request bodies.",
            ),
            response_size: size(
                semconv::HTTP_SERVER_RESPONSE_BODY_SIZE,
                "Size of HTTP server response bodies.",
            ),
            call_duration: duration(
                semconv::RPC_SERVER_CALL_DURATION,
                "Measures the duration of an incoming Remote Procedure Call (RPC).",
            ),
        }
    }
}

/// Calls back whenever a reader is about to collect, before it reads anything.
fn before_collecting(meter: &Meter, call: impl Fn() + Send + Sync + 'static) {
    // Observes nothing, and so is not exported.
    meter
        .i64_observable_gauge("rum_trace.collecting")
        .with_callback(move |_| call())
        .build();
}

/// A histogram of durations.
fn seconds(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(SECONDS.to_vec())
        .build()
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Off => "Off",
            Source::Given(_) => "Given",
            Source::Global(_) => "Global",
        })
    }
}
