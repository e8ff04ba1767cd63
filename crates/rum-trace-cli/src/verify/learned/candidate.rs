//! Which span of a trace is the one that a request of ours led to.

use std::collections::HashMap;

use rum_trace_propagation::SpanId;

use super::Wanted;

/// Our layer's scope; `rum_trace_core::scope` has it.
const SCOPE: &str = "rum-trace";

/// How far a span's ancestors are looked at: a hostile trace may be as deep as it likes.
const MAX_DEPTH: usize = 256;

/// A span of a trace, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) maker: Maker,
}

/// Whose SERVER span it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// Our layer's.
    Layer,
    /// Of Rust's SDK: our layer's too, if a `tracing` subscriber starts its spans by a
    /// tracer of its own.
    RustSdk,
    /// A gateway's, or no SERVER span.
    Other,
}

impl Maker {
    /// By the scope, and `telemetry.sdk.language`.
    pub(super) fn of_server(scope: &str, language: Option<&str>) -> Self {
        match (scope, language) {
            (SCOPE, _) => Maker::Layer,
            (_, Some("rust")) => Maker::RustSdk,
            _ => Maker::Other,
        }
    }
}

/// The service's span, and whether its parent is here: the one that it named, else the
/// phone's child, else the outermost of its kind.
pub(super) fn entry_of(spans: &[Candidate], wanted: Wanted) -> Option<(usize, bool)> {
    let of_layer = outermost(spans, wanted, Maker::Layer);
    let (at, span) = of_layer.or_else(|| outermost(spans, wanted, Maker::RustSdk))?;
    let is_here = |id: SpanId| spans.iter().any(|span| span.id == id);
    Some((at, span.parent.is_some_and(is_here)))
}

fn outermost(spans: &[Candidate], wanted: Wanted, maker: Maker) -> Option<(usize, Candidate)> {
    let of_maker = || {
        let all = spans.iter().copied().enumerate();
        all.filter(move |(_, span)| span.maker == maker)
    };
    let named = of_maker().find(|(_, span)| Some(span.id) == wanted.named);
    let child =
        || of_maker().find(|(_, span)| span.parent.is_some() && span.parent == wanted.phone);
    let by_id: HashMap<SpanId, Candidate> = spans.iter().map(|span| (span.id, *span)).collect();
    let is_below = |span: &Candidate| {
        let parent = |span: &Candidate| by_id.get(&span.parent?).copied();
        let mut above = std::iter::successors(parent(span), parent).take(MAX_DEPTH);
        above.any(|above| above.maker == maker)
    };
    let top = || of_maker().find(|(_, span)| !is_below(span));
    // Of a circle any is as good.
    let any = || of_maker().next();
    named.or_else(child).or_else(top).or_else(any)
}

#[cfg(test)]
mod tests {
    use rum_trace_propagation::TraceId;

    use super::Maker::{Layer, Other, RustSdk};
    use super::*;

    fn id(byte: u8) -> SpanId {
        SpanId::from_bytes([byte; 8]).unwrap()
    }

    fn span(span: u8, parent: u8, maker: Maker) -> Candidate {
        Candidate {
            id: id(span),
            parent: (parent > 0).then(|| id(parent)),
            maker,
        }
    }

    fn wanted(named: Option<SpanId>) -> Wanted {
        Wanted {
            trace: TraceId::from_bytes([1; 16]).unwrap(),
            phone: Some(id(1)),
            named,
        }
    }

    #[test]
    fn the_entry_is_the_services() {
        let table: [(&str, &[Candidate], Option<(usize, bool)>); 9] = [
            ("nothing", &[], None),
            (
                "the next service is there first",
                &[span(5, 4, Layer), span(4, 3, Other), span(3, 1, Layer)],
                Some((2, false)),
            ),
            (
                "below a span that nobody sent",
                &[span(4, 3, Other), span(3, 9, Layer)],
                Some((1, false)),
            ),
            (
                "a gateway with a CLIENT or SERVER span",
                &[span(2, 1, Other), span(3, 2, Layer)],
                Some((1, true)),
            ),
            (
                "the same, and the next service first",
                &[
                    span(5, 4, Layer),
                    span(2, 1, Other),
                    span(4, 3, Other),
                    span(3, 2, Layer),
                ],
                Some((3, true)),
            ),
            ("a gateway alone", &[span(2, 1, Other)], None),
            ("a root of its own", &[span(3, 0, Layer)], Some((0, false))),
            (
                "by a tracer of a subscriber's",
                &[span(2, 1, Other), span(3, 2, RustSdk)],
                Some((1, true)),
            ),
            (
                "a circle",
                &[span(3, 4, Layer), span(4, 3, Layer)],
                Some((0, true)),
            ),
        ];
        for (name, spans, entry) in table {
            assert_eq!(entry_of(spans, wanted(None)), entry, "{name}");
        }
    }

    #[test]
    fn the_one_that_the_service_named_is_it() {
        let spans = [span(3, 1, Layer), span(5, 3, Layer)];
        assert_eq!(entry_of(&spans, wanted(Some(id(5)))), Some((1, true)));
        assert_eq!(entry_of(&spans, wanted(Some(id(9)))), Some((0, false)));
    }

    #[test]
    fn makers() {
        assert_eq!(Maker::of_server("rum-trace", None), Layer);
        assert_eq!(Maker::of_server("shop", Some("rust")), RustSdk);
        assert_eq!(Maker::of_server("nginx", Some("cpp")), Other);
        assert_eq!(Maker::of_server("", None), Other);
    }
}
