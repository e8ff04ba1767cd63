//! CLIENT spans: what they say, whose children they are, and how they end.

mod support;

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use opentelemetry_sdk::trace::{Sampler, SpanData};
use rum_trace_core::{ActiveCall, CallFailure, Instrumenter, ResponseInfo};
use support::{Harness, RUM, Request, TRACEPARENT, attributes};

fn request(method: &str, url: &str) -> Request {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (authority, target) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    let mut request = Request::new(method, target);
    request.scheme = Some(scheme.to_owned());
    request.authority = Some(authority.to_owned());
    request
}

fn text(span: &SpanData, name: &str) -> Option<String> {
    attributes(span).remove(name)
}

/// Makes a call inside of a served request; gives the spans of call and request.
fn call(
    harness: &Harness,
    request: &Request,
    end: impl FnOnce(ActiveCall),
) -> (SpanData, SpanData) {
    let inbound = Request::get("/checkout").header("traceparent", TRACEPARENT);
    let mut active = harness.instrumenter.start(&inbound);
    end(harness.instrumenter.start_call(request, active.context()));
    active.on_response(&200);
    active.finish();
    let mut spans = harness.spans();
    assert_eq!(spans.len(), 2, "{spans:?}");
    (spans.remove(0), spans.remove(0))
}

fn answered(status: u16) -> impl FnOnce(ActiveCall) {
    move |mut call| {
        call.on_response(&status);
        call.finish();
    }
}

#[test]
fn what_a_call_says_of_itself() {
    // method, URL, template; name, url.full, server.address, server.port
    let table = [
        (
            "GET",
            "http://stock.internal:8080/items/42?q=1",
            None,
            "GET",
            "http://stock.internal:8080/items/42?q=1",
            "stock.internal",
            8080,
        ),
        (
            "POST",
            "https://user:pw@pay.example/charge?sig=abc&a=b",
            Some("/charge"),
            "POST /charge",
            "https://REDACTED:REDACTED@pay.example/charge?sig=REDACTED&a=b",
            "pay.example",
            443,
        ),
        (
            "BREW",
            "http://[::1]/pot",
            None,
            "HTTP",
            "http://[::1]/pot",
            "::1",
            80,
        ),
        (
            "GET",
            "http://h.example/a%0Ab?x=\u{1}y",
            None,
            "GET",
            "http://h.example/a%0Ab?x=y",
            "h.example",
            80,
        ),
        (
            "GET",
            "wss://chat.example/room",
            None,
            "GET",
            "wss://chat.example/room",
            "chat.example",
            443,
        ),
    ];
    for (method, url, template, name, full, address, port) in table {
        let harness = Harness::new();
        let mut request = request(method, url);
        request.route = template.map(str::to_owned);
        let (span, server) = call(&harness, &request, answered(200));
        assert_eq!(span.name, name);
        assert_eq!(span.span_kind, SpanKind::Client);
        assert_eq!(span.parent_span_id, server.span_context.span_id());
        assert_eq!(span.span_context.trace_id(), server.span_context.trace_id());
        assert_eq!(span.status, Status::Unset);
        assert_eq!(text(&span, "url.full").as_deref(), Some(full));
        assert_eq!(text(&span, "url.template").as_deref(), template);
        assert_eq!(text(&span, "server.address").as_deref(), Some(address));
        assert_eq!(text(&span, "server.port"), Some(port.to_string()));
        assert_eq!(
            text(&span, "http.response.status_code").as_deref(),
            Some("200")
        );
        assert_eq!(text(&span, "http.request.resend_count"), None);
        let original = (name == "HTTP").then_some(method);
        assert_eq!(
            text(&span, "http.request.method_original").as_deref(),
            original
        );
        let unknown = text(&span, "http.request.method").as_deref() == Some("_OTHER");
        assert_eq!(unknown, name == "HTTP");
    }
}

