//! Every carrier, alone and with others: whose child the span is, and what it
//! tells of app, session and user.

use rum_trace_e2e::captures::{self, Capture};
use rum_trace_e2e::expectations::{Expectation, Expectations, Value};
use rum_trace_e2e::ids;

use super::{RUM, got, told};
use crate::Server;
use crate::expect::Expected;
use crate::wire::{Client, Protocol, Request};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// The same caller as in [`TRACEPARENT`].
const SW8: &str = "1-NGJmOTJmMzU3N2IzNGRhNmEzY2U5MjlkMGUwZTQ3MzY=-NGJmOTJmMzU3N2IzNGRhNjRiMDk0ODlmN2MxYTRmMTE=-0-c2hvcA==-cG9kLTE=-L2NhcnQ=-c2hvcDo4MA==";
/// The same span in another trace.
const OTHER_SW8: &str = "1-YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=-NGJmOTJmMzU3N2IzNGRhNjRiMDk0ODlmN2MxYTRmMTE=-0-c2hvcA==-cG9kLTE=-L2NhcnQ=-c2hvcDo4MA==";

/// A header line.
type Line = (&'static str, &'static str);

/// Sends these lines in each protocol, and expects this of the request.
async fn sent(server: &Server, lines: &[Line], expect: impl Fn(Expected) -> Expected) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let request = Request::get("/users/42");
        let request = lines.iter().fold(request, |request, (name, value)| {
            request.header(name, *value)
        });
        client.ask(&request).await;
        let expected = got(protocol, "/users/42", "/users/{id}");
        server.expect(expect(expected.child_of(TRACE, SPAN))).await;
    }
}

/// What [`SW8`] tells.
fn told_by_sw8(expected: Expected) -> Expected {
    expected
        .with("sw8.trace_id", TRACE)
        .with("sw8.parent_segment_id", "4bf92f3577b34da64b09489f7c1a4f11")
        .with("sw8.parent_span_id", "0")
        .with("sw8.parent_service", "shop")
        .with("sw8.parent_service_instance", "pod-1")
        .with("sw8.parent_endpoint", "/cart")
        .with("sw8.peer", "shop:80")
}

/// `traceparent` alone.
pub async fn w3c(server: &Server) {
    sent(server, &[("traceparent", TRACEPARENT)], |e| e).await;
}

/// With the RUM member.
pub async fn w3c_with_rum(server: &Server) {
    sent(
        server,
        &[("traceparent", TRACEPARENT), ("tracestate", RUM)],
        told,
    )
    .await;
}

/// The RUM member in a second line, as gateways split it.
pub async fn w3c_with_rum_in_a_second_line(server: &Server) {
    let lines = [
        ("traceparent", TRACEPARENT),
        ("tracestate", "vendor=1,other=2"),
        ("tracestate", RUM),
    ];
    sent(server, &lines, told).await;
}

/// Names in any case; white space round the values.
pub async fn w3c_in_other_letters(server: &Server) {
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    let request = Request::get("/users/42")
        .header("TraceParent", format!(" {TRACEPARENT}\t"))
        .header("TRACESTATE", format!("  {RUM} "));
    client.ask(&request).await;
    let expected = got(Protocol::Http1, "/users/42", "/users/{id}");
    server.expect(told(expected.child_of(TRACE, SPAN))).await;
}

/// SkyWalking's header.
pub async fn sw8(server: &Server) {
    sent(server, &[("sw8", SW8)], told_by_sw8).await;
}

/// Android: `sw8`, and the platform's member without a `traceparent`.
pub async fn sw8_with_rum(server: &Server) {
    let lines = [
        ("sw8", SW8),
        ("tracestate", "alibabacloud_rum=Android/2.3.2/5.0.1_APK"),
    ];
    sent(server, &lines, |expected| {
        told_by_sw8(expected)
            .with("rum.app.type", "android")
            .with("rum.sdk.version", "2.3.2")
            .with("rum.app.version", "5.0.1")
            .with("rum.app.channel", "APK")
    })
    .await;
}

/// Zipkin's header.
pub async fn b3_single(server: &Server) {
    let value = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1";
    sent(server, &[("b3", value)], |e| e).await;
}

/// Zipkin's headers.
pub async fn b3_multi(server: &Server) {
    let lines = [
        ("x-b3-traceid", TRACE),
        ("x-b3-spanid", SPAN),
        ("x-b3-sampled", "1"),
    ];
    sent(server, &lines, |e| e).await;
}

/// Jaeger's header.
pub async fn uber_trace_id(server: &Server) {
    let value = "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1";
    sent(server, &[("uber-trace-id", value)], |e| e).await;
}

