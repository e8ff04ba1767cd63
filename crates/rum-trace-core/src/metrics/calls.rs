//! The metrics of calls to other services.

use std::time::Duration;

use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry::{StringValue, Value};

use super::labels::Labels;
use super::{OTHER, push_call, seconds};
use crate::grpc::EndedCall;
use crate::known::KnownNames;
use crate::method::Method;
use crate::semconv;

/// More servers (hosts with their ports) than this are no labels any more: a gateway may be asked for any.
const MAX_SERVERS: usize = 1_000;

/// How a call ended.
pub(crate) struct CallEnded<'a> {
    pub(crate) method: &'a Method,
    /// `server.address` and `server.port`.
    pub(crate) server: [Option<(&'static str, Value)>; 2],
    pub(crate) duration: Duration,
    pub(crate) status: Option<u16>,
    pub(crate) version: Option<&'static str>,
    pub(crate) error_type: Option<&'a Value>,
    /// HTTP's own: a gRPC call that was refused is no error of HTTP's.
    pub(crate) http_error: Option<&'a Value>,
    pub(crate) call: Option<&'a EndedCall>,
}

pub(super) struct Calls {
    duration: Histogram<f64>,
    call_duration: Histogram<f64>,
    servers: KnownNames,
}

impl Calls {
    pub(super) fn new(meter: &Meter) -> Self {
        Calls {
            duration: seconds(
                meter,
                semconv::HTTP_CLIENT_REQUEST_DURATION,
                "Duration of HTTP client requests.",
            ),
            call_duration: seconds(
                meter,
                semconv::RPC_CLIENT_CALL_DURATION,
                "Measures the duration of an outgoing Remote Procedure Call (RPC).",
            ),
            servers: KnownNames::new(MAX_SERVERS),
        }
    }

    pub(super) fn record(&self, ended: &CallEnded<'_>) {
        let seconds = ended.duration.as_secs_f64();
        if let Some(call) = ended.call {
            Labels::with(|labels| {
                push_call(call, ended.error_type, labels);
                self.push_server(ended, labels);
                self.call_duration.record(seconds, labels.as_slice());
            });
        }
        Labels::with(|labels| {
            let status = ended.status.map(i64::from);
            labels.push_some(semconv::ERROR_TYPE, ended.http_error.cloned());
            labels.push(semconv::HTTP_REQUEST_METHOD, ended.method.to_value());
            labels.push_some(semconv::HTTP_RESPONSE_STATUS_CODE, status);
            labels.push_some(semconv::NETWORK_PROTOCOL_VERSION, ended.version);
            self.push_server(ended, labels);
            self.duration.record(seconds, labels.as_slice());
        });
    }

    fn push_server(&self, ended: &CallEnded<'_>, labels: &mut Labels) {
        let [address, port] = &ended.server;
        let Some((name, address)) = address else {
            return;
        };
        // One series for each server, however its name is written.
        let mut server = address.as_str().trim_end_matches('.').to_ascii_lowercase();
        let end = server.len();
        if let Some((_, port)) = port {
            server.push(':');
            server.push_str(&port.as_str());
        }
        if self.servers.get_or_add(&server).is_none() {
            labels.push(name, OTHER);
            return;
        }
        server.truncate(end);
        labels.push(name, StringValue::from(server));
        if let Some((name, port)) = port {
            labels.push(name, port.clone());
        }
    }
}
