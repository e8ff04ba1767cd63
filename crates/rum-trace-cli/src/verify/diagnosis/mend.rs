//! What to do about each diagnosis, a step in each text.

mod steps;

use super::products::{Family, Product};
use super::{Code, HopReport};
use crate::verify::hints;

use steps::of_family;

pub(super) fn mend(code: Code, products: &[Product], hop: Option<&HopReport>) -> Vec<String> {
    match code {
        Code::CannotTell => hints::of_silence(hop),
        Code::Unreachable
        | Code::NoResponse
        | Code::Passes
        | Code::FoldsTracestate
        | Code::GatewaySpans => Vec::new(),
        Code::NoAnswer => hints::of_no_answer(),
        Code::SomeUnknown => lines(&[
            "the responses above say more: a status of a gateway's own (it may limit requests), no \
             answer in time, or spans that came too late (--wait) or not at all (a sampler of the \
             service's own)",
        ]),
        Code::NotSampled => lines(&[
            "the verification token tells what arrived of requests that are not sampled, too",
        ]),
        Code::Skipped => lines(&[
            "right for a health check; else look at InstrumenterBuilder::skip, \
             ::skip_health_checks, and filters of yours",
        ]),
        Code::NotTrusted => lines(&[
            "if the service trusts known apps alone: give one of their ids by --app-id",
            "else look at InstrumenterBuilder::trust and ::trusted_proxies",
        ]),
        Code::NotRead => lines(&[
            "look at InstrumenterBuilder::carriers: is this carrier in the list, and in the right \
             place? If no app of yours sends it, leave its probes out: --probe picks the others",
        ]),
        _ => of_families(code, products),
    }
}

/// First for those that are known to be there, then for everybody.
fn of_families(code: Code, products: &[Product]) -> Vec<String> {
    let mut steps = Vec::new();
    for product in products {
        steps.extend(of_family(product.family, code));
    }
    if steps.is_empty() {
        let usual = [Family::Nginx, Family::Envoy];
        steps.extend(usual.into_iter().flat_map(|family| of_family(family, code)));
    }
    steps.extend(of_everybody(code));
    steps
}

/// What is done to a header, as far as the settings that do so differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// It does not arrive.
    Stripped,
    /// Another text arrives in its place, or a part of it.
    Changed,
    /// Somebody traces, and writes its own.
    Traced,
    /// A trace is begun where no `traceparent` came.
    Begun,
    /// Of several lines some are lost.
    LinesLost,
    TooLong,
}

impl Deed {
    /// Both, where spans alone cannot tell.
    const fn of(code: Code) -> &'static [Self] {
        match code {
            Code::LosesTraces => &[Deed::Stripped, Deed::Traced],
            Code::RewritesTrace
            | Code::RewritesSpan
            | Code::DoublesTraceparent
            | Code::ChangesSampling => &[Deed::Traced],
            Code::OverrulesCarrier | Code::BeginsTraces => &[Deed::Begun],
            Code::ShortensTracestate
            | Code::ChangesTracestate
            | Code::ChangesSw8
            | Code::ChangesB3
            | Code::ChangesJaeger
            | Code::ChangesBaggage => &[Deed::Changed],
            Code::DropsTracestateLines => &[Deed::LinesLost],
            Code::RefusesLongHeaders => &[Deed::TooLong],
            _ => &[Deed::Stripped],
        }
    }
}

fn headers_of(code: Code) -> &'static str {
    match code {
        Code::StripsTraceparent => "traceparent",
        Code::StripsTracestate | Code::ChangesTracestate | Code::ShortensTracestate => "tracestate",
        Code::StripsSw8 | Code::ChangesSw8 => "sw8",
        Code::StripsB3 | Code::ChangesB3 => "b3 and x-b3-*",
        Code::StripsJaeger | Code::ChangesJaeger => "uber-trace-id",
        Code::StripsBaggage | Code::ChangesBaggage => "baggage",
        _ => {
            "traceparent, tracestate, baggage, sw8, sw8-correlation, sw8-x, b3, x-b3-* and \
             uber-trace-id"
        }
    }
}

