//! The phone's own span: nobody sends it here, since the RUM SDK reports it to
//! its own product. It is inferred from the SERVER spans that it is the parent
//! of.

use std::sync::Arc;

use rum_trace_propagation::SpanId;

use super::digest::Field;
use super::facts;
use super::tree::{Parent, Tree};
use crate::collector::{Span, SpanKind};

/// What is known of the phone's span.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) span_id: SpanId,
    pub(crate) name: String,
    /// The first of the SERVER spans under it.
    pub(crate) entry: usize,
    /// All of them: a request that was sent again has the same parent.
    pub(crate) entries: Vec<usize>,
    /// From the start of the first to the end of the last.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Tap {
    /// Under the earliest SERVER span that tells of a phone and whose parent is
    /// not here. There is one in a trace: another span whose parent is not here
    /// misses it.
    pub(crate) fn of(spans: &[Arc<Span>], tree: &Tree) -> Option<Self> {
        let absent = |index: &usize| match tree.parent(*index) {
            Parent::Absent(id) => Some(id),
            _ => None,
        };
        // The roots are in order of time.
        let entry = *tree.roots().iter().find(|index| {
            let span = spans.get(**index);
            absent(index).is_some() && span.is_some_and(|span| facts::may_be_asked_by_phone(span))
        })?;
        let span_id = absent(&entry)?;
        let entries: Vec<_> = tree
            .roots()
            .iter()
            .copied()
            .filter(|index| is_under(span_id, spans, tree, *index))
            .collect();
        let under = || entries.iter().filter_map(|index| spans.get(*index));
        Some(Self {
            span_id,
            name: name(spans.get(entry)?),
            entry,
            start: under().map(|span| span.start).min()?,
            end: under().map(|span| facts::end(span)).max()?,
            entries,
        })
    }

    /// Whether a root hangs under it.
    pub(crate) fn is_over(&self, spans: &[Arc<Span>], tree: &Tree, root: usize) -> bool {
        is_under(self.span_id, spans, tree, root)
    }
}

fn is_under(phone: SpanId, spans: &[Arc<Span>], tree: &Tree, root: usize) -> bool {
    let server = spans
        .get(root)
        .is_some_and(|span| span.kind == SpanKind::Server);
    server && tree.parent(root) == Parent::Absent(phone)
}

/// As the RUM products name it, by the SERVER span under it.
pub(crate) fn name(entry: &Span) -> String {
    let url = facts::url(entry);
    let name = match Field::AppType.of(entry).filter(|kind| !kind.is_empty()) {
        // Of a type that is not documented the name follows the others.
        Some(kind) => format!("{kind}.request:{url}"),
        None => format!("request:{url}"),
    };
    facts::short(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::SpanBuilder;

    fn server(id: u8, parent: u8, start: u64) -> SpanBuilder {
        SpanBuilder::new("shop", 1, id, parent)
            .server()
            .time(start, start + 10)
    }

    fn tap(spans: &[SpanBuilder]) -> Option<(u8, Vec<u8>)> {
        let spans: Vec<_> = spans.iter().cloned().map(SpanBuilder::build).collect();
        let tap = Tap::of(&spans, &Tree::new(&spans))?;
        let id = |id: SpanId| id.to_bytes()[0];
        let entries = tap.entries.iter().map(|at| id(spans[*at].span_id));
        Some((id(tap.span_id), entries.collect()))
    }

    #[test]
    fn names() {
        for (kind, name) in [
            (Some("android"), "android.request:http://shop/a"),
            (Some("ios"), "ios.request:http://shop/a"),
            (Some("browser"), "browser.request:http://shop/a"),
            (Some("miniapp"), "miniapp.request:http://shop/a"),
            (Some("harmony"), "harmony.request:http://shop/a"),
            (Some(""), "request:http://shop/a"),
            (None, "request:http://shop/a"),
        ] {
            let span = server(2, 9, 10)
                .text("server.address", "shop")
                .text("url.path", "/a");
            let span = match kind {
                Some(kind) => span.text("rum.app.type", kind),
                None => span,
            };
            assert_eq!(super::name(&span.build()), name);
        }
    }

    #[test]
    fn the_entry_is_the_earliest_that_tells_and_misses_its_parent() {
        let tells = |span: SpanBuilder| span.text("session.id", "s");
        let client = |id, parent| SpanBuilder::new("shop", 1, id, parent).client();
        for (name, spans, expected) in [
            ("nothing told", vec![server(2, 9, 10)], None),
            ("no parent", vec![tells(server(2, 0, 10))], None),
            ("no server", vec![tells(client(2, 9))], None),
            ("one", vec![tells(server(2, 9, 10))], Some((9, vec![2]))),
            (
                "the callee tells the same",
                vec![
                    tells(server(4, 3, 5)),
                    client(3, 2),
                    tells(server(2, 9, 10)),
                ],
                Some((9, vec![2])),
            ),
            (
                "sent again: two under one tap",
                vec![tells(server(3, 9, 30)), server(2, 9, 10)],
                Some((9, vec![2, 3])),
            ),
            (
                "another parent that is not here is missing",
                vec![tells(server(3, 8, 30)), tells(server(2, 9, 10))],
                Some((9, vec![2])),
            ),
            (
                "an earlier one that tells nothing is none",
                vec![server(3, 8, 1), tells(server(2, 9, 10))],
                Some((9, vec![2])),
            ),
        ] {
            assert_eq!(tap(&spans), expected, "{name}");
        }
    }

    #[test]
    fn it_covers_the_spans_under_it() {
        let tells = |span: SpanBuilder| span.text("session.id", "s").build();
        let spans = [tells(server(3, 9, 30)), tells(server(2, 9, 10))];
        let tap = Tap::of(&spans, &Tree::new(&spans)).unwrap();
        assert_eq!((tap.start, tap.end), (10_000_000, 40_000_000));
    }
}
