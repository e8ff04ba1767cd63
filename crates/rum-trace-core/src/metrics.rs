//! OpenTelemetry's metrics for HTTP servers, and gRPC's.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::metrics::{Histogram, Meter, MeterProvider, UpDownCounter};
use opentelemetry::{KeyValue, StringValue, Value, global};

use crate::grpc::EndedCall;
use crate::known::KnownNames;
use crate::{BuildError, RumContext, semconv, tracer};

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
    /// `rum.app.id`: the first `at_most` ids seen since the start; others are
    /// `_OTHER`. 1 to 10,000; but the SDK folds what is over its own limit for
    /// all labels of an instrument together, 2,000 by default.
    AppId {
        /// How many ids get a label of their own.
        at_most: usize,
    },
}

/// The meter, the labels, and nothing else: off unless asked for.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    source: Source,
    app_type: bool,
    app_ids: Option<KnownNames>,
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
    active: UpDownCounter<i64>,
    // Of f64, whose sum cannot overflow: what a client declares is no limit.
    request_size: Histogram<f64>,
    response_size: Histogram<f64>,
    call_duration: Histogram<f64>,
}

/// What of a request its metrics need to know at its begin.
pub(crate) struct Arrived<'a> {
    pub(crate) method: Value,
    pub(crate) scheme: &'static str,
    pub(crate) version: Option<&'static str>,
    pub(crate) route: Option<StringValue>,
    pub(crate) body_size: Option<u64>,
    pub(crate) rum: &'a RumContext,
}

/// A request that is counted as active.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Method and scheme, which are those of `active_requests`; then the rest.
    attributes: Vec<KeyValue>,
    route: Option<StringValue>,
    request_size: Option<u64>,
    /// `None`: the body goes another way.
    response_size: Option<u64>,
}

/// How it ended.
pub(crate) struct Ended<'a> {
    pub(crate) duration: Duration,
    pub(crate) status: Option<u16>,
    pub(crate) error_type: Option<&'a Value>,
    pub(crate) call: Option<&'a EndedCall>,
}

impl Metrics {
    pub(crate) fn of(&mut self, provider: &impl MeterProvider) {
        let meter = provider.meter_with_scope(tracer::scope());
        self.source = Source::Given(Instruments::new(&meter));
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
                Instruments::new(&global::meter_provider().meter_with_scope(tracer::scope()))
            })),
        }
    }

    /// Counts a request as active, until [`end`](Self::end).
    pub(crate) fn start(&self, arrived: Arrived<'_>) -> Option<Measured> {
        let instruments = self.instruments()?;
        let mut attributes = Vec::with_capacity(8);
        attributes.push(KeyValue::new(semconv::HTTP_REQUEST_METHOD, arrived.method));
        attributes.push(KeyValue::new(semconv::URL_SCHEME, arrived.scheme));
        instruments.active.add(1, &attributes);
        if let Some(version) = arrived.version {
            attributes.push(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version));
        }
        self.push_labels(arrived.rum, &mut attributes);
        Some(Measured {
            attributes,
            route: arrived.route,
            request_size: arrived.body_size.filter(|size| *size <= MAX_BODY),
            response_size: Some(0),
        })
    }

    fn push_labels(&self, rum: &RumContext, attributes: &mut Vec<KeyValue>) {
        if let Some(app_type) = rum.app_type().filter(|_| self.app_type) {
            attributes.push(KeyValue::new(
                semconv::RUM_APP_TYPE,
                app_type_label(app_type),
            ));
        }
        if let (Some(app_ids), Some(app_id)) = (&self.app_ids, rum.app_id()) {
            let label = app_ids
                .get_or_add(app_id)
                .map_or(StringValue::from(OTHER), StringValue::from);
            attributes.push(KeyValue::new(semconv::RUM_APP_ID, label));
        }
    }

    /// The request is over, whichever way.
    pub(crate) fn end(&self, mut measured: Measured, ended: &Ended<'_>) {
        let Some(instruments) = self.instruments() else {
            return;
        };
        instruments.active.add(-1, &measured.attributes[..2]);
        let attributes = &mut measured.attributes;
        if let Some(error_type) = ended.error_type {
            attributes.push(KeyValue::new(semconv::ERROR_TYPE, error_type.clone()));
        }
        if let Some(call) = ended.call {
            let attributes = call_attributes(call, ended.error_type);
            instruments
                .call_duration
                .record(ended.duration.as_secs_f64(), &attributes);
        }
        if let Some(route) = measured.route {
            attributes.push(KeyValue::new(semconv::HTTP_ROUTE, route));
        }
        if let Some(status) = ended.status {
            let name = semconv::HTTP_RESPONSE_STATUS_CODE;
            attributes.push(KeyValue::new(name, i64::from(status)));
            if let Some(size) = measured.response_size {
                instruments.response_size.record(size as f64, attributes);
            }
        }
        if let Some(size) = measured.request_size {
            instruments.request_size.record(size as f64, attributes);
        }
        instruments
            .duration
            .record(ended.duration.as_secs_f64(), attributes);
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

fn call_attributes(call: &EndedCall, error_type: Option<&Value>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(4);
    attributes.push(KeyValue::new(semconv::RPC_SYSTEM_NAME, "grpc"));
    attributes.push(KeyValue::new(semconv::RPC_METHOD, call.method.clone()));
    if let Some(status) = call.status {
        let name = semconv::RPC_RESPONSE_STATUS_CODE;
        attributes.push(KeyValue::new(name, status.as_str()));
    }
    if let Some(error_type) = error_type {
        attributes.push(KeyValue::new(semconv::ERROR_TYPE, error_type.clone()));
    }
    attributes
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        let duration = |name, description| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(SECONDS.to_vec())
                .build()
        };
        let size = |name, description| {
            meter
                .f64_histogram(name)
                .with_unit("By")
                .with_description(description)
                .with_boundaries(BYTES.to_vec())
                .build()
        };
        Instruments {
            duration: duration(
                semconv::HTTP_SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests.",
            ),
            active: meter
                .i64_up_down_counter(semconv::HTTP_SERVER_ACTIVE_REQUESTS)
                .with_unit("{request}")
                .with_description("Number of active HTTP server requests.")
                .build(),
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

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Off => "Off",
            Source::Given(_) => "Given",
            Source::Global(_) => "Global",
        })
    }
}
