use super::*;
use crate::collector::SpanBuilder;

fn span(service: &str, id: u8, parent: u8) -> SpanBuilder {
    SpanBuilder::new(service, 1, id, parent).time(10, 20)
}

fn server(service: &str, id: u8, parent: u8) -> SpanBuilder {
    span(service, id, parent).server()
}

fn client(service: &str, id: u8, parent: u8) -> SpanBuilder {
    span(service, id, parent).client()
}

fn rum(span: SpanBuilder) -> SpanBuilder {
    span.text("session.id", "s1").text("rum.app.id", "a@1")
}

/// The phone's own request, to the shop.
fn entry() -> SpanBuilder {
    rum(server("shop", 2, 9))
}

fn built(spans: Vec<SpanBuilder>) -> Vec<Arc<Span>> {
    spans.into_iter().map(SpanBuilder::build).collect()
}

fn found(spans: &[Arc<Span>], quiet: bool, peers: &Peers) -> Findings {
    let tree = Tree::new(spans);
    let tap = Tap::of(spans, &tree);
    Findings::of(Evidence {
        spans,
        tree: &tree,
        tap: tap.as_ref(),
        quiet,
        peers,
    })
}

/// Kind, first byte of the span, and hop of each.
fn told(findings: &Findings) -> Vec<(Kind, u8, String)> {
    let hop = |hop: &Option<Hop>| match hop {
        Some(hop) => format!("{} {}", hop.from, hop.to),
        None => String::new(),
    };
    let id = |id: &Option<String>| u8::from_str_radix(&id.as_ref().unwrap()[..2], 16).unwrap();
    let each = findings.list.iter();
    each.map(|finding| (finding.kind, id(&finding.span_id), hop(&finding.hop)))
        .collect()
}

#[test]
fn what_is_missing_or_does_not_fit() {
    use Kind::*;
    const TELLS_FLAGS: u32 = 0x100;
    let table: Vec<(&str, Vec<SpanBuilder>, Vec<(Kind, u8, &str)>)> = vec![
        ("a tap that is whole", vec![entry()], vec![]),
        ("a root", vec![server("shop", 2, 0)], vec![]),
        (
            "a parent that never came",
            vec![span("shop", 2, 9), span("shop", 3, 2)],
            vec![(MissingParent, 2, "")],
        ),
        (
            "the same parent of several is one finding, another is another",
            vec![span("shop", 2, 9), span("shop", 3, 9), span("shop", 4, 8)],
            vec![(MissingParent, 2, ""), (MissingParent, 4, "")],
        ),
        (
            "a second entry with another parent",
            vec![entry(), rum(server("shop", 3, 8)).time(11, 12)],
            vec![(MissingParent, 3, "")],
        ),
        (
            "a request that was sent again",
            vec![entry(), rum(server("shop", 3, 9)).time(11, 12)],
            vec![],
        ),
        (
            "a circle",
            vec![span("shop", 2, 3), span("shop", 3, 2)],
            vec![(Circle, 2, "")],
        ),
        (
            "the member is lost between two services",
            vec![entry(), client("shop", 3, 2), server("stock", 4, 3)],
            vec![(LostTracestate, 4, "shop stock")],
        ),
        (
            "known by the caller's trace state alone",
            vec![
                server("shop", 2, 0).trace_state("rum=v2&browser&a@1&s1"),
                client("shop", 3, 2),
                server("stock", 4, 3),
            ],
            vec![(LostTracestate, 4, "shop stock")],
        ),
        (
            "the callee has it in its trace state alone",
            vec![
                entry(),
                client("shop", 3, 2),
                server("stock", 4, 3).trace_state("x=1,rum=v2&browser&a@1&s1"),
            ],
            vec![],
        ),
        (
            "a trace state without a member of ours",
            vec![
                entry(),
                client("shop", 3, 2),
                server("stock", 4, 3).trace_state("x=1"),
            ],
            vec![(LostTracestate, 4, "shop stock")],
        ),
        (
            "once lost it is not lost again",
            vec![
                entry(),
                client("shop", 3, 2),
                server("stock", 4, 3),
                client("stock", 5, 4),
                server("prices", 6, 5),
            ],
            vec![(LostTracestate, 4, "shop stock")],
        ),
        (
            "nobody told anything",
            vec![
                server("shop", 2, 0),
                client("shop", 3, 2),
                server("stock", 4, 3),
            ],
            vec![],
        ),
        (
            "another session further in",
            vec![
                entry(),
                client("shop", 3, 2),
                server("stock", 4, 3).text("session.id", "s2"),
            ],
            vec![(RumDiffers, 4, "shop stock")],
        ),
        (
            "another app further in",
            vec![
                entry(),
                client("shop", 3, 2),
                server("stock", 4, 3).text("rum.app.id", "b@2"),
            ],
            vec![(RumDiffers, 4, "shop stock")],
        ),
        (
            "the same as before a service that tells less",
            vec![
                entry(),
                client("shop", 3, 2),
                server("stock", 4, 3).text("rum.app.type", "ios"),
                client("stock", 5, 4),
                rum(server("prices", 6, 5)),
            ],
            vec![],
        ),
        (
            "kept alone",
            vec![
                entry()
                    .text("rum.sampling.kept_alone", "error")
                    .flags(TELLS_FLAGS),
            ],
            vec![(KeptAlone, 2, "")],
        ),
        (
            "recorded though not sampled",
            vec![
                entry().flags(TELLS_FLAGS),
                span("shop", 3, 2).flags(TELLS_FLAGS),
            ],
            vec![(UnsampledBranch, 2, "")],
        ),
        (
            "sampled, or from a sender that tells no flags",
            vec![entry().flags(TELLS_FLAGS | 1), span("shop", 3, 2).flags(0)],
            vec![],
        ),
        (
            "a call with nothing beyond",
            vec![entry(), client("shop", 3, 2).text("server.address", "pay")],
            vec![(NoSpanBeyondCall, 3, "")],
        ),
        (
            "a call that failed without an answer",
            vec![entry(), client("shop", 3, 2).error("refused")],
            vec![],
        ),
        (
            "a call that failed with an answer",
            vec![
                entry(),
                client("shop", 3, 2)
                    .error("500")
                    .number("http.response.status_code", 500),
            ],
            vec![(NoSpanBeyondCall, 3, "")],
        ),
        (
            "a database",
            vec![
                entry(),
                client("shop", 3, 2).text("db.system.name", "mysql"),
            ],
            vec![],
        ),
        (
            "the call of a library inside a call",
            vec![
                entry(),
                client("shop", 3, 2),
                client("shop", 4, 3),
                rum(server("stock", 5, 4)),
            ],
            vec![],
        ),
        (
            "a child that begins before its parent",
            vec![server("shop", 2, 0), span("shop", 3, 2).time(8, 12)],
            vec![(ClockSkew, 3, "shop shop")],
        ),
        (
            "a millisecond is nothing",
            vec![server("shop", 2, 0), span("shop", 3, 2).time(9, 12)],
            vec![],
        ),
        (
            "a callee that begins after its caller has its answer",
            vec![client("shop", 2, 0), server("stock", 3, 2).time(30, 35)],
            vec![(ClockSkew, 3, "shop stock")],
        ),
        (
            "a callee that ends long after",
            vec![client("shop", 2, 0), server("stock", 3, 2).time(15, 500)],
            vec![(ClockSkew, 3, "shop stock")],
        ),
        (
            "work that goes on, and a caller that gave up",
            vec![
                server("shop", 2, 0),
                span("shop", 3, 2).time(30, 900),
                client("shop", 4, 2).error("timeout"),
                server("stock", 5, 4).time(15, 900),
            ],
            vec![],
        ),
    ];
    for (name, spans, expected) in table {
        let spans = built(spans);
        let findings = found(&spans, true, &Peers::default());
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(kind, id, hop)| (kind, id, hop.to_owned()))
            .collect();
        assert_eq!(told(&findings), expected, "{name}: {:?}", findings.list);
        for finding in &findings.list {
            assert!(finding.text.ends_with('.'), "{}", finding.text);
        }
    }
}

