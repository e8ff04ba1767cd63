use serde_json::{Value, json};

use super::*;
use crate::collector::SpanBuilder;

fn span(service: &'static str, id: u8, parent: u8) -> SpanBuilder {
    SpanBuilder::new(service, 1, id, parent).time(u64::from(id) * 10, u64::from(id) * 10 + 5)
}

fn of(spans: &[Arc<Span>], peers: &Peers) -> Topology {
    let tree = Tree::new(spans);
    Topology::of(spans, &tree, Tap::of(spans, &tree).as_ref(), peers)
}

fn answer(topology: &Topology, rated: bool) -> Value {
    serde_json::to_value(Answer::new(topology, rated)).unwrap()
}

/// `from to calls errors lost` of each edge, and `id spans errors` of each node.
fn drawn(topology: &Topology) -> (Vec<String>, Vec<String>) {
    let answer = answer(topology, false);
    let text = |value: &Value, keys: &[&str]| {
        let words = keys.iter().map(|key| match &value[*key] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let all = |name: &str, keys: &[&str]| {
        let values = answer[name].as_array().unwrap();
        let mut texts: Vec<_> = values.iter().map(|value| text(value, keys)).collect();
        texts.sort();
        texts
    };
    (
        all("edges", &["from", "to", "calls", "errors", "lost"]),
        all("nodes", &["id", "spans", "errors"]),
    )
}

fn shop() -> Vec<Arc<Span>> {
    [
        span("shop", 2, 9).server().text("rum.app.id", "a@1"),
        span("shop", 3, 2)
            .client()
            .text("server.address", "stock.example"),
        span("stock", 4, 3).server().error(""),
        span("stock", 5, 4)
            .client()
            .text("db.system.name", "postgresql"),
        span("shop", 6, 2)
            .client()
            .text("server.address", "pay.example")
            .number("server.port", 443)
            .error(""),
        span("shop", 7, 2),
    ]
    .map(SpanBuilder::build)
    .into()
}

#[test]
fn an_app_is_known_by_its_id_else_by_its_type() {
    for (key, value, expected) in [
        ("rum.app.id", "a@1", "app:a@1 1 0"),
        ("rum.app.type", "ios", "app_type:ios 1 0"),
        ("session.id", "s", "app_type:unknown 1 0"),
    ] {
        let spans = [span("shop", 2, 9).server().text(key, value).build()];
        let (_, nodes) = drawn(&of(&spans, &Peers::default()));
        assert_eq!(nodes[0], expected);
    }
}

#[test]
fn apps_services_and_peers() {
    let (edges, nodes) = drawn(&of(&shop(), &Peers::default()));
    assert_eq!(
        edges,
        [
            "app:a@1 service:shop 1 0 0",
            "service:shop peer:pay.example:443 1 1 0",
            "service:shop service:stock 1 1 0",
            "service:stock peer:postgresql 1 0 0",
        ]
    );
    assert_eq!(
        nodes,
        [
            "app:a@1 1 0",
            "peer:pay.example:443 1 1",
            "peer:postgresql 1 0",
            "service:shop 4 1",
            "service:stock 2 1",
        ]
    );
}

#[test]
fn a_call_to_a_known_service_that_tells_nothing_is_lost() {
    let spans = shop();
    let mut peers = Peers::default();
    peers.learn(peers.news(&spans, &Tree::new(&spans)));
    let alone = [span("shop", 2, 0)
        .client()
        .text("server.address", "stock.example")
        .build()];
    let (edges, nodes) = drawn(&of(&alone, &peers));
    assert_eq!(edges, ["service:shop service:stock 1 0 1"]);
    assert_eq!(nodes, ["service:shop 1 0", "service:stock 0 0"]);
}

/// On one machine, with no port told, it has the address of a service.
#[test]
fn a_database_is_no_service_that_answers_at_its_address() {
    let spans = shop();
    let mut peers = Peers::default();
    peers.learn(peers.news(&spans, &Tree::new(&spans)));
    let call = [span("shop", 2, 0)
        .client()
        .text("server.address", "stock.example")
        .text("db.system.name", "redis")
        .build()];
    let (edges, _) = drawn(&of(&call, &peers));
    assert_eq!(edges, ["service:shop peer:stock.example 1 0 0"]);
}

#[test]
fn a_call_that_is_made_by_another_call_is_counted_once() {
    let spans = [
        span("shop", 2, 0)
            .client()
            .text("server.address", "storage"),
        span("shop", 3, 2)
            .client()
            .text("server.address", "storage"),
    ]
    .map(SpanBuilder::build);
    let (edges, _) = drawn(&of(&spans, &Peers::default()));
    assert_eq!(edges, ["service:shop peer:storage 1 0 0"]);
}

#[test]
fn traces_are_put_together() {
    let of_one = of(&shop(), &Peers::default());
    let mut all = Topology::default();
    for _ in 0..3 {
        all.merge(&of_one);
    }
    let (edges, nodes) = drawn(&all);
    assert!(
        edges.contains(&"service:shop service:stock 3 3 0".to_owned()),
        "{edges:?}"
    );
    assert!(nodes.contains(&"service:shop 12 3".to_owned()), "{nodes:?}");
    let late = [span("shop", 2, 0).server().time(20, 4_020).build()];
    all.merge(&of(&late, &Peers::default()));
    let answer = answer(&all, true);
    assert_eq!(answer["window_ns"], 4_000_000_000_u64);
    let edges = answer["edges"].as_array().unwrap();
    let stock = edges
        .iter()
        .find(|edge| edge["to"] == "service:stock")
        .unwrap();
    assert_eq!(stock["rate_per_s"], json!(0.75));
    assert_eq!(stock["max_ns"], 5_000_000);
    assert!(of_one.weight() > 5 * (NODE_WEIGHT + EDGE_WEIGHT));
}

#[test]
fn a_diagram_is_bounded() {
    let mut all = Topology::default();
    let services: Vec<&'static str> = (0..600).map(|n| &*format!("s{n}").leak()).collect();
    for service in services {
        all.merge(&of(&[span(service, 2, 0).build()], &Peers::default()));
    }
    let answer = answer(&all, true);
    assert_eq!(answer["nodes"].as_array().unwrap().len(), 500);
    assert_eq!(answer["truncated"], 100);
}
