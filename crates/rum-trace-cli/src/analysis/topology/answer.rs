//! The topology as the API gives it: see docs/VIEW.md.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Edge, Node, Topology};

/// Nobody reads a diagram of more; those with the most spans and calls stay.
const MAX_NODES: usize = 500;
const MAX_EDGES: usize = 2_000;

#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    nodes: Vec<NodeAnswer>,
    edges: Vec<EdgeAnswer>,
    window_ns: u64,
    /// Nodes and edges that were left out.
    truncated: usize,
}

#[derive(Debug, Serialize)]
struct NodeAnswer {
    id: String,
    kind: &'static str,
    name: String,
    spans: u64,
    errors: u64,
}

#[derive(Debug, Serialize)]
struct EdgeAnswer {
    from: String,
    to: String,
    calls: u64,
    errors: u64,
    rate_per_s: Option<f64>,
    p50_ns: u64,
    p95_ns: u64,
    max_ns: u64,
    lost: u64,
}

impl Answer {
    /// `rated` for many traces: of one a rate says nothing.
    pub(crate) fn new(topology: &Topology, rated: bool) -> Self {
        let (start, end) = topology.time.unwrap_or_default();
        let window_ns = end.saturating_sub(start);
        let mut nodes: Vec<_> = topology.nodes.iter().collect();
        // Stable, so that equal ones stay in order of their names.
        nodes.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.spans));
        nodes.truncate(MAX_NODES);
        let known: BTreeSet<_> = nodes.iter().map(|(node, _)| *node).collect();
        let shown = |(from, to): &(Node, Node)| known.contains(from) && known.contains(to);
        let mut edges: Vec<_> = topology
            .edges
            .iter()
            .filter(|(hop, _)| shown(hop))
            .collect();
        edges.sort_by_key(|(_, edge)| std::cmp::Reverse(edge.calls));
        edges.truncate(MAX_EDGES);
        let all = topology.nodes.len().saturating_add(topology.edges.len());
        Self {
            truncated: all.saturating_sub(nodes.len()).saturating_sub(edges.len()),
            nodes: nodes.into_iter().map(NodeAnswer::new).collect(),
            edges: edges
                .into_iter()
                .map(|(hop, edge)| EdgeAnswer::new(hop, edge, rated.then_some(window_ns)))
                .collect(),
            window_ns,
        }
    }
}

impl NodeAnswer {
    fn new((node, counts): (&Node, &super::Counts)) -> Self {
        Self {
            id: id(node),
            kind: kind(node),
            name: node.name().to_string(),
            spans: counts.spans,
            errors: counts.errors,
        }
    }
}

impl EdgeAnswer {
    fn new((from, to): &(Node, Node), edge: &Edge, window: Option<u64>) -> Self {
        Self {
            from: id(from),
            to: id(to),
            calls: edge.calls,
            errors: edge.errors,
            rate_per_s: window.and_then(|window| rate(edge.calls, window)),
            p50_ns: edge.durations.percentile(50),
            p95_ns: edge.durations.percentile(95),
            max_ns: edge.durations.max(),
            lost: edge.lost,
        }
    }
}

/// Of a shorter time than a second a rate would be a guess.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits or so")]
fn rate(calls: u64, window_ns: u64) -> Option<f64> {
    let seconds = window_ns as f64 / 1e9;
    (seconds >= 1.0).then(|| (calls as f64 / seconds * 1e3).round() / 1e3)
}

const fn kind(node: &Node) -> &'static str {
    match node {
        Node::App(_) | Node::AppType(_) => "app",
        Node::Service(_) => "service",
        Node::Peer(_) => "peer",
    }
}

fn id(node: &Node) -> String {
    let by = match node {
        Node::AppType(_) => "app_type",
        _ => kind(node),
    };
    format!("{by}:{}", node.name())
}