#[test]
fn a_long_url_is_cut_and_counted() {
    let harness = Harness::new();
    let url = format!("http://h.example/{}", "é".repeat(4_000));
    let (span, _) = call(&harness, &request("GET", &url), answered(200));
    let full = text(&span, "url.full").expect("a URL");
    assert!(full.len() <= 4_096 && url.starts_with(&full) && full.len() > 4_090);
    assert_eq!(harness.instrumenter.stats().over_limit, 1);
}

#[test]
fn how_a_call_ends() {
    let fail = |failure| move |call: ActiveCall| call.fail(failure);
    type End = Box<dyn FnOnce(ActiveCall)>;
    let table: [(&str, End, Option<i64>, Option<&str>); 14] = [
        ("ok", Box::new(answered(204)), Some(204), None),
        ("redirect", Box::new(answered(302)), Some(302), None),
        ("not found", Box::new(answered(404)), Some(404), Some("404")),
        ("teapot", Box::new(answered(418)), Some(418), Some("418")),
        (
            "unavailable",
            Box::new(answered(503)),
            Some(503),
            Some("503"),
        ),
        ("given up", Box::new(drop), None, Some("cancelled")),
        (
            "late",
            Box::new(fail(CallFailure::Timeout)),
            None,
            Some("timeout"),
        ),
        (
            "refused",
            Box::new(fail(CallFailure::ConnectionRefused)),
            None,
            Some("connection_refused"),
        ),
        (
            "other",
            Box::new(fail(CallFailure::Other)),
            None,
            Some("_OTHER"),
        ),
        (
            "a body that is not read",
            Box::new(|mut call: ActiveCall| call.on_response(&200)),
            Some(200),
            None,
        ),
        (
            "a body whose reader waited in vain",
            Box::new(|mut call: ActiveCall| {
                call.on_response(&200);
                call.on_frame();
                call.on_body_pending();
            }),
            Some(200),
            Some("cancelled"),
        ),
        (
            "a body of which the begin was enough",
            Box::new(|mut call: ActiveCall| {
                call.on_response(&200);
                call.on_body_pending();
                call.on_frame();
            }),
            Some(200),
            None,
        ),
        (
            "a body that breaks",
            Box::new(|mut call: ActiveCall| {
                call.on_response(&200);
                call.on_frame();
                call.fail(CallFailure::ConnectionReset);
            }),
            Some(200),
            Some("connection_reset"),
        ),
        (
            "an interim response",
            Box::new(|mut call: ActiveCall| {
                call.on_response(&103);
                call.on_response(&200);
                call.finish();
            }),
            Some(200),
            None,
        ),
    ];
    for (case, end, status, error) in table {
        let harness = Harness::new();
        let (span, _) = call(&harness, &request("GET", "http://stock.internal/"), end);
        let found = text(&span, "http.response.status_code");
        assert_eq!(
            found,
            status.map(|status: i64| status.to_string()),
            "{case}"
        );
        assert_eq!(text(&span, "error.type").as_deref(), error, "{case}");
        let is_error = matches!(span.status, Status::Error { .. });
        assert_eq!(is_error, error.is_some(), "{case}");
    }
}

struct Answer;

impl ResponseInfo for Answer {
    fn status(&self) -> u16 {
        200
    }
    fn protocol_version(&self) -> Option<&'static str> {
        Some("2")
    }
    fn peer(&self) -> Option<std::net::SocketAddr> {
        Some("[::ffff:10.0.0.7]:8080".parse().expect("an address"))
    }
}

#[test]
fn who_answered() {
    let harness = Harness::new();
    let (span, _) = call(
        &harness,
        &request("GET", "http://stock.internal/"),
        |mut call| {
            call.on_response(&Answer);
            call.finish();
        },
    );
    assert_eq!(
        text(&span, "network.protocol.version").as_deref(),
        Some("2")
    );
    assert_eq!(
        text(&span, "network.peer.address").as_deref(),
        Some("10.0.0.7")
    );
    assert_eq!(text(&span, "network.peer.port").as_deref(), Some("8080"));
    assert!(text(&span, "rum.response.time_to_first_byte").is_some());
}

