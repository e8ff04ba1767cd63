//! What peers get wrong, a test for each topic, on each framework.

use std::collections::HashSet;
use std::sync::LazyLock;

use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::trace::SpanData;
use rum_trace_core::{InstrumenterBuilder, ServerTiming};
use rum_trace_scenarios::expect::{self, Expected};
use rum_trace_scenarios::metrics::{ACTIVE, CALL_DURATION, DURATION};
use rum_trace_scenarios::scenarios::{CALLER, RUM, carriers, context, get, got, lifecycle, told};
use rum_trace_scenarios::service::{TEXT, grpc as service};
use rum_trace_scenarios::telemetry::Telemetry;
use rum_trace_scenarios::wire::{Client, Protocol, Request, Response, http1, http2};
use rum_trace_scenarios::{Framework, Server, run, with_server};

/// One test for each row and framework.
macro_rules! rows {
    ($($row:ident $(with $settings:ident)?,)*) => {
        mod axum {
            $(rows!(@ Axum $row $(with $settings)?);)*
        }
        mod actix {
            $(rows!(@ Actix $row $(with $settings)?);)*
        }
    };
    (@ $framework:ident $row:ident) => {
        #[test]
        fn $row() {
            super::run(super::Framework::$framework, |builder| builder, super::$row);
        }
    };
    (@ $framework:ident $row:ident with $settings:ident) => {
        #[test]
        fn $row() {
            super::run(super::Framework::$framework, super::$settings, super::$row);
        }
    };
}

rows! {
    extraction,
    sw8,
    route,
    attributes,
    status,
    headers_and_query,
    client_address,
    metrics with sessions_on_spans,
    response_header with server_timing,
    end_of_span,
    providers,
}

mod tower {
    // Not on actix-web, which sends no trailers.
    #[test]
    fn grpc() {
        super::with_server(super::Framework::Axum, super::named_method, super::grpc);
    }
}

/// They use the global propagator, a no-op until somebody sets it, and lose
/// the RUM member in a second line and the random flag.
async fn extraction(server: &Server) {
    let fields = global::get_text_map_propagator(|propagator| propagator.fields().count());
    assert_eq!(fields, 0, "nobody has set a propagator");
    carriers::w3c_with_rum_in_a_second_line(server).await;
    context::flags_onward(server).await;
}

/// None reads it.
async fn sw8(server: &Server) {
    carriers::sw8_with_rum(server).await;
}

/// `http.route=""` on a 404, or a span named `GET default`.
async fn route(server: &Server) {
    let answer = get(server, Protocol::Http1, "/nowhere").await;
    let expected = Expected::get("/nowhere").from(CALLER).status(404);
    let span = server.expect(expected.receives(answer.body.len())).await;
    assert_eq!(span.name, "GET");
    assert!(!expect::attributes(&span).contains_key("http.route"));
}

/// `url.scheme` empty, no `server.*`, `client.*`, `network.*`, `2.0` for `2`,
/// no `url.path` for `/`.
async fn attributes(server: &Server) {
    for (protocol, version) in [(Protocol::Http1, "1.1"), (Protocol::Http2, "2")] {
        get(server, protocol, "/").await;
        let found = expect::attributes(&server.expect(got(protocol, "/", "/")).await);
        let expected = [
            ("url.scheme", "http"),
            ("url.path", "/"),
            ("server.address", "api.shop.example"),
            ("server.port", "8443"),
            ("client.address", "127.0.0.1"),
            ("network.peer.address", "127.0.0.1"),
            ("network.protocol.version", version),
        ];
        for (name, value) in expected {
            assert_eq!(found[name], value, "{name}");
        }
    }
}

/// No `error.type`, or on a 4xx, or with the error's text; `Ok` on a success
/// or on a 404.
async fn status(server: &Server) {
    let table = [
        ("/users/42", 200, None),
        ("/handler-not-found", 404, None),
        ("/error500", 500, Some("500")),
        ("/handler-error", 500, Some("500")),
    ];
    for (target, status, error) in table {
        get(server, Protocol::Http1, target).await;
        let route = if status == 200 { "/users/{id}" } else { target };
        let expected = got(Protocol::Http1, target, route).status(status);
        let span = server.expect(match error {
            Some(error) => expected.error(error),
            None => expected,
        });
        assert_ne!(span.await.status, Status::Ok, "{target}");
    }
    // What the handler's error says is not for the metrics.
    let metrics = server.telemetry().metrics();
    assert!(!metrics.label_values().any(|value| value.contains(TEXT)));
}

