//! A phone, two services with the real layer and the real export, and what the
//! API tells of them.

use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use axum::routing::{get as on_get, post as on_post};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rum_trace::opentelemetry::Context;
use rum_trace::opentelemetry::trace::{
    SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use rum_trace::otlp::Pipeline;
use rum_trace::{Injection, Instrumenter};
use rum_trace_testing::{Phone, PhoneRequest};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::client::{get, send};
use super::{PATIENCE, running};
use crate::loopback::Server;
use crate::view::start::Running;

async fn ask(request: Request<Empty<Bytes>>) -> StatusCode {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    let status = response.status();
    response.into_body().collect().await.unwrap();
    status
}

fn pipeline(name: &'static str, endpoint: &str) -> Pipeline {
    let builder = Pipeline::builder().ignore_environment().service_name(name);
    builder
        .endpoint(endpoint)
        .scheduled_delay(Duration::from_millis(10))
        .build()
        .unwrap()
}

fn layer(pipeline: &Pipeline) -> rum_trace::axum::RumTraceLayer {
    let builder = Instrumenter::builder().span_starter(pipeline.span_starter());
    rum_trace::axum::RumTraceLayer::new(builder.build().unwrap())
}

/// A shop that asks the stock service, which fails orders.
struct Services {
    shop: Server,
    _stock: Server,
    pipelines: Vec<Pipeline>,
}

impl Services {
    async fn start(running: &Running) -> Self {
        let endpoint = format!("http://{}", running.collector_http());
        let (of_shop, of_stock) = (pipeline("shop", &endpoint), pipeline("stock", &endpoint));
        let fails = || async { StatusCode::INTERNAL_SERVER_ERROR };
        let stock = Router::new()
            .route("/stock/{id}", on_get(|| async { "7" }))
            .route("/reservations", on_post(fails))
            .layer(layer(&of_stock));
        let stock = Server::start(stock).await.unwrap();
        let url = stock.url();
        let tracer = of_shop.tracer_provider().tracer("test");
        let call = move |method: &'static str, path: &'static str| {
            let (tracer, url) = (tracer.clone(), format!("{url}{path}"));
            async move {
                let parent = Context::current();
                let span = tracer
                    .span_builder(method)
                    .with_kind(SpanKind::Client)
                    .start_with_context(&tracer, &parent);
                let cx = parent.with_span(span);
                let mut request = Request::builder().method(method).uri(url);
                let headers = request.headers_mut().unwrap();
                rum_trace::tower::inject(&cx, Injection::to_own_service(), headers);
                let status = ask(request.body(Empty::new()).unwrap()).await;
                cx.span().end();
                status
            }
        };
        let order = call.clone();
        let shop = Router::new()
            .route("/items/{id}", on_get(move || call("GET", "/stock/42")))
            .route("/orders", on_post(move || order("POST", "/reservations")))
            .layer(layer(&of_shop));
        Self {
            shop: Server::start(shop).await.unwrap(),
            _stock: stock,
            pipelines: vec![of_shop, of_stock],
        }
    }

    async fn tap(&self, phone: &Phone, method: &str, path: &str) -> PhoneRequest {
        let tap = phone.tap(method, format!("{}{path}", self.shop.url()));
        let mut request = Request::builder().method(tap.method()).uri(tap.url());
        for (name, value) in tap.headers() {
            request = request.header(*name, value.as_str());
        }
        ask(request.body(Empty::new()).unwrap()).await;
        tap
    }

    /// Returns once all their spans have been taken.
    async fn flushed(self) {
        let stopped = tokio::task::spawn_blocking(move || {
            for pipeline in self.pipelines {
                pipeline.shutdown(PATIENCE).unwrap();
            }
        });
        stopped.await.unwrap();
    }
}

/// Waits until nothing more is expected of the trace, as the viewer says.
async fn settled(running: &Running, trace: &str) -> Value {
    let whole = async {
        loop {
            running.store().settle();
            let trace = get(running, &format!("/api/v1/traces/{trace}")).await;
            if trace["quiet"] == true {
                return trace;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, whole).await.unwrap()
}

fn shop_phone(phone: Phone) -> Phone {
    phone.app_id("shop@18ff").session_id("s/1 b").user_id("u1")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_through_two_services() {
    let running = running(&[]).await;
    let services = Services::start(&running).await;
    let browser = shop_phone(Phone::browser());
    let item = services.tap(&browser, "GET", "/items/42?words=tea").await;
    let order = services.tap(&browser, "POST", "/orders").await;
    let android = services
        .tap(&Phone::android().sw8(), "GET", "/items/42")
        .await;
    let shop = services.shop.url();
    services.flushed().await;
    let trace = settled(&running, item.trace_id()).await;
    settled(&running, order.trace_id()).await;
    settled(&running, android.trace_id()).await;
    running.store().settle();

    the_trace(&trace, &item, &shop);
    the_spans(&running, &trace, &item).await;
    the_searches(&running, [&item, &order, &android]).await;
    the_session(&running, &item, &order).await;
    the_topology(&running, &item).await;
    the_native_tap(&running, &android, &shop).await;
}

fn the_trace(trace: &Value, item: &PhoneRequest, shop: &str) {
    let rows = trace["rows"].as_array().unwrap();
    let drawn: Vec<_> = rows
        .iter()
        .map(|row| json!([row["depth"], row["kind"], row["service"], row["name"]]))
        .collect();
    let name = format!("browser.request:{shop}/items/42?words=tea");
    assert_eq!(
        drawn,
        [
            json!([0, "tap", null, name]),
            json!([1, "server", 0, "GET /items/{id}"]),
            json!([2, "client", 0, "GET"]),
            json!([3, "server", 1, "GET /stock/{id}"]),
        ]
    );
    assert_eq!(rows[0]["span_id"], item.parent_span_id());
    assert_eq!(rows[1]["parent"], item.parent_span_id());
    assert_eq!(trace["services"], json!(["shop", "stock"]));
    assert_eq!(trace["findings"], json!([]), "{trace}");
    let summary = &trace["summary"];
    for (key, value) in [
        ("name", json!(name)),
        ("inferred", json!(true)),
        ("spans", json!(3)),
        ("errors", json!(0)),
        ("method", json!("GET")),
        ("route", json!("/items/{id}")),
        ("path", json!("/items/42")),
        ("status", json!(200)),
        ("app_id", json!("shop@18ff")),
        ("app_type", json!("browser")),
        ("session_id", json!("s/1 b")),
        ("user_id", json!("u1")),
        ("carrier", json!("w3c")),
        ("findings", json!(0)),
    ] {
        assert_eq!(summary[key], value, "{key}");
    }
}

async fn the_spans(running: &Running, trace: &Value, item: &PhoneRequest) {
    let of = |row: usize| {
        let id = trace["rows"][row]["span_id"].as_str().unwrap();
        format!("/api/v1/traces/{}/spans/{id}", item.trace_id())
    };
    let tap = get(running, &of(0)).await;
    assert_eq!(
        (&tap["inferred"], &tap["kind"]),
        (&json!(true), &json!("tap"))
    );
    let told = tap["attributes"].as_array().unwrap();
    let session = json!({"key": "session.id", "type": "string", "value": "s/1 b"});
    assert!(told.contains(&session), "{tap}");

    let server = get(running, &of(1)).await;
    assert_eq!(server["parent"], item.parent_span_id());
    assert_eq!(server["flags"]["sampled"], true);
    assert_eq!(server["flags"]["remote_parent"], true);
    assert_eq!(server["trace_state"], item.header("tracestate").unwrap());
    assert_eq!(server["scope"]["name"], "rum-trace");
    let service = json!({"key": "service.name", "type": "string", "value": "shop"});
    assert!(
        server["resource"].as_array().unwrap().contains(&service),
        "{server}"
    );
    let status = json!({"key": "http.response.status_code", "type": "int", "value": "200"});
    assert!(
        server["attributes"].as_array().unwrap().contains(&status),
        "{server}"
    );
    assert_eq!(server["sw8"], json!(null));

    let other = send(
        running,
        "GET",
        &format!("{}?service=stock", of(1)),
        &[("host", "localhost")],
    )
    .await;
    assert_eq!(other.status, 404);
}

async fn the_searches(running: &Running, taps: [&PhoneRequest; 3]) {
    let [item, order, android] = taps.map(|tap| tap.trace_id().to_owned());
    let prefix = item[..8].to_owned();
    let searches: [(&str, &[&String]); 16] = [
        ("", &[&android, &order, &item]),
        ("app=shop%4018ff", &[&order, &item]),
        ("app_type=browser", &[&order, &item]),
        ("session=s/1+b", &[&order, &item]),
        ("user=u1&status=200", &[&item]),
        ("user=u2", &[]),
        ("route=/orders", &[&order]),
        ("route=stock", &[&android, &item]),
        ("service=stock", &[&android, &order, &item]),
        ("service=sto", &[]),
        ("status=5xx", &[&order]),
        ("status=error", &[&order]),
        ("min_ms=100000", &[]),
        ("q=RESERV", &[&order]),
        ("missing=true", &[]),
        ("app=&q=", &[&android, &order, &item]),
    ];
    for (query, expected) in searches {
        let found = get(running, &format!("/api/v1/traces?{query}")).await;
        let ids = found["traces"].as_array().unwrap().iter();
        // Which arrived first is up to the exporters.
        let mut ids: Vec<_> = ids
            .map(|trace| trace["trace_id"].as_str().unwrap())
            .collect();
        let mut expected: Vec<_> = expected.iter().map(|id| id.as_str()).collect();
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{query}");
    }
    let found = get(running, &format!("/api/v1/traces?trace_id={prefix}")).await;
    assert_eq!(found["traces"][0]["trace_id"], item);
    let first = get(running, "/api/v1/traces?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let second = get(running, &format!("/api/v1/traces?limit=2&before={next}")).await;
    assert_eq!(second["traces"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], json!(null));
    // A trace's number of arrival is the place to go on from.
    let arrival = first["traces"][0]["arrival"].as_str().unwrap();
    let after = get(running, &format!("/api/v1/traces?limit=1&before={arrival}")).await;
    assert_eq!(after["traces"][0], first["traces"][1]);
}

async fn the_session(running: &Running, item: &PhoneRequest, order: &PhoneRequest) {
    let session = get(running, "/api/v1/sessions/s%2F1%20b").await;
    let told: Vec<_> = session["requests"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 2, "{session}");
    assert_eq!(told[0]["trace_id"], item.trace_id());
    assert_eq!(told[1]["trace_id"], order.trace_id());
    assert_eq!(
        (&told[1]["status"], &told[1]["errors"]),
        (&json!(500), &json!(2))
    );
    assert_eq!(told[0]["pause_ns"], json!(null));
    assert!(told[1]["pause_ns"].is_u64(), "{session}");
    assert_eq!(session["app_ids"], json!(["shop@18ff"]));
    let all = get(running, "/api/v1/sessions").await;
    assert_eq!(all["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(all["sessions"][0]["session_id"], "s/1 b");
    assert_eq!(all["sessions"][0]["requests"], 2);
    let other = "/api/v1/sessions/s%2F1%20b?app=other";
    assert_eq!(
        send(running, "GET", other, &[("host", "localhost")])
            .await
            .status,
        404
    );
}

async fn the_topology(running: &Running, item: &PhoneRequest) {
    let edges = |topology: &Value| {
        let edges = topology["edges"].as_array().unwrap().iter();
        let mut edges: Vec<_> = edges
            .map(|edge| {
                format!(
                    "{} {} {} {}",
                    edge["from"], edge["to"], edge["calls"], edge["errors"]
                )
            })
            .map(|edge| edge.replace('"', ""))
            .collect();
        edges.sort();
        edges
    };
    let one = get(
        running,
        &format!("/api/v1/topology?trace_id={}", item.trace_id()),
    )
    .await;
    assert_eq!(
        edges(&one),
        [
            "app:shop@18ff service:shop 1 0",
            "service:shop service:stock 1 0"
        ]
    );
    let all = get(running, "/api/v1/topology").await;
    assert_eq!(
        edges(&all),
        [
            "app:shop@18ff service:shop 2 1",
            "app_type:android service:shop 1 0",
            "service:shop service:stock 3 1",
        ]
    );
}

/// By `sw8` alone an Android app tells its versions, and its SDK's own peer.
async fn the_native_tap(running: &Running, android: &PhoneRequest, shop: &str) {
    let trace = get(running, &format!("/api/v1/traces/{}", android.trace_id())).await;
    assert_eq!(
        trace["summary"]["name"],
        format!("android.request:{shop}/items/42")
    );
    assert_eq!(trace["summary"]["carrier"], "sw8");
    let id = trace["rows"][1]["span_id"].as_str().unwrap();
    let server = get(
        running,
        &format!("/api/v1/traces/{}/spans/{id}", android.trace_id()),
    )
    .await;
    assert_eq!(server["sw8"]["trace_id"], android.sw8_trace_id().unwrap());
    assert_eq!(
        server["sw8"]["parent_segment_id"],
        android.sw8_segment_id().unwrap()
    );
    assert_eq!(server["sw8"]["peer"], "0.0.0.0");
}