#[test]
fn what_shows_by_absence_waits_until_it_is_quiet() {
    let spans = built(vec![
        span("cron", 7, 8),
        entry(),
        client("shop", 3, 2).text("server.address", "pay"),
        client("shop", 4, 2).text("server.address", "stock"),
        server("stock", 5, 4),
    ]);
    let findings = found(&spans, false, &Peers::default());
    assert_eq!(
        told(&findings),
        [(Kind::LostTracestate, 5, "shop stock".to_owned())]
    );
    assert_eq!(found(&spans, true, &Peers::default()).list.len(), 3);
}

#[test]
fn a_service_that_is_known_from_other_traces_is_missed() {
    let with_stock = |parent| client("shop", 3, parent).text("server.address", "stock:80");
    let other = built(vec![with_stock(2), server("stock", 4, 3)]);
    let mut peers = Peers::default();
    peers.learn(peers.news(&other, &Tree::new(&other)));

    let spans = built(vec![entry(), with_stock(2)]);
    let findings = found(&spans, true, &peers);
    assert_eq!(
        told(&findings),
        [(Kind::UnsampledBranch, 3, "shop stock".to_owned())]
    );
    assert_eq!(findings.marks(1), [Kind::UnsampledBranch]);

    // Where the service has answered another call it does sample.
    let call = client("shop", 5, 2).text("server.address", "stock:80");
    let spans = built(vec![
        entry(),
        with_stock(2),
        call,
        rum(server("stock", 6, 5)),
    ]);
    let findings = found(&spans, true, &peers);
    assert_eq!(
        told(&findings),
        [(Kind::NoSpanBeyondCall, 3, "shop stock".to_owned())]
    );
}

#[test]
fn the_same_many_times_is_one_finding_and_all_are_marked() {
    let mut spans = vec![entry()];
    for id in 10..60 {
        spans.push(client("shop", id, 2).text("server.address", "pay"));
    }
    let spans = built(spans);
    let findings = found(&spans, true, &Peers::default());
    assert_eq!(findings.list.len(), 1);
    assert!(
        findings.list[0]
            .text
            .ends_with("Seen 50 times in this trace.")
    );
    assert!((1..=50).all(|index| findings.marks(index) == [Kind::NoSpanBeyondCall]));
}

#[test]
fn findings_are_bounded_and_counted() {
    let spans: Vec<_> = (1..=250)
        .map(|id| SpanBuilder::new("shop", 1, 1, 0).span_id(&format!("{id:016x}")))
        .map(|span| span.parent("00000000000000ff").error("x"))
        .map(|span| span.text("rum.sampling.kept_alone", "\u{202e}odd").build())
        .collect();
    let findings = found(&spans, true, &Peers::default());
    assert_eq!((findings.list.len(), findings.truncated), (200, 51));
    assert_eq!(findings.count(), 251);
}

#[test]
fn names_are_quoted_and_cut() {
    let name = "n".repeat(5_000);
    let spans = built(vec![span("shop", 2, 9).name(&name)]);
    let text = &found(&spans, true, &Peers::default()).list[0].text;
    assert!(text.contains(&format!("“{}…”", "n".repeat(120))), "{text}");
    assert!(text.len() < 1_000);
}
