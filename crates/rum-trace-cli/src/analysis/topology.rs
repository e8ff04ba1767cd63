//! Who calls whom: apps, services, and what is called and tells nothing.

mod answer;
mod peers;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::digest::Field;
use super::facts;
use super::phone::Tap;
use super::sketch::Sketch;
use super::tree::Tree;
use crate::collector::Span;

pub(crate) use answer::Answer;
pub(crate) use peers::Peers;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    /// By `rum.app.id`.
    App(Arc<str>),
    /// By `rum.app.type`, where the SDK tells no id; `unknown` without either.
    AppType(Arc<str>),
    Service(Arc<str>),
    /// An address or a system beyond which no service is seen.
    Peer(Arc<str>),
}

impl Node {
    const fn name(&self) -> &Arc<str> {
        match self {
            Self::App(name) | Self::AppType(name) | Self::Service(name) | Self::Peer(name) => name,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) spans: u64,
    pub(crate) errors: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    /// Calls to a service of which no span came for them.
    pub(crate) lost: u64,
    pub(crate) durations: Sketch,
}

/// Of one trace, or of several put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    nodes: BTreeMap<Node, Counts>,
    edges: BTreeMap<(Node, Node), Edge>,
    /// The first start and the last end.
    time: Option<(u64, u64)>,
}

impl Topology {
    /// Of one trace. `peers` knows services of other traces by their address.
    pub(crate) fn of(spans: &[Arc<Span>], tree: &Tree, tap: Option<&Tap>, peers: &Peers) -> Self {
        let mut topology = Self::default();
        for (index, span) in spans.iter().enumerate() {
            topology.count(&Node::Service(Arc::clone(&span.resource.service)), span);
            topology.arrive(spans, tree, index, span);
            topology.leave(spans, tree, index, span, peers);
        }
        if let Some(tap) = tap {
            topology.tapped(spans, tap);
        }
        topology
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (node, counts) in &other.nodes {
            let known = entry(&mut self.nodes, node);
            known.spans = known.spans.saturating_add(counts.spans);
            known.errors = known.errors.saturating_add(counts.errors);
        }
        for (hop, edge) in &other.edges {
            let known = entry(&mut self.edges, hop);
            known.calls = known.calls.saturating_add(edge.calls);
            known.errors = known.errors.saturating_add(edge.errors);
            known.lost = known.lost.saturating_add(edge.lost);
            known.durations.merge(&edge.durations);
        }
        if let Some((start, end)) = other.time {
            self.widen(start, end);
        }
    }

    /// Whether something is called by this name, and tells nothing.
    pub(crate) fn has_peer(&self, name: &str) -> bool {
        let mut peers = self.nodes.keys();
        peers.any(|node| matches!(node, Node::Peer(peer) if **peer == *name))
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        let name = |node: &Node| match node {
            // Shared by the spans.
            Node::Service(_) => 0,
            other => other.name().len() + 32,
        };
        let nodes = self.nodes.keys().map(|node| name(node) + NODE_WEIGHT);
        let edges = self.edges.values();
        let edges = edges.map(|edge| edge.durations.weight() + EDGE_WEIGHT);
        size_of::<Self>() + nodes.sum::<usize>() + edges.sum::<usize>()
    }

    fn count(&mut self, node: &Node, span: &Span) {
        let counts = entry(&mut self.nodes, node);
        counts.spans = counts.spans.saturating_add(1);
        counts.errors = counts
            .errors
            .saturating_add(u64::from(span.status.is_error()));
        self.widen(span.start, facts::end(span));
    }

    fn widen(&mut self, start: u64, end: u64) {
        let (first, last) = self.time.unwrap_or((start, end));
        self.time = Some((first.min(start), last.max(end)));
    }