fn grpc(path: &str) -> Request {
    let mut request = request("POST", &format!("http://stock.internal:50051{path}"));
    request.headers = vec![(
        "Content-Type".to_owned(),
        b"application/grpc+proto".to_vec(),
    )];
    request
}

fn trailer(status: &'static str) -> impl FnOnce(ActiveCall) {
    move |mut call| {
        assert!(call.is_grpc());
        call.on_response(&200);
        call.on_frame();
        call.on_trailers(|name| (name == "grpc-status").then_some(status.as_bytes()));
        call.finish();
    }
}

#[test]
fn grpc_calls() {
    type End = Box<dyn FnOnce(ActiveCall)>;
    // the method is known from generated code; how it ends; status, error.type
    let table: [(bool, End, Option<&str>, Option<&str>); 7] = [
        (true, Box::new(trailer("0")), Some("OK"), None),
        (false, Box::new(trailer("0")), Some("OK"), None),
        // Of a client's span each is an error, also those that are not the server's.
        (
            true,
            Box::new(trailer("5")),
            Some("NOT_FOUND"),
            Some("NOT_FOUND"),
        ),
        (true, Box::new(drop), Some("CANCELLED"), Some("cancelled")),
        (
            true,
            Box::new(|call: ActiveCall| call.fail(CallFailure::ConnectionRefused)),
            Some("UNAVAILABLE"),
            Some("connection_refused"),
        ),
        (
            true,
            Box::new(|mut call: ActiveCall| call.on_response(&200)),
            Some("CANCELLED"),
            Some("cancelled"),
        ),
        (true, Box::new(answered(502)), None, Some("502")),
    ];
    for (is_known, end, status, error) in table {
        let harness = Harness::new();
        let mut request = grpc("/shop.Stock/Get");
        request.route = is_known.then(|| "/shop.Stock/Get".to_owned());
        let (span, server) = call(&harness, &request, end);
        assert_eq!(span.name, "shop.Stock/Get");
        assert_eq!(span.parent_span_id, server.span_context.span_id());
        assert_eq!(text(&span, "rpc.system.name").as_deref(), Some("grpc"));
        assert_eq!(text(&span, "rpc.method").as_deref(), Some("shop.Stock/Get"));
        assert_eq!(
            text(&span, "server.address").as_deref(),
            Some("stock.internal")
        );
        assert_eq!(text(&span, "url.full"), None);
        let found = text(&span, "rpc.response.status_code");
        assert_eq!(found.as_deref(), status);
        assert_eq!(text(&span, "error.type").as_deref(), error);
        let is_error = matches!(span.status, Status::Error { .. });
        assert_eq!(is_error, error.is_some());
    }
}

#[test]
fn a_grpc_method_that_a_gateway_was_asked_for_names_no_span() {
    let harness = Harness::new();
    let (span, _) = call(&harness, &grpc("/made.Up/Path"), trailer_without_message);
    assert_eq!(span.name, "grpc");
    assert_eq!(text(&span, "rpc.method").as_deref(), Some("_OTHER"));
    assert_eq!(
        text(&span, "rpc.method_original").as_deref(),
        Some("made.Up/Path")
    );
}

fn trailer_without_message(mut call: ActiveCall) {
    call.on_response(&200);
    call.on_trailers(|_| Some(b"12"));
    call.finish();
}

fn carried(harness: &Harness, authority: &str) -> HashMap<String, String> {
    let inbound = Request::get("/checkout")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", RUM);
    let active = harness.instrumenter.start(&inbound);
    let url = format!("http://{authority}/");
    let call = harness
        .instrumenter
        .start_call(&request("GET", &url), active.context());
    let mut headers = HashMap::new();
    call.injection(authority)
        .inject(call.context(), &mut headers);
    let span_id = call.span_context().span_id().to_string();
    if let Some(parent) = headers.get("traceparent") {
        assert!(
            parent.contains(&span_id),
            "{parent} is not of the CLIENT span {span_id}"
        );
    }
    headers
}

