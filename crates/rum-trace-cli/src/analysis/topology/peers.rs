//! Which service answers at which address, as learnt from traces in which both
//! sides of a call are there.

use std::collections::HashMap;
use std::sync::Arc;

use super::facts;
use crate::analysis::tree::Tree;
use crate::collector::Span;

/// Addresses that are remembered. Who calls more of them is a crawler.
const MAX_PEERS: usize = 1_000;
/// The longest of them; DNS has no longer names. They are held for good.
const MAX_ADDRESS: usize = 255;

#[derive(Clone, Debug, Default)]
pub(crate) struct Peers(HashMap<String, Option<Arc<str>>>);

impl Peers {
    /// The service at the address. None if several answer there, as behind a
    /// gateway.
    pub(crate) fn service(&self, address: &str) -> Option<Arc<str>> {
        self.0.get(address)?.clone()
    }

    /// What the trace tells beyond what is known.
    pub(crate) fn news(&self, spans: &[Arc<Span>], tree: &Tree) -> Vec<(String, Arc<str>)> {
        let calls = spans.iter().enumerate().filter_map(|(index, span)| {
            let caller = spans.get(tree.parent_span(index)?)?;
            let call = facts::is_called(span) && facts::is_calling(caller);
            // Who hears of a message does not answer at the broker's address.
            if !call || facts::system(caller).is_some() {
                return None;
            }
            let address = facts::peer(caller).filter(|address| address.len() <= MAX_ADDRESS)?;
            let known = self.0.get(&address);
            let news = known.is_none_or(|known| {
                known
                    .as_ref()
                    .is_some_and(|known| **known != *span.service())
            });
            news.then(|| (address, Arc::clone(&span.resource.service)))
        });
        calls.take(MAX_PEERS).collect()
    }

    pub(crate) fn learn(&mut self, news: Vec<(String, Arc<str>)>) {
        for (address, service) in news {
            if let Some(known) = self.0.get_mut(&address) {
                if known.as_ref().is_some_and(|known| *known != service) {
                    *known = None;
                }
            } else if self.0.len() < MAX_PEERS {
                self.0.insert(address, Some(service));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::span::SpanKind as SentKind;

    use super::*;
    use crate::collector::SpanBuilder;

    fn call(to: &'static str, address: &str) -> Vec<(String, Arc<str>)> {
        let spans = [
            SpanBuilder::new("shop", 1, 2, 0)
                .client()
                .text("server.address", address),
            SpanBuilder::new(to, 1, 3, 2).server(),
        ]
        .map(SpanBuilder::build);
        Peers::default().news(&spans, &Tree::new(&spans))
    }

    #[test]
    fn what_no_service_answers_at_is_not_learnt() {
        assert_eq!(call("stock", &"a".repeat(MAX_ADDRESS)).len(), 1);
        assert_eq!(call("stock", &"a".repeat(MAX_ADDRESS + 1)).len(), 0);
        let spans = [
            SpanBuilder::new("shop", 1, 2, 0)
                .kind(SentKind::Producer)
                .text("messaging.system", "kafka")
                .text("server.address", "broker"),
            SpanBuilder::new("mail", 1, 3, 2).kind(SentKind::Consumer),
        ]
        .map(SpanBuilder::build);
        let news = Peers::default().news(&spans, &Tree::new(&spans));
        assert_eq!(news, []);
    }

    #[test]
    fn an_address_is_known_by_who_answers_there() {
        let mut peers = Peers::default();
        peers.learn(call("stock", "a"));
        peers.learn(call("stock", "a"));
        peers.learn(call("stock", "gateway"));
        peers.learn(call("prices", "gateway"));
        peers.learn(call("stock", "gateway"));
        assert_eq!(peers.service("a").as_deref(), Some("stock"));
        assert_eq!(peers.service("gateway"), None);
        assert_eq!(peers.service("b"), None);
        for address in 0..MAX_PEERS {
            peers.learn(call("stock", &address.to_string()));
        }
        assert_eq!(peers.0.len(), MAX_PEERS);
    }
}
