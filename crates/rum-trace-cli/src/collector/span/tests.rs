use super::super::SpanBuilder;
use super::super::value::{MAX_ATTRIBUTES, Value};
use super::*;

fn with(change: impl FnOnce(&mut proto::Span)) -> Result<Span, SpanFault> {
    let mut builder = SpanBuilder::new("shop", 1, 2, 3);
    change(&mut builder.span);
    builder.try_build()
}

fn link(trace_id: Vec<u8>, span_id: Vec<u8>) -> proto::span::Link {
    proto::span::Link {
        trace_id,
        span_id,
        trace_state: "a=b".into(),
        flags: 0x301,
        dropped_attributes_count: 4,
        ..proto::span::Link::default()
    }
}

#[test]
fn ids_are_checked() {
    assert!(with(|_| {}).is_ok());
    for bad in [vec![0; 16], vec![1; 15], vec![1; 17], vec![]] {
        assert_eq!(with(|span| span.trace_id = bad), Err(SpanFault::TraceId));
    }
    for bad in [vec![0; 8], vec![1; 9], vec![]] {
        assert_eq!(with(|span| span.span_id = bad), Err(SpanFault::SpanId));
    }
    assert_eq!(
        with(|span| span.parent_span_id = vec![1; 7]),
        Err(SpanFault::ParentId)
    );
    for root in [vec![], vec![0; 8]] {
        assert_eq!(
            with(|span| span.parent_span_id = root).unwrap().parent,
            None
        );
    }
}

#[test]
fn all_that_was_sent_is_kept() {
    let span = SpanBuilder::new("shop", 1, 2, 3)
        .resource("service.version", "1.2")
        .scope("rum-trace", "0.1.0")
        .trace_state("rum=v2&a")
        .flags(0x103)
        .text("http.route", "/orders")
        .event("exception", 7, &[("exception.type", "Timeout")])
        .link(9, 8)
        .time(1, 3)
        .build();
    assert_eq!(
        (
            span.service(),
            span.resource.attributes.text("service.version")
        ),
        ("shop", Some("1.2"))
    );
    assert_eq!(
        (&*span.scope.name, span.scope.version.as_deref()),
        ("rum-trace", Some("0.1.0"))
    );
    assert_eq!(
        (span.trace_state.as_deref(), span.flags),
        (Some("rum=v2&a"), 0x103)
    );
    assert_eq!(
        span.attributes.get("http.route"),
        Some(&Value::Text("/orders".into()))
    );
    let [event] = &*span.events else {
        panic!("{:?}", span.events)
    };
    assert_eq!((&*event.name, event.time), ("exception", 7));
    assert_eq!(event.attributes.text("exception.type"), Some("Timeout"));
    let [link] = &*span.links else {
        panic!("{:?}", span.links)
    };
    assert_eq!(
        (link.trace_id.to_bytes(), link.span_id.to_bytes()),
        ([9; 16], [8; 8])
    );
    assert_eq!(span.duration(), Duration::from_millis(2));
}

#[test]
fn links_that_lead_nowhere_are_dropped_and_counted() {
    let span = with(|span| {
        span.links = vec![
            link(vec![1; 16], vec![0; 8]),
            link(vec![7; 16], vec![6; 8]),
            link(vec![1; 15], vec![1; 8]),
        ];
        span.dropped_links_count = 5;
    });
    let span = span.unwrap();
    assert_eq!(
        (span.links.len(), span.cut.links, span.dropped.links),
        (1, 2, 5)
    );
    let found = &span.links[0];
    assert_eq!(found.trace_id.to_bytes(), [7; 16]);
    assert_eq!(
        (found.trace_state.as_deref(), found.dropped),
        (Some("a=b"), 4)
    );
}

#[test]
fn what_is_too_much_is_cut_and_counted() {
    let span = with(|span| {
        span.events = vec![proto::span::Event::default(); MAX_EVENTS + 2];
        span.links = vec![link(vec![1; 16], vec![1; 8]); MAX_EVENTS + 3];
        span.attributes = vec![Default::default(); MAX_ATTRIBUTES + 4];
        span.name = "n".repeat(MAX_NAME + 1);
    });
    let span = span.unwrap();
    assert_eq!(
        (span.events.len(), span.links.len()),
        (MAX_EVENTS, MAX_EVENTS)
    );
    let cut = Cut {
        attributes: 4,
        events: 2,
        links: 3,
        values: 1,
    };
    assert_eq!(span.cut, cut);

    let heavy = with(|span| {
        let event = proto::span::Event {
            name: "e".repeat(MAX_NAME),
            ..Default::default()
        };
        span.events = vec![event; MAX_EVENTS];
    });
    assert_eq!(heavy, Err(SpanFault::TooLarge));
}

#[test]
fn everything_has_its_weight() {
    let plain = || SpanBuilder::new("shop", 1, 2, 3).name("");
    let weight = |builder: SpanBuilder| builder.build().weight() - plain().build().weight();
    assert_eq!(weight(plain().name(&"x".repeat(100))), 112);
    assert_eq!(weight(plain().error(&"x".repeat(100))), 112);
    assert_eq!(weight(plain().trace_state(&"x".repeat(100))), 112);
    assert!(weight(plain().event("", 0, &[])) >= size_of::<Event>());
    assert!(weight(plain().link(1, 1)) >= size_of::<Link>());
    assert!(weight(plain().text("k", "v")) > 40);
}

#[test]
fn what_a_sender_may_leave_out_or_get_wrong() {
    let span = SpanBuilder::new("shop", 1, 2, 3)
        .time(5, 2)
        .number("http.route", 1)
        .text("http.response.status_code", "200")
        .build();
    assert_eq!(span.duration(), Duration::ZERO);
    assert_eq!(span.kind, SpanKind::Internal);
    assert_eq!((&span.status, span.error()), (&Status::Unset, None));
    assert_eq!(span.trace_state, None);
    assert_eq!(span.text("http.route"), None);
    assert_eq!(span.number("http.response.status_code"), None);
    assert_eq!(
        with(|span| span.kind = 77).unwrap().kind,
        SpanKind::Internal
    );
    let ok = proto::Status {
        code: 1,
        message: "ignored".into(),
    };
    assert_eq!(
        with(|span| span.status = Some(ok)).unwrap().status,
        Status::Ok
    );
    let odd = proto::Status {
        code: 99,
        ..Default::default()
    };
    assert_eq!(
        with(|span| span.status = Some(odd)).unwrap().status,
        Status::Unset
    );
}