/// The RUM fields in `baggage`.
pub async fn baggage(server: &Server) {
    let lines = [
        ("traceparent", TRACEPARENT),
        (
            "baggage",
            "tenant=7,rum=v2,appType=browser,pid=demo123@53df7ad2afe8301,\
             sid=4f04d2f5,uid=uid_1",
        ),
    ];
    sent(server, &lines, told).await;
}

/// All of them for one span, as the web SDK can be set to: one parent, no link.
pub async fn all_that_agree(server: &Server) {
    let lines = [
        (
            "uber-trace-id",
            "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1",
        ),
        ("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"),
        ("sw8", SW8),
        ("traceparent", TRACEPARENT),
        ("tracestate", RUM),
    ];
    sent(server, &lines, told).await;
}

/// Two that disagree: the first by precedence is the parent, the other a link.
pub async fn two_that_disagree(server: &Server) {
    let lines = [("sw8", OTHER_SW8), ("traceparent", TRACEPARENT)];
    sent(server, &lines, |expected| expected.links(1)).await;
}

/// None: a new trace.
pub async fn none(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        client.ask(&Request::get("/users/42")).await;
        let expected = got(protocol, "/users/42", "/users/{id}");
        server.expect(expected.root()).await;
    }
    assert_eq!(server.instrumenter().stats().absent, 2);
}

/// Nothing that can be continued: a new trace, and the request is served.
pub async fn malformed(server: &Server) {
    let table: [&[Line]; 7] = [
        &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        )],
        &[(
            "traceparent",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        )],
        &[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        &[(
            "traceparent",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )],
        &[("sw8", "1-My40LjU=-MTY1MTcwNDI5OTk5OA==-xxxx-xx-x-x==")],
        &[("b3", "nonsense")],
        &[("uber-trace-id", "::")],
    ];
    let mut sent = 0;
    for lines in table {
        for protocol in Protocol::ALL {
            let mut client = Client::open(protocol, server.address()).await;
            let request = Request::get("/users/42");
            let request = lines.iter().fold(request, |request, (name, value)| {
                request.header(name, *value)
            });
            assert_eq!(client.ask(&request).await.status(), 200, "{lines:?}");
            let expected = got(protocol, "/users/42", "/users/{id}");
            let span = server.expect(expected.root()).await;
            assert_ne!(span.span_context.trace_id().to_string(), TRACE, "{lines:?}");
            sent += 1;
        }
    }
    assert_eq!(server.instrumenter().stats().malformed, sent);
}

/// A caller that does not sample: no span, and yet its request is measured.
pub async fn unsampled(server: &Server) {
    let lines = [(
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    )];
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let [(name, value)] = lines;
        client
            .ask(&Request::get("/users/42").header(name, value))
            .await;
        let expected = got(protocol, "/users/42", "/users/{id}");
        server.expect_all(vec![expected.unsampled()]).await;
    }
}

/// Every header set that was captured from a real client.
pub async fn every_capture(server: &Server) {
    let expectations = Expectations::read();
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    for capture in captures::all() {
        let request = request_of(&capture);
        let answer = client.ask(&request).await;
        let status = if request.method == "GET" { 200 } else { 405 };
        assert_eq!(answer.status(), status, "{}", capture.case);
        let expected = got(Protocol::Http1, "/users/42", "/users/{id}")
            .method(request.method)
            .status(status)
            .receives(answer.body.len());
        let expected = as_captured(expected, &capture, expectations.of(&capture.case));
        server.expect_all(vec![expected]).await;
    }
}

/// Whose child it is, and what it tells.
fn as_captured(expected: Expected, capture: &Capture, told: &Expectation) -> Expected {
    let expected = if told.continued {
        let ids = ids::of(capture, told);
        expected.child_of(&ids.trace_id, &ids.parent_id)
    } else {
        expected.root()
    };
    if !told.sampled {
        return expected.unsampled();
    }
    let agent = capture.header("user-agent");
    let expected = agent.into_iter().fold(expected, |expected, agent| {
        expected.with("user_agent.original", agent)
    });
    let attributes = told.attributes.iter();
    attributes.fold(expected, |expected, (name, value)| {
        expected.with(name, text_of(value))
    })
}

/// Its lines but those that say how it came.
fn request_of(capture: &Capture) -> Request {
    const OF_THE_CONNECTION: [&str; 4] =
        ["host", "connection", "content-length", "transfer-encoding"];
    let method = match &*capture.method {
        "GET" => "GET",
        "POST" => "POST",
        other => panic!("{}: {other}", capture.case),
    };
    let lines = capture.headers.iter();
    lines
        .filter(|(name, _)| !OF_THE_CONNECTION.contains(&&*name.to_ascii_lowercase()))
        .fold(
            Request::new(method, "/users/42"),
            |request, (name, value)| request.header(name, value),
        )
}

fn text_of(value: &Value) -> String {
    let number = value.int().map(|number| number.to_string());
    number.or_else(|| value.text()).expect("one or the other")
}
