//! What each product has to be told.

use super::{Deed, headers_of};
use crate::verify::diagnosis::Code;
use crate::verify::diagnosis::products::Family;

/// What this product has to be told; nothing where nothing is known.
pub(super) fn of_family(family: Family, code: Code) -> Vec<String> {
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
