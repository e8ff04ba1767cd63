//! What each diagnosis means; how to mend it is in `mend`.

use super::{Code, Finding, HopReport};
use crate::terminal::escape::for_terminal;

/// What it means.
pub(super) fn summary(finding: &Finding, hop: Option<&HopReport>) -> String {
    let text = match finding.code {
        Code::Unreachable => return format!("it cannot be reached: {}", problem(hop)),
        Code::NoResponse => return format!("it does not answer: {}", problem(hop)),
        Code::CannotTell => {
            "there were answers, and nothing tells what arrived: neither an answer header nor spans"
        }
        Code::StripsEverything => {
            "no trace header arrives: each request starts a new trace, without app, session and user"
        }
        Code::LosesTraces => {
            "the service exports spans, and none of these requests' is in the phone's trace: the \
             headers are stripped, or written anew with other trace ids (or its trust policy does \
             not believe these phones). If the service samples, or exports later than --wait, it \
             may be that alone"
        }
        Code::StripsTraceparent => {
            "traceparent does not arrive: apps that speak W3C start a new trace with each request"
        }
        Code::StripsTracestate => {
            "tracestate does not arrive: traces go on, without app, session and user"
        }
        Code::StripsSw8 => {
            "sw8 does not arrive: apps that speak SkyWalking start a new trace with each request"
        }
        Code::StripsB3 => {
            "b3, or x-b3-*, does not arrive: web pages that speak Zipkin's B3 start a new trace \
             with each request"
        }
        Code::StripsJaeger => {
            "uber-trace-id does not arrive: web pages that speak Jaeger start a new trace with each \
             request"
        }
        Code::StripsBaggage => {
            "baggage does not arrive: what web pages tell of session and user there is lost"
        }
        Code::RewritesTrace => {
            "traceparent arrives with another trace id: the service is in a trace of a gateway's, \
             and the phone's has an end there"
        }
        Code::RewritesSpan => {
            "traceparent arrives with another span id: a gateway that traces stands between phone \
             and service. That is right if its span is exported to where the service's are, which \
             is not seen from here; if not, the service's parent is a span that nobody has"
        }
        Code::DoublesTraceparent => {
            "a second traceparent arrives beside the phone's, so that neither is valid (W3C Trace \
             Context)"
        }
        Code::OverrulesCarrier => {
            "beside sw8, b3 or uber-trace-id a traceparent arrives that no phone sent: the service \
             goes on with that, and not with the phone's trace"
        }
        Code::ChangesSampling => {
            "the sampled flag arrives changed: a gateway decides on sampling in place of the phone"
        }
        Code::DropsTracestateLines => {
            "of several tracestate lines some do not arrive: who has a line of their own, as a \
             gateway further out, costs the phone's app, session and user"
        }
        Code::ShortensTracestate => shortened(finding),
        Code::ChangesTracestate => "tracestate arrives as something else",
        Code::ChangesSw8 => "sw8 arrives as something else, or only its begin",
        Code::ChangesB3 => "b3, or x-b3-*, arrives as something else, or a part of it",
        Code::ChangesJaeger => "uber-trace-id arrives as something else, or only its begin",
        Code::ChangesBaggage => "baggage arrives as something else, or a part of it",
        Code::RefusesLongHeaders => "a request with a long tracestate is refused on the way",
        Code::NotTrusted => {
            "all headers arrive, and the service does not believe them: its trust policy begins a \
             new trace"
        }
        Code::NotRead => {
            "all headers arrive, and the service does not go on with the trace: it does not read \
             this carrier, or prefers another"
        }
        Code::GatewaySpans => {
            "a gateway that traces stands between phone and service, and its span is exported: the \
             trace is whole"
        }
        Code::FoldsTracestate => {
            "several tracestate lines arrive as one, which HTTP allows: nothing is lost"
        }
        Code::BeginsTraces => {
            "a request without trace headers arrives with one: something on the way begins traces"
        }
        Code::NotSampled => {
            "the service goes on with the phone's trace and does not record it: its own sampler \
             decides so, or a gateway that writes the flag 00"
        }
        Code::Skipped => {
            "the service makes no span for this route: what is said of headers holds, and no trace \
             of it will be seen"
        }
        Code::NoAnswer => {
            "a token was sent and nobody answered it; what is said here comes from the spans"
        }
        Code::SomeUnknown => "of some requests it is not known what arrived",
        Code::Passes if hop.is_some_and(HopReport::is_by_answers) => "all that was sent arrives",
        Code::Passes => "all that was sent arrives, as far as spans tell",
    };
    text.to_owned()
}

/// Why the first request had no response.
fn problem(hop: Option<&HopReport>) -> String {
    let mut problems = hop.iter().flat_map(|hop| hop.judged.iter());
    let problem = problems.find_map(|judged| judged.exchange.response.as_ref().err());
    for_terminal(problem.map_or("", |problem| &problem.message).as_bytes())
}

fn shortened(finding: &Finding) -> &'static str {
    match finding.severity {
        super::Severity::Note => {
            "a tracestate over 512 characters is shortened on the way, which W3C Trace Context \
             allows; no RUM SDK sends such a list by itself"
        }
        _ => {
            "a tracestate of no more than 512 characters arrives shortened, which W3C Trace \
             Context says everybody should hand on"
        }
    }
}