    /// A call that came in from another span.
    fn arrive(&mut self, spans: &[Arc<Span>], tree: &Tree, index: usize, span: &Span) {
        let Some(caller) = tree.parent_span(index).and_then(|caller| spans.get(caller)) else {
            return;
        };
        // A function that calls another is no hop; a process that asks itself is.
        let hop = caller.service() != span.service()
            || (facts::is_calling(caller) && facts::is_called(span));
        if hop {
            // The caller waits longer than the callee works.
            let seen = if facts::is_calling(caller) {
                caller
            } else {
                span
            };
            let failed =
                caller.status.is_error() && facts::is_calling(caller) || span.status.is_error();
            let edge = self.edge(
                &caller.resource.service,
                Node::Service(Arc::clone(&span.resource.service)),
            );
            edge.call(seen, failed);
        }
    }

    /// A call that goes out and arrives nowhere, as far as spans tell.
    fn leave(
        &mut self,
        spans: &[Arc<Span>],
        tree: &Tree,
        index: usize,
        span: &Span,
        peers: &Peers,
    ) {
        if !is_last_call(spans, tree, index) {
            return;
        }
        let (node, lost) = match beyond(span, peers) {
            Some(Beyond::Service(service)) => (Node::Service(service), 1),
            Some(Beyond::Peer(name)) => {
                let node = Node::Peer(name.into());
                self.count(&node, span);
                (node, 0)
            }
            None => return,
        };
        // So that each edge has its ends, though no span of it came.
        entry(&mut self.nodes, &node);
        let edge = self.edge(&span.resource.service, node);
        edge.call(span, span.status.is_error());
        edge.lost = edge.lost.saturating_add(lost);
    }

    fn tapped(&mut self, spans: &[Arc<Span>], tap: &Tap) {
        for span in tap.entries.iter().filter_map(|entry| spans.get(*entry)) {
            let app = app(span);
            self.count(&app, span);
            let service = Node::Service(Arc::clone(&span.resource.service));
            entry(&mut self.edges, &(app, service)).call(span, span.status.is_error());
        }
    }

    fn edge(&mut self, from: &Arc<str>, to: Node) -> &mut Edge {
        entry(&mut self.edges, &(Node::Service(Arc::clone(from)), to))
    }
}

impl Edge {
    fn call(&mut self, span: &Span, failed: bool) {
        self.calls = self.calls.saturating_add(1);
        self.errors = self.errors.saturating_add(u64::from(failed));
        self.durations.add(facts::duration(span));
    }
}

fn app(span: &Span) -> Node {
    match Field::App.of(span) {
        Some(id) => Node::App(id.into()),
        None => Node::AppType(Field::AppType.of(span).unwrap_or("unknown").into()),
    }
}

/// What is beyond a call of which no span came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// A service, as other traces tell.
    Service(Arc<str>),
    /// An address, or a database or messaging system.
    Peer(String),
}

pub(crate) fn beyond(span: &Span, peers: &Peers) -> Option<Beyond> {
    let address = facts::peer(span);
    let system = facts::system(span);
    // A database may have the address of a service, where its port is not told.
    let service = match system {
        Some(_) => None,
        None => address.as_deref().and_then(|known| peers.service(known)),
    };
    if let Some(service) = service {
        return Some(Beyond::Service(service));
    }
    let peer = address.as_deref().or(system)?;
    Some(Beyond::Peer(facts::short(peer).to_owned()))
}

/// Whether it calls, and neither another process nor another call is under it.
pub(crate) fn is_last_call(spans: &[Arc<Span>], tree: &Tree, index: usize) -> bool {
    let call = spans.get(index).is_some_and(|span| facts::is_calling(span));
    let mut below = tree
        .children(index)
        .iter()
        .filter_map(|child| spans.get(*child));
    call && !below.any(|child| facts::is_called(child) || facts::is_calling(child))
}

fn entry<'a, K: Ord + Clone, V: Default>(map: &'a mut BTreeMap<K, V>, key: &K) -> &'a mut V {
    map.entry(key.clone()).or_default()
}

/// What an entry takes in its tree, roughly.
const NODE_WEIGHT: usize = 64;
const EDGE_WEIGHT: usize = 160;

#[cfg(test)]
mod tests;
