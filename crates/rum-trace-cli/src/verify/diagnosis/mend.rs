//! What to do about each diagnosis, a step in each text.

use super::products::{Family, Product};
use super::{Code, HopReport};
use crate::verify::hints;

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

/// What this product has to be told; nothing where nothing is known.
fn of_family(family: Family, code: Code) -> Vec<String> {
    let headers = headers_of(code);
    let deeds = Deed::of(code).iter();
    let told = |deed: &Deed| match family {
        Family::Nginx => Some(of_nginx(*deed, headers)),
        Family::Envoy => Some(of_envoy(*deed, headers)),
        Family::HaProxy => of_haproxy(*deed, code, headers),
        Family::Kong => of_kong(*deed, headers),
        Family::Apisix => of_apisix(*deed, headers),
        Family::GoogleLoadBalancer | Family::Traefik => of_tracer(family, *deed),
        family if family.is_edge() => of_edge(family, *deed, headers),
        _ => None,
    };
    deeds.filter_map(told).collect()
}

fn of_nginx(deed: Deed, headers: &str) -> String {
    let is_one = !headers.contains([',', ' ']);
    let name = if is_one { headers } else { "NAME" };
    let each = match is_one {
        true => String::new(),
        false => format!(" for {headers},"),
    };
    match deed {
        Deed::Stripped => format!(
            "nginx: take out `proxy_set_header {name} \"\";`{each} in the location or where it \
             inherits from, and `proxy_pass_request_headers off;`. (`underscores_in_headers` does \
             not matter: none of them has one)"
        ),
        Deed::Changed => format!(
            "nginx: take out `proxy_set_header {name} …;` with a text of its own{each} and what \
             njs or Lua write there"
        ),
        Deed::Traced => "nginx: take out `proxy_set_header traceparent …;`. With ngx_otel_module: \
             `otel_trace_context propagate;` and not `inject`, and export its spans to where the \
             service's go"
            .to_owned(),
        Deed::Begun => "nginx: take out `proxy_set_header traceparent …;`. With ngx_otel_module: \
             `otel_trace_context extract;`, which writes none, or `ignore`; `propagate` begins a \
             trace where no traceparent came"
            .to_owned(),
        Deed::LinesLost => {
            "nginx: take out `proxy_set_header tracestate $http_tracestate;`: before 1.23 that is \
             the first line alone. By itself nginx hands on all of them"
                .to_owned()
        }
        Deed::TooLong => "nginx: larger `large_client_header_buffers`, as `4 32k`".to_owned(),
    }
}

fn of_envoy(deed: Deed, headers: &str) -> String {
    match deed {
        Deed::Stripped => format!(
            "Envoy, Istio: look for {headers} in `request_headers_to_remove` of routes and virtual \
             hosts, and in Lua or EnvoyFilter"
        ),
        Deed::Changed => format!(
            "Envoy, Istio: look for {headers} in `request_headers_to_add` (with an append_action \
             that overwrites) and header mutations, in Lua or EnvoyFilter; its OpenTelemetry tracer \
             writes tracestate, too"
        ),
        Deed::Traced => {
            "Envoy, Istio: leave `tracing` out of the HttpConnectionManager (Istio: its Telemetry \
             resource), or export its spans to where the service's go. Without a traceparent its \
             OpenTelemetry tracer begins a trace and empties tracestate: apps that speak sw8 lose \
             what they tell"
                .to_owned()
        }
        Deed::Begun => {
            "Envoy, Istio: leave `tracing` out of the HttpConnectionManager (Istio: its Telemetry \
             resource): without a traceparent its OpenTelemetry tracer begins a trace and empties \
             tracestate"
                .to_owned()
        }
        Deed::LinesLost => {
            "Envoy: its OpenTelemetry tracer reads the first tracestate line alone and replaces \
             all by that; leave `tracing` out of the HttpConnectionManager, or have one line come in"
                .to_owned()
        }
        Deed::TooLong => "Envoy: a larger `max_request_headers_kb`".to_owned(),
    }
}

fn of_haproxy(deed: Deed, code: Code, headers: &str) -> Option<String> {
    Some(match deed {
        Deed::Traced if code == Code::DoublesTraceparent => {
            "HAProxy: `http-request set-header` in place of `add-header`".to_owned()
        }
        Deed::Traced | Deed::Begun => return None,
        Deed::Stripped => format!("HAProxy: look for `http-request del-header` of {headers}"),
        Deed::Changed | Deed::LinesLost => format!(
            "HAProxy: look for `http-request set-header`, `replace-header` and `replace-value` of \
             {headers}"
        ),
        Deed::TooLong => "HAProxy: a larger `tune.bufsize`".to_owned(),
    })
}

fn of_kong(deed: Deed, headers: &str) -> Option<String> {
    Some(match deed {
        Deed::Stripped => format!(
            "Kong: look for {headers} in the request-transformer plugin's `remove`, and in \
             `propagation.clear`"
        ),
        Deed::Changed | Deed::LinesLost => format!(
            "Kong: look for {headers} in the request-transformer plugin's `replace` and `rename`"
        ),
        Deed::Traced => {
            "Kong: in the opentelemetry or zipkin plugin `propagation.extract: [w3c]` and \
             `inject: [w3c]`, and its spans to where the service's go"
                .to_owned()
        }
        Deed::Begun => {
            "Kong: the opentelemetry and zipkin plugins write a traceparent (`inject: [w3c]`) where \
             none came, too: switch the plugin off on this route, or let it write nothing"
                .to_owned()
        }
        Deed::TooLong => return None,
    })
}

fn of_apisix(deed: Deed, headers: &str) -> Option<String> {
    Some(match deed {
        Deed::Stripped | Deed::Changed | Deed::LinesLost => {
            format!("APISIX: look for {headers} in the proxy-rewrite plugin")
        }
        Deed::Traced => {
            "APISIX: its opentelemetry plugin always writes traceparent, and samples nothing by \
             default: `sampler: parent_base`, and its spans to where the service's go"
                .to_owned()
        }
        Deed::Begun => {
            "APISIX: its opentelemetry plugin always writes traceparent: switch it off on this \
             route"
                .to_owned()
        }
        Deed::TooLong => return None,
    })
}

fn of_tracer(family: Family, deed: Deed) -> Option<String> {
    let family = family.as_str();
    match deed {
        Deed::Traced => Some(format!(
            "{family}: switch its tracing off, or export its spans to where the service's go"
        )),
        Deed::Begun => Some(format!("{family}: switch its tracing off")),
        _ => None,
    }
}

fn of_edge(family: Family, deed: Deed, headers: &str) -> Option<String> {
    let family = family.as_str();
    match deed {
        Deed::Stripped => Some(format!(
            "{family}: put {headers} on its list of headers that go on to the origin"
        )),
        Deed::Changed => Some(format!(
            "{family}: look for {headers} among its rules that set request headers"
        )),
        _ => None,
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