fn of_everybody(code: Code) -> Vec<String> {
    let headers = headers_of(code);
    match code {
        Code::RewritesTrace | Code::DoublesTraceparent => {
            lines(&["a gateway or sidecar that traces has to continue what comes in, or be quiet"])
        }
        Code::OverrulesCarrier | Code::BeginsTraces => lines(&[
            "have a gateway or sidecar that traces write no traceparent where none came: it knows \
             nothing of sw8 and begins a trace of its own. If that cannot be: put Carrier::Sw8 \
             first in InstrumenterBuilder::carriers",
        ]),
        Code::RewritesSpan => lines(&[
            "export the gateway's spans to where the service's go, and then say so by \
             --tracing-gateway; or switch its tracing off",
            "with --collect or --view on that place it is seen whether they are there",
        ]),
        Code::ChangesSampling => lines(&[
            "have the gateway follow the phone's flag (a parent-based sampler), or sample in the \
             service without asking the flag (SessionSampler)",
        ]),
        Code::LosesTraces => vec![
            format!("put {headers} on each list of allowed headers on the way"),
            "the verification token tells stripped from rewritten, and so does \
             InstrumenterBuilder::server_timing; with either it is also told what is not sampled"
                .to_owned(),
        ],
        Code::ShortensTracestate | Code::DropsTracestateLines => lines(&[
            "hand tracestate on as it comes; where lines are joined, with a comma between and in \
             their order; and give headers room at each hop",
        ]),
        Code::ChangesTracestate | Code::ChangesBaggage => vec![format!(
            "have each hop hand {headers} on as it comes, or add to it: an own member goes to its \
             begin or end"
        )],
        Code::ChangesSw8 | Code::ChangesB3 | Code::ChangesJaeger => vec![format!(
            "have each hop hand {headers} on as it comes: rewritten it names no span of the phone's"
        )],
        Code::RefusesLongHeaders => lines(&["give headers more room at each hop"]),
        _ => vec![format!(
            "put {headers} on each list of allowed headers on the way: CDN, WAF, API gateway, \
             service mesh"
        )],
    }
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: Code, family: Family) -> String {
        let evidence = String::new();
        mend(code, &[Product { family, evidence }], None).join("\n")
    }

    #[test]
    fn what_arrives_otherwise_is_not_let_through_by_a_list() {
        for code in [
            Code::ShortensTracestate,
            Code::ChangesTracestate,
            Code::ChangesSw8,
            Code::ChangesBaggage,
        ] {
            for family in [
                Family::Nginx,
                Family::Envoy,
                Family::Kong,
                Family::Cloudflare,
            ] {
                let mend = of(code, family);
                for word in ["\"\"", "to_remove", "list", "`remove`"] {
                    assert!(!mend.contains(word), "{code:?}, {family:?}: {mend}");
                }
            }
        }
        let nginx = of(Code::ChangesSw8, Family::Nginx);
        assert!(nginx.contains("proxy_set_header sw8 …;"), "{nginx}");
    }

    #[test]
    fn who_continues_what_did_not_come_begins_a_trace() {
        for code in [Code::OverrulesCarrier, Code::BeginsTraces] {
            let nginx = of(code, Family::Nginx);
            assert!(nginx.contains("`otel_trace_context extract;`"), "{nginx}");
            assert!(nginx.contains("Carrier::Sw8 first"), "{nginx}");
            assert!(of(code, Family::Kong).contains("switch the plugin off"));
        }
    }

    #[test]
    fn a_lost_trace_may_be_stripped_or_rewritten() {
        let nginx = of(Code::LosesTraces, Family::Nginx);
        assert!(nginx.contains("proxy_set_header NAME \"\";"), "{nginx}");
        assert!(nginx.contains("and not `inject`"), "{nginx}");
        assert!(of(Code::LosesTraces, Family::CloudFront).contains("its list of headers"));
    }
}
