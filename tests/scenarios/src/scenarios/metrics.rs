//! The metrics beyond what every scenario compares: what they are, and what
//! never becomes a label.

use opentelemetry::KeyValue;
use rum_trace_core::{InstrumenterBuilder, MetricLabel};

use super::{CALLER, got};
use crate::Server;
use crate::expect::Expected;
use crate::metrics::{ACTIVE, DURATION, REQUEST_SIZE, RESPONSE_SIZE};
use crate::service::TEXT;
use crate::signals::Appointment;
use crate::wire::{Caller, Client, Protocol, Request, http2};

/// Units, and the conventions' bucket boundaries.
pub async fn instruments(server: &Server) {
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    let request = Request::post("/echo", b"body".to_vec()).from(CALLER);
    client.ask(&request).await;
    let expected = Expected::new("POST", "/echo").route("/echo").from(CALLER);
    server.expect(expected.sends(4).receives(4)).await;
    let metrics = server.telemetry().metrics();
    let units = [
        (DURATION, "s"),
        (ACTIVE, "{request}"),
        (REQUEST_SIZE, "By"),
        (RESPONSE_SIZE, "By"),
    ];
    for (name, unit) in units {
        assert_eq!(metrics.get(name).unit, unit, "{name}");
    }
    let seconds = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ];
    assert_eq!(metrics.get(DURATION).bounds, seconds);
}

/// Requests are active as long as they are under way, and not longer.
pub async fn active_requests(server: &Server) {
    let mut client = http2::Connection::open(server.address()).await;
    let mut handlers = Vec::new();
    let mut calls = Vec::new();
    let mut all = Vec::new();
    for key in 1..4 {
        let caller = Caller::number(key);
        let target = format!("/hang?key={key}");
        let mut handler = server.signals().appoint(key);
        calls.push(client.start(&Request::get(&*target).from(caller)).await);
        handler.entered().await;
        handlers.push(handler);
        all.push(got(Protocol::Http2, &target, "/hang").from(caller));
        let metrics = server.telemetry().metrics();
        let active: f64 = metrics.get(ACTIVE).series.values().map(|p| p.sum).sum();
        assert_eq!(active, key as f64);
        // Its duration is told at its end.
        assert_eq!(metrics.count(DURATION), 0);
    }
    handlers.into_iter().for_each(Appointment::release);
    for call in calls {
        let answer = call.head().await.expect("a head").rest().await;
        assert_eq!(answer.expect("an answer").text(), TEXT);
    }
    server.expect_all(all).await;
}

/// With labels of the app.
pub fn app_labels(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder
        .metric_label(MetricLabel::AppType)
        .metric_label(MetricLabel::AppId { at_most: 2 })
}

/// App type and id as labels, the latter up to the limit.
pub async fn labels_of_the_app(server: &Server) {
    let table = [
        ("browser", "a@1", "browser", "a@1"),
        ("android", "b@2", "android", "b@2"),
        // The third id is over the limit; and no such type exists.
        ("nonsense", "c@3", "_OTHER", "_OTHER"),
        ("ios", "a@1", "ios", "a@1"),
    ];
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    for (app_type, app_id, type_label, id_label) in table {
        let rum = format!("rum=v2&{app_type}&{app_id}&4f04d2f5&uid_1");
        let request = Request::get("/users/42").from(CALLER);
        client.ask(&request.header("tracestate", rum)).await;
        let expected = got(Protocol::Http1, "/users/42", "/users/{id}")
            .with("rum.app.id", app_id)
            .with("rum.app.type", app_type)
            .with("rum.version", "v2")
            .with("session.id", "4f04d2f5")
            .with("user.id", "uid_1")
            .label("rum.app.id", id_label)
            .label("rum.app.type", type_label);
        server.expect(expected).await;
    }
}

/// With the session on every span, as users do.
pub fn sessions_on_spans(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    app_labels(builder).attributes(|_, rum, attributes| {
        let session = rum.session_id().unwrap_or("none").to_owned();
        attributes.push(KeyValue::new("shop.session", session));
    })
}

/// Any number of sessions and users is one time series.
pub async fn sessions_are_no_labels(server: &Server) {
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    for number in 0..50 {
        let (session, user) = (format!("session{number}"), format!("user{number}"));
        let rum = format!("rum=v2&browser&a@1&{session}&{user}");
        let request = Request::get("/users/42").from(CALLER);
        client.ask(&request.header("tracestate", rum)).await;
        let expected = got(Protocol::Http1, "/users/42", "/users/{id}")
            .with("rum.app.id", "a@1")
            .with("rum.app.type", "browser")
            .with("rum.version", "v2")
            .with("session.id", &*session)
            .with("shop.session", &*session)
            .with("user.id", user)
            .label("rum.app.id", "a@1")
            .label("rum.app.type", "browser");
        server.expect(expected).await;
    }
    let metrics = server.telemetry().metrics();
    assert_eq!(metrics.get(DURATION).series.len(), 1);
    let told = |value: &str| value.contains("session") || value.contains("user1");
    assert!(!metrics.label_values().any(told), "{metrics:#?}");
}
