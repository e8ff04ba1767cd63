//! The words for each diagnosis: what it means, and how to mend it.

use super::products::{Family, Product};
use super::{Code, Finding, HopReport};
use crate::terminal::escape::for_terminal;

/// What it means.
pub(super) fn summary(finding: &Finding, hop: Option<&HopReport>) -> String {
    let text = match finding.code {
        Code::Unreachable => return unreachable(hop),
        Code::CannotTell => {
            "there were answers, and nothing tells what arrived: neither an answer header nor spans"
        }
        Code::StripsEverything => {
            "no trace header arrives: each request starts a new trace, without app, session and user"
        }
        Code::LosesTraces => {
            "the service exports spans, and none of them is in the phone's trace: the headers are \
             stripped, or written anew with other trace ids (or its trust policy does not believe \
             these phones)"
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
        Code::OverrulesSw8 => {
            "beside sw8 a traceparent arrives that no phone sent: the service goes on with that, \
             and not with the phone's trace"
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
        Code::NoAnswer => {
            "a token was sent and nobody answered it; what is said here comes from the spans"
        }
        Code::SomeUnknown => "of some requests it is not known what arrived",
        Code::Passes if hop.is_some_and(HopReport::is_by_answers) => "all that was sent arrives",
        Code::Passes => "all that was sent arrives, as far as spans tell",
    };
    text.to_owned()
}

fn unreachable(hop: Option<&HopReport>) -> String {
    let mut problems = hop.iter().flat_map(|hop| hop.judged.iter());
    let problem = problems.find_map(|judged| judged.exchange.response.as_ref().err());
    let message = problem.map_or("", |problem| &problem.message);
    format!("it cannot be reached: {}", for_terminal(message.as_bytes()))
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

/// What to do, a step in each.
pub(super) fn mend(code: Code, products: &[Product], hop: Option<&HopReport>) -> Vec<String> {
    match code {
        Code::CannotTell => super::super::hints::of_silence(hop),
        Code::Unreachable | Code::Passes | Code::FoldsTracestate | Code::GatewaySpans => Vec::new(),
        Code::NoAnswer => super::super::hints::of_no_answer(),
        Code::SomeUnknown => lines(&[
            "the responses above say more: a status of a gateway's own, no answer in time, or \
             spans that came too late (--wait)",
        ]),
        Code::NotTrusted => lines(&[
            "if the service trusts known apps alone: give one of their ids by --app-id",
            "else look at InstrumenterBuilder::trust and ::trusted_proxies",
        ]),
        Code::NotRead => lines(&[
            "look at InstrumenterBuilder::carriers: is this carrier in the list, and in the right \
             place?",
        ]),
        _ => of_families(code, products),
    }
}

/// First for those that are known to be there, then for everybody.
fn of_families(code: Code, products: &[Product]) -> Vec<String> {
    let headers = headers_of(code);
    let mut steps = Vec::new();
    let named = products
        .iter()
        .filter_map(|product| of_family(product.family, code, headers));
    steps.extend(named);
    if steps.is_empty() {
        let usual = [Family::Nginx, Family::Envoy];
        steps.extend(
            usual
                .into_iter()
                .filter_map(|family| of_family(family, code, headers)),
        );
    }
    steps.extend(of_everybody(code, headers));
    steps
}

fn headers_of(code: Code) -> &'static str {
    match code {
        Code::StripsTraceparent => "traceparent",
        Code::StripsTracestate | Code::ChangesTracestate => "tracestate",
        Code::StripsSw8 | Code::ChangesSw8 => "sw8",
        Code::StripsBaggage | Code::ChangesBaggage => "baggage",
        _ => "traceparent, tracestate, baggage, sw8, sw8-correlation and sw8-x",
    }
}

/// What this product has to be told. `None` where nothing is known.
fn of_family(family: Family, code: Code, headers: &str) -> Option<String> {
    let text = match (family, code) {
        (Family::Nginx, Code::DropsTracestateLines) => {
            "nginx: take out `proxy_set_header tracestate $http_tracestate;`: before 1.23 that is \
             the first line alone. By itself nginx hands on all of them"
                .to_owned()
        }
        (Family::Nginx, Code::RefusesLongHeaders) => {
            "nginx: larger `large_client_header_buffers`, as `4 32k`".to_owned()
        }
        (Family::Nginx, code) if is_rewritten(code) => {
            "nginx: take out `proxy_set_header traceparent …;`. With ngx_otel_module: \
             `otel_trace_context propagate;` and not `inject`, and export its spans to where the \
             service's go"
                .to_owned()
        }
        (Family::Nginx, _) => {
            let (name, each) = match headers.contains(',') {
                true => ("NAME", format!(" for {headers},")),
                false => (headers, String::new()),
            };
            format!(
                "nginx: take out `proxy_set_header {name} \"\";`{each} in the location or where it \
                 inherits from, and `proxy_pass_request_headers off;`. (`underscores_in_headers` \
                 does not matter: none of them has one)"
            )
        }
        (Family::Envoy, Code::DropsTracestateLines) => {
            "Envoy: its OpenTelemetry tracer reads the first tracestate line alone and replaces \
             all by that; leave `tracing` out of the HttpConnectionManager, or have one line come in"
                .to_owned()
        }
        (Family::Envoy, Code::RefusesLongHeaders) => {
            "Envoy: a larger `max_request_headers_kb`".to_owned()
        }
        (Family::Envoy, code) if is_rewritten(code) => {
            "Envoy, Istio: leave `tracing` out of the HttpConnectionManager (Istio: its Telemetry \
             resource), or export its spans to where the service's go. Without a traceparent its \
             OpenTelemetry tracer begins a trace and empties tracestate: apps that speak sw8 lose \
             what they tell"
                .to_owned()
        }
        (Family::Envoy, _) => format!(
            "Envoy, Istio: look for {headers} in `request_headers_to_remove` of routes and virtual \
             hosts, and in Lua or EnvoyFilter"
        ),
        (Family::HaProxy, Code::DoublesTraceparent) => {
            "HAProxy: `http-request set-header` in place of `add-header`".to_owned()
        }
        (Family::HaProxy, Code::RefusesLongHeaders) => {
            "HAProxy: a larger `tune.bufsize`".to_owned()
        }
        (Family::HaProxy, code) if !is_rewritten(code) => format!(
            "HAProxy: look for `http-request del-header` and `replace-header` of {headers}"
        ),
        (Family::Kong, code) if is_rewritten(code) => {
            "Kong: in the opentelemetry or zipkin plugin `propagation.extract: [w3c]` and \
             `inject: [w3c]`, and its spans to where the service's go"
                .to_owned()
        }
        (Family::Kong, _) => format!(
            "Kong: look for {headers} in the request-transformer plugin, and in `propagation.clear`"
        ),
        (Family::Apisix, code) if is_rewritten(code) || code == Code::ChangesSampling => {
            "APISIX: its opentelemetry plugin always writes traceparent, and samples nothing by \
             default: `sampler: parent_base`, and its spans to where the service's go"
                .to_owned()
        }
        (Family::Apisix, _) => {
            format!("APISIX: look for {headers} in the proxy-rewrite plugin")
        }
        (family, code) if family.is_edge() && !is_rewritten(code) => format!(
            "{}: put {headers} on its list of headers that go on to the origin",
            family.as_str()
        ),
        (Family::GoogleLoadBalancer | Family::Traefik, code) if is_rewritten(code) => format!(
            "{}: switch its tracing off, or export its spans to where the service's go",
            family.as_str()
        ),
        _ => return None,
    };
    Some(text)
}

const fn is_rewritten(code: Code) -> bool {
    matches!(
        code,
        Code::RewritesTrace
            | Code::RewritesSpan
            | Code::DoublesTraceparent
            | Code::OverrulesSw8
            | Code::ChangesSampling
            | Code::BeginsTraces
            | Code::LosesTraces
    )
}

fn of_everybody(code: Code, headers: &str) -> Vec<String> {
    match code {
        Code::RewritesTrace
        | Code::OverrulesSw8
        | Code::BeginsTraces
        | Code::DoublesTraceparent => {
            lines(&["a gateway or sidecar that traces has to continue what comes in, or be quiet"])
        }
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
             InstrumenterBuilder::server_timing"
                .to_owned(),
        ],
        Code::DropsTracestateLines | Code::ShortensTracestate => lines(&[
            "hand tracestate on as it comes; where lines are joined, with a comma between and in \
             their order",
        ]),
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
