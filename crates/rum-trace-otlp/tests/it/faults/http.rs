//! The faults over HTTP.

use rum_trace_otlp::DropReason::{Refused, ShutdownDeadline};
use rum_trace_otlp::PipelineBuilder;

use super::peers::{Peer, Spoiled};
use super::{Dropped, Exported, Fault, Rejected, TIMEOUT};
use crate::support::http::{HttpCollector, Reply};
use crate::support::tls::Authority;

/// By a collector's clock.
const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const IN_AN_HOUR: &str = "Sun, 06 Nov 1994 09:49:37 GMT";

/// The first answer is this one, and all others are good.
fn once(reply: Reply) -> Peer {
    Peer::http(move |n| if n == 0 { reply.clone() } else { Reply::ok() })
}

fn status(status: u16) -> Reply {
    Reply::status(status)
}

fn impatient(builder: PipelineBuilder) -> PipelineBuilder {
    builder.timeout(TIMEOUT)
}

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = connection();
    faults.extend(answers());
    faults
}

/// OTLP specification, "All Other Responses" and "OTLP/HTTP Connection": who
/// gets no answer or no connection tries again.
fn connection() -> Vec<Fault> {
    let good = || Peer::http(|_| Reply::ok());
    vec![
        Fault::new(
            "reset within the batch",
            good().spoiled(Spoiled::Reset),
            Exported,
        )
        .requests(1),
        // At least once: the collector has got it twice.
        Fault::new("answer lost", good().spoiled(Spoiled::AnswerLost), Exported).requests(2),
        Fault::new(
            "half open, then well",
            good().spoiled(Spoiled::Silent),
            Exported,
        )
        .setup(impatient)
        .requests(1),
        Fault::new("half open", Peer::silent(), Dropped(ShutdownDeadline))
            .setup(impatient)
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

/// It is not the batch that is refused: the authority may be made known.
fn unknown_authority() -> Peer {
    let collector = HttpCollector::tls(Authority::new().acceptor());
    Peer::new(collector.url(), collector.inbox.clone(), collector)
}

/// OTLP specification, "OTLP/HTTP Response", "Failures": 429, 502, 503 and 504
/// should be retried; "All other 4xx or 5xx response status codes MUST NOT be
/// retried", which 500 is one of. "Partial Success": the client must not retry.
fn answers() -> Vec<Fault> {
    let pausing = |code: u16, after: &str| status(code).header("retry-after", after);
    vec![
        Fault::new("429 with Retry-After", once(pausing(429, "1")), Exported).requests(2),
        Fault::new("503 with Retry-After", once(pausing(503, "1")), Exported).requests(2),
        Fault::new("429 without it", once(status(429)), Exported).requests(2),
        Fault::new("503 without it", once(status(503)), Exported).requests(2),
        Fault::new("502", once(status(502)), Exported).requests(2),
        Fault::new("504", once(status(504)), Exported).requests(2),
        Fault::new(
            "429, for an hour",
            once(pausing(429, "3600")),
            Dropped(ShutdownDeadline),
        )
        .requests(1)
        .says("429"),
        Fault::new(
            "503, for an hour",
            once(pausing(503, "3600")),
            Dropped(ShutdownDeadline),
        )
        .requests(1)
        .says("503"),
        // By the collector's own clock.
        Fault::new(
            "503, until a date in an hour",
            once(pausing(503, IN_AN_HOUR).header("date", NOW)),
            Dropped(ShutdownDeadline),
        )
        .requests(1)
        .says("503"),
        Fault::new(
            "429, until a date that has passed",
            once(pausing(429, NOW).header("date", IN_AN_HOUR)),
            Exported,
        )
        .requests(2),
        Fault::new("400", once(status(400)), Dropped(Refused))
            .requests(1)
            .says("400"),
        Fault::new("413", once(status(413)), Dropped(Refused))
            .requests(1)
            .says("max_export_batch_size"),
        Fault::new("500", once(status(500)), Dropped(Refused))
            .requests(1)
            .says("500"),
        Fault::new(
            "partial success",
            once(Reply::partial(2, "too long")),
            Rejected(2),
        )
        .requests(1)
        .says("too long"),
        Fault::new("all rejected", once(Reply::partial(100, "no")), Rejected(6)).requests(1),
        Fault::new(
            "a warning",
            once(Reply::partial(0, "old version")),
            Exported,
        )
        .requests(1),
    ]
}
