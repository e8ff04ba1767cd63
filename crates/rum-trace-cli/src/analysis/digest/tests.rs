use proptest::prelude::*;

use super::*;
use crate::analysis::summary::Summary;
use crate::collector::SpanBuilder;

/// A few spans of a trace; small numbers, so that they meet.
fn spans() -> impl Strategy<Value = Vec<Arc<Span>>> {
    let span = (
        1..9_u8,
        0..9_u8,
        0..4_u64,
        0..5_u8,
        any::<bool>(),
        any::<bool>(),
    );
    let spans = proptest::collection::btree_map(1..9_u8, span, 1..9);
    spans.prop_map(|spans| {
        let built = spans
            .into_iter()
            .map(|(id, (_, parent, start, told, server, failed))| {
                let span = SpanBuilder::new(["shop", "stock"][usize::from(server)], 1, id, parent)
                    .time(start, start + u64::from(id));
                let span = if server { span.server() } else { span };
                let span = if failed { span.error("") } else { span };
                match told {
                    0 => span,
                    1 => span.text("session.id", "s1").text("rum.app.version", "1"),
                    2 => span.text("session.id", "s2").text("rum.app.id", "a@1"),
                    3 => span.text("user.id", "u1").text("http.route", "/a"),
                    _ => span.text("rum.app.type", "ios").text("url.path", "/b"),
                }
                .build()
            });
        built.collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(
        (spans, shuffled) in spans().prop_flat_map(|spans| (Just(spans.clone()), Just(spans).prop_shuffle()))
    ) {
        let id = spans[0].trace_id;
        let summary = |spans: &[Arc<Span>]| Summary::new(id, &Digest::of(spans), 0, 0, 0);
        prop_assert_eq!(summary(&spans), summary(&shuffled));
    }
}

#[test]
fn the_values_of_a_field_are_bounded() {
    let mut digest = Digest::default();
    for path in 0..MAX_VALUES + 9 {
        let span = SpanBuilder::new("shop", 1, 2, 0).text("url.path", &format!("/{path}"));
        digest.add(&span.build());
    }
    assert_eq!(digest.values(Field::Path).len(), MAX_VALUES);
    assert_eq!(digest.values(Field::Service).len(), 1);
    assert!(digest.has(Field::Path, "/255") && !digest.has(Field::Path, "/256"));
    assert!(digest.weight() > MAX_VALUES * TEXT_OVERHEAD);
}
