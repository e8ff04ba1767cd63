//! The faults over gRPC.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use rum_trace_otlp::DropReason::{Refused, ShutdownDeadline};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::peers::{Peer, Spoiled};
use super::{Dropped, Exported, Fault, Rejected, TIMEOUT};
use crate::support::grpc::{GrpcCollector, Reply};
use crate::support::tls::Authority;

/// The first answer is this one, and all others are good.
fn once(reply: Reply) -> Peer {
    let good = || Ok(ExportTraceServiceResponse::default());
    let collector = GrpcCollector::answering(move |n| if n == 0 { reply.clone() } else { good() });
    Peer::new(collector.url(), collector.inbox.clone(), collector)
}

fn code(code: Code) -> Peer {
    once(Err(Status::new(code, "as the row wants it")))
}

/// With `RetryInfo`, gRPC's `Retry-After`.
fn pausing(code: Code, seconds: u64) -> Peer {
    let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(seconds)));
    once(Err(Status::with_error_details(code, "busy", details)))
}

fn partial(rejected_spans: i64, message: &str) -> Peer {
    once(Ok(ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: message.to_owned(),
        }),
    }))
}

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = connection();
    faults.extend(answers());
    faults
}

fn connection() -> Vec<Fault> {
    let good = || once(Ok(ExportTraceServiceResponse::default()));
    vec![
        Fault::new(
            "reset within the batch",
            good().spoiled(Spoiled::Reset),
            Exported,
        )
        .requests(1),
        // At least once: the collector has got it twice.
        Fault::new("answer lost", good().spoiled(Spoiled::AnswerLost), Exported).requests(2),
        // HTTP/2 keeps a silent connection until its keep-alive gives it up,
        // which is more than this test waits for.
        Fault::new("half open", Peer::silent(), Dropped(ShutdownDeadline))
            .setup(|builder| builder.timeout(TIMEOUT))
            .says("no answer within the timeout of 200ms"),
        Fault::new("nobody listens", Peer::dead(), Dropped(ShutdownDeadline)).says("refused"),
        Fault::new(
            "no such host",
            Peer::unknown_host(),
            Dropped(ShutdownDeadline),
        ),
        Fault::new(
            "unknown authority",
            unknown_authority(),
            Dropped(ShutdownDeadline),
        )
        .setup(|builder| builder.ca_certificate_pem(Authority::new().ca_pem))
        .requests(0)
        .says("ca_certificate_pem"),
    ]
}

fn unknown_authority() -> Peer {
    let collector = GrpcCollector::tls(Authority::new().tonic());
    Peer::new(collector.url(), collector.inbox.clone(), collector)
}

/// OTLP specification, "OTLP/gRPC Response", "Failures" has the table of codes;
/// `RESOURCE_EXHAUSTED` is retried only if there is a `RetryInfo`. Servers say
/// so for a message that is too large (413 over HTTP), and `INTERNAL` or
/// `UNKNOWN` for a fault of their own (500): the table has both as final.
fn answers() -> Vec<Fault> {
    vec![
        Fault::new("throttled", pausing(Code::ResourceExhausted, 1), Exported).requests(2),
        Fault::new(
            "unavailable with a pause",
            pausing(Code::Unavailable, 1),
            Exported,
        )
        .requests(2),
        Fault::new("unavailable", code(Code::Unavailable), Exported).requests(2),
        Fault::new("cancelled", code(Code::Cancelled), Exported).requests(2),
        Fault::new("data loss", code(Code::DataLoss), Exported).requests(2),
        Fault::new(
            "throttled, for an hour",
            pausing(Code::ResourceExhausted, 3_600),
            Dropped(ShutdownDeadline),
        )
        .requests(1)
        .says("ResourceExhausted"),
        Fault::new("bad data", code(Code::InvalidArgument), Dropped(Refused))
            .requests(1)
            .says("InvalidArgument: as the row wants it"),
        Fault::new("too large", code(Code::ResourceExhausted), Dropped(Refused)).requests(1),
        Fault::new("internal", code(Code::Internal), Dropped(Refused)).requests(1),
        Fault::new("unknown", code(Code::Unknown), Dropped(Refused)).requests(1),
        Fault::new("partial success", partial(2, "too long"), Rejected(2))
            .requests(1)
            .says("too long"),
        Fault::new("all rejected", partial(100, "no"), Rejected(6)).requests(1),
        Fault::new("a warning", partial(0, "old version"), Exported).requests(1),
    ]
}