/// Every header recorded, `authorization` included; the query as it came.
async fn headers_and_query(server: &Server) {
    let target = "/users/42?q=shoes&X-Amz-Credential=secret&AWSAccessKeyId=secret";
    let request = Request::get(target)
        .from(CALLER)
        .header("authorization", "Bearer secret")
        .header("cookie", "session=secret")
        .header("x-api-key", "secret");
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    client.ask(&request).await;
    let redacted = "q=shoes&X-Amz-Credential=REDACTED&AWSAccessKeyId=REDACTED";
    let expected = got(Protocol::Http1, target, "/users/{id}").with("url.query", redacted);
    let span = server.expect(expected).await;
    assert!(!format!("{span:?}").contains("secret"), "{span:?}");
}

/// `X-Forwarded-For` believed from anybody.
async fn client_address(server: &Server) {
    let request = Request::get("/users/42")
        .from(CALLER)
        .header("x-forwarded-for", "203.0.113.7")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "https")
        .header("x-real-ip", "203.0.113.7")
        .header("forwarded", "for=203.0.113.7;host=evil.example;proto=https");
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    client.ask(&request).await;
    // All that the connection and the Host header say, and nothing else.
    server
        .expect(got(Protocol::Http1, "/users/42", "/users/{id}"))
        .await;
}

/// The users' own attributes, with the session.
fn sessions_on_spans(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.attributes(|_, rum, attributes| {
        let session = rum.session_id().unwrap_or("none").to_owned();
        attributes.push(KeyValue::new("shop.session", session));
    })
}

/// Active requests that stay at +2 after one that was cancelled and one that
/// panicked; attributes of one's own that become time series.
async fn metrics(server: &Server) {
    let mut handler = server.signals().appoint(1);
    let mut client = http1::Connection::open(server.address()).await;
    let request = Request::get("/hang?key=1").from(CALLER);
    client.write(&http1::bytes(&request)).await;
    handler.entered().await;
    drop(client);
    let expected = got(Protocol::Http1, "/hang?key=1", "/hang").no_status();
    let expected = expected.error("client_disconnected");
    server.expect(expected.with("shop.session", "none")).await;

    let mut client = Client::open(Protocol::Http1, server.address()).await;
    client
        .send(&Request::get("/panic").from(CALLER))
        .await
        .expect_err("no answer");
    let expected = got(Protocol::Http1, "/panic", "/panic").no_status();
    server
        .expect(expected.error("panic").with("shop.session", "none"))
        .await;

    let found = server.telemetry().metrics().get(ACTIVE);
    assert!(
        found.series.values().all(|point| point.sum == 0.0),
        "{found:?}"
    );

    let series = server.telemetry().metrics().get(DURATION).series.len();
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    for session in ["one", "two", "three"] {
        let request = Request::get("/users/42").from(CALLER);
        let rum = format!("rum=v2&browser&&{session}");
        client.ask(&request.header("tracestate", rum)).await;
        let expected = got(Protocol::Http1, "/users/42", "/users/{id}")
            .with("rum.app.type", "browser")
            .with("rum.version", "v2")
            .with("session.id", session)
            .with("shop.session", session);
        server.expect(expected).await;
    }
    let found = server.telemetry().metrics().get(DURATION);
    assert_eq!(found.series.len(), series + 1, "{found:?}");
}

fn server_timing(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.server_timing(ServerTiming::Traceparent)
}

/// `traceparent` and `tracestate` echoed, and the session with them.
async fn response_header(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let request = Request::get("/users/42").from(CALLER);
        let answer = client.ask(&request.header("tracestate", RUM)).await;
        let span = server
            .expect(told(got(protocol, "/users/42", "/users/{id}")))
            .await;
        let (trace, span) = (CALLER.trace_id(), span.span_context.span_id());
        let expected = format!("traceparent;desc=\"00-{trace}-{span}-01\"");
        assert_eq!(answer.head.lines("server-timing"), [expected]);
        assert!(answer.head.lines("traceparent").is_empty());
        assert!(answer.head.lines("tracestate").is_empty());
        let session = |(_, value): &(String, String)| value.contains("4f04d2f5");
        assert!(!answer.head.headers.iter().any(session), "{answer:?}");
    }
}

/// The span ends at the head, so that a stream takes no time; cancelled and
/// panicked requests are not marked.
async fn end_of_span(server: &Server) {
    lifecycle::long_stream(server).await;
    lifecycle::client_gone_in_the_body(server).await;
    lifecycle::client_gone_before_the_head(server).await;
    lifecycle::panic(server).await;
}