#[test]
fn hosts_get_what_is_theirs() {
    let harness = Harness::with(|builder| builder.own_host("*.shop.example"));
    let own = carried(&harness, "stock.shop.example");
    assert_eq!(own.get("tracestate").map(String::as_str), Some(RUM));
    assert!(carried(&harness, "pay.example").is_empty());
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.calls_traced, stats.calls_untraced), (1, 1));
}

/// Its URL may name one's own service, and mean another.
#[test]
fn a_host_is_ones_own_by_all_its_names() {
    let harness = Harness::with(|builder| builder.own_host("*.shop.example"));
    // authority, Host header, the address of the connection; is anything sent?
    let table = [
        ("cart:80", None, None, true),
        ("cart:80", Some("stock.shop.example"), None, true),
        ("127.0.0.1:15001", Some("api.partner.example"), None, false),
        ("cart:80", Some(""), None, false),
        ("cart:80", None, Some("10.0.0.7:80"), true),
        ("cart:80", None, Some("192.0.2.1:80"), false),
        ("stock.shop.example", None, Some("192.0.2.1:80"), false),
    ];
    for (authority, host, peer, is_told) in table {
        let inbound = Request::get("/").header("traceparent", TRACEPARENT);
        let active = harness.instrumenter.start(&inbound);
        let mut request = request("GET", &format!("http://{authority}/"));
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        if let Some(peer) = peer {
            request = request.peer(peer);
        }
        let call = harness.instrumenter.start_call(&request, active.context());
        let mut headers = HashMap::new();
        call.injection(authority)
            .inject(call.context(), &mut headers);
        assert_eq!(
            !headers.is_empty(),
            is_told,
            "{authority} {host:?} {peer:?}"
        );
    }
    let stats = harness.instrumenter.stats();
    assert_eq!((stats.calls_traced, stats.calls_untraced), (3, 4));
}

#[test]
fn an_unsampled_trace_goes_on_unsampled() {
    let harness = Harness::sampling(Sampler::AlwaysOff);
    let headers = carried(&harness, "stock.internal");
    assert!(headers["traceparent"].ends_with("-00"));
    assert!(harness.spans().is_empty());
}

#[test]
fn without_a_tracer_the_trace_goes_on_from_the_span_that_is_active() {
    let instrumenter = Instrumenter::builder()
        .tracer_provider(&opentelemetry::trace::noop::NoopTracerProvider::new())
        .build()
        .expect("settings are right");
    let inbound = Request::get("/").header("traceparent", TRACEPARENT);
    let active = instrumenter.start(&inbound);
    let call = instrumenter.start_call(&request("GET", "http://stock.internal/"), active.context());
    let mut headers = HashMap::new();
    call.injection("stock.internal")
        .inject(call.context(), &mut headers);
    assert_eq!(headers["traceparent"], TRACEPARENT);
}

#[test]
fn nothing_is_traced_where_telemetry_is_suppressed() {
    let harness = Harness::new();
    let inbound = Request::get("/").header("traceparent", TRACEPARENT);
    let active = harness.instrumenter.start(&inbound);
    let suppressed = active.context().with_telemetry_suppressed();
    let call = harness
        .instrumenter
        .start_call(&request("GET", "http://stock.internal/"), &suppressed);
    let mut headers = HashMap::new();
    call.injection("stock.internal")
        .inject(call.context(), &mut headers);
    assert!(headers.is_empty());
    call.finish();
    assert!(harness.spans().is_empty());
    assert_eq!(harness.instrumenter.stats().calls_traced, 0);
}

#[test]
fn a_call_outside_of_any_request_starts_a_trace() {
    let harness = Harness::new();
    let call = harness
        .instrumenter
        .start_call(&request("GET", "http://stock.internal/"), &Context::new());
    assert!(call.context().span().span_context().is_valid());
    answered(200)(call);
    let spans = harness.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].parent_span_id.to_string(), "0000000000000000");
}