/// A provider that can only be the global one.
async fn providers(server: &Server) {
    // Both frameworks' tests set it to the same.
    static GLOBAL: LazyLock<Telemetry> = LazyLock::new(Telemetry::default);
    global::set_tracer_provider(GLOBAL.tracer_provider().clone());
    global::set_meter_provider(GLOBAL.meter_provider().clone());
    let other = Server::start(server.framework(), |builder| builder);
    get(server, Protocol::Http1, "/users/1").await;
    get(&other, Protocol::Http1, "/users/2").await;
    server
        .expect(got(Protocol::Http1, "/users/1", "/users/{id}"))
        .await;
    other
        .expect(got(Protocol::Http1, "/users/2", "/users/{id}"))
        .await;
    assert_eq!(GLOBAL.spans().started(), 0);
    assert_eq!(GLOBAL.metrics().count(DURATION), 0);
}

/// With the method that the service has.
fn named_method(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.rpc_method("shop.v1.Shop/GetItem")
}

/// gRPC's status is read from the headers alone: a failure in the trailers
/// looks fine.
async fn grpc(server: &Server) {
    let table: [(Option<&str>, bool, Option<&str>, Option<&str>); CALLS] = [
        (Some("13"), false, Some("INTERNAL"), Some("INTERNAL")),
        (Some("13"), true, Some("INTERNAL"), Some("INTERNAL")),
        (Some("14"), false, Some("UNAVAILABLE"), Some("UNAVAILABLE")),
        (Some("5"), false, Some("NOT_FOUND"), None),
        (Some("0"), false, Some("OK"), None),
        (None, false, None, Some("grpc_status_missing")),
    ];
    let mut client = http2::Connection::open(server.address()).await;
    for (i, (status, in_head, text, error)) in table.into_iter().enumerate() {
        let answer = client
            .send(&call(status, in_head))
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(trailer(&answer), status.filter(|_| !in_head));
        let spans = server.telemetry().spans().wait_for(i + 1).await;
        check_call(&spans[i], text, error);
    }
    let metrics = server.settled_metrics(CALLS).await;
    assert_eq!(metrics.count(CALL_DURATION), CALLS as u64);
    let errors: HashSet<Option<String>> = metrics
        .get(CALL_DURATION)
        .series
        .into_keys()
        .map(|mut labels| labels.remove("error.type"))
        .collect();
    assert_eq!(errors.len(), 4, "{errors:?}");
}

/// How many calls are made.
const CALLS: usize = 6;

fn call(status: Option<&str>, in_head: bool) -> Request {
    // One empty message.
    let mut request = Request::post("/shop.v1.Shop/GetItem", [0; 5])
        .from(CALLER)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(status) = status {
        request = request.header(service::STATUS, status);
    }
    if in_head {
        request = request.header(service::PLACE, "head");
    }
    request
}

fn trailer(answer: &Response) -> Option<&str> {
    let mut trailers = answer.trailers.iter();
    let found = trailers.find(|(name, _)| name == "grpc-status");
    found.map(|(_, value)| value.as_str())
}

fn check_call(span: &SpanData, status: Option<&str>, error: Option<&str>) {
    assert_eq!(span.name, "shop.v1.Shop/GetItem");
    let found = expect::attributes(span);
    let get = |name: &str| found.get(name).map(String::as_str);
    assert_eq!(get("rpc.system.name"), Some("grpc"));
    assert_eq!(get("rpc.method"), Some("shop.v1.Shop/GetItem"));
    assert_eq!(get("rpc.response.status_code"), status);
    assert_eq!(get("error.type"), error);
    let expected = match error {
        Some(_) => Status::error(""),
        None => Status::Unset,
    };
    assert_eq!(span.status, expected);
    assert_eq!(span.parent_span_id.to_string(), CALLER.span_id());
}

/// A feature for each of OpenTelemetry's versions, which still lag behind.
#[test]
fn versions() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |path: &str| {
        let path = format!("{root}/{path}");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let lock = read("Cargo.lock");
    for package in [
        "opentelemetry",
        "opentelemetry_sdk",
        "tracing-opentelemetry",
    ] {
        let entry = format!("name = \"{package}\"\n");
        assert_eq!(lock.matches(&entry).count(), 1, "versions of {package}");
    }
    for package in ["core", "tower", "actix", "otlp"] {
        let manifest = read(&format!("crates/rum-trace-{package}/Cargo.toml"));
        assert!(!manifest.contains("opentelemetry_0"), "{package}");
        assert!(!manifest.contains("package = \"opentelemetry"), "{package}");
    }
}
