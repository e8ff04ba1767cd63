mod load;

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::analysis::digest::{Digest, Field};
use crate::analysis::facts;
use crate::analysis::phone::Tap;
use crate::analysis::summary::Summary;
use crate::collector::{SpanBuilder, SpanKind};

const MANY: Limits = Limits {
    traces: 1_000,
    bytes: 1 << 26,
};

fn span(trace: u8, id: u8, name: &str) -> Span {
    SpanBuilder::new("shop", trace, id, 0)
        .name(name)
        .try_build()
        .unwrap()
}

fn id(trace: u8) -> TraceId {
    TraceId::from_bytes([trace; 16]).unwrap()
}

fn count(store: &Store, trace: u8) -> usize {
    store.trace(id(trace)).len()
}

fn found(store: &Store, filter: &Filter) -> Vec<u8> {
    let found = store.search(filter, 1_000, None);
    found
        .traces
        .iter()
        .map(|trace| trace.id.to_bytes()[0])
        .collect()
}

#[test]
fn a_span_that_is_sent_twice_is_kept_once() {
    let store = Store::new(Limits::default());
    for (trace, span_id) in [(1, 1), (1, 2), (1, 1), (2, 1)] {
        store.insert([span(trace, span_id, "")]);
    }
    // The same span id in another trace is another span.
    assert_eq!((count(&store, 1), count(&store, 2)), (2, 1));
    let counts = store.counts();
    assert_eq!(
        (counts.received, counts.duplicates, counts.spans),
        (3, 1, 3)
    );
}

#[test]
fn two_spans_may_share_an_id_and_a_third_may_not() {
    let store = Store::new(Limits::default());
    let of = |service, kind: SpanKind| {
        let span = SpanBuilder::new(service, 1, 7, 0);
        let span = match kind {
            SpanKind::Client => span.client(),
            _ => span.server(),
        };
        span.try_build().unwrap()
    };
    store.insert([
        of("shop", SpanKind::Client),
        of("stock", SpanKind::Server),
        of("shop", SpanKind::Client),
        of("third", SpanKind::Server),
    ]);
    assert_eq!((count(&store, 1), store.counts().duplicates), (2, 2));
}

#[test]
fn over_the_limit_of_traces_the_oldest_goes() {
    let limits = Limits { traces: 2, ..MANY };
    let store = Store::new(limits);
    for trace in [1, 2, 1, 3] {
        store.insert([span(trace, trace, "")]);
    }
    let kept: Vec<_> = (1..=3).map(|trace| count(&store, trace)).collect();
    assert_eq!(kept, [0, 1, 1]);
    let counts = store.counts();
    assert_eq!((counts.traces, counts.spans, counts.received), (2, 2, 3));
    assert_eq!((counts.evicted_traces, counts.evicted_spans), (1, 1));
    assert_eq!(found(&store, &Filter::default()), [3, 2]);
    assert!(store.get(id(1)).is_none());
}

#[test]
fn over_the_limit_of_bytes_the_oldest_goes() {
    let bytes = 32 * 1024;
    let store = Store::new(Limits { bytes, ..MANY });
    let text = "x".repeat(4_000);
    for trace in 1..=9 {
        store.insert([span(trace, 1, &text)]);
        assert!(store.counts().bytes <= bytes as u64);
    }
    let kept: Vec<_> = (1..=9).filter(|trace| count(&store, *trace) > 0).collect();
    assert_eq!(kept.last(), Some(&9));
    assert!(kept.len() >= 4 && kept[0] > 1, "{kept:?}");
    assert_eq!(kept, (kept[0]..=9).collect::<Vec<_>>());
}

#[test]
fn a_trace_does_not_drive_the_others_out() {
    let store = Store::new(Limits {
        bytes: 64 * 1024,
        ..MANY
    });
    store.insert([span(1, 1, "first")]);
    let refused: u64 = (0..255_u8)
        .map(|span_id| store.insert([span(2, span_id.max(1), &"x".repeat(300))]))
        .sum();
    assert!(refused > 100, "{refused}");
    assert_eq!(store.counts().trace_too_large, refused);
    // A span that takes as much by itself leaves nothing behind.
    let heavy = SpanBuilder::new("shop", 3, 1, 0).text("note", &"x".repeat(20_000));
    assert_eq!(store.insert([heavy.try_build().unwrap()]), 1);
    assert_eq!((count(&store, 1), count(&store, 3)), (1, 0));
    assert_eq!(store.counts().traces, 2);
    assert!(store.counts().bytes < 30_000);
}

/// What is held in common is counted once, and not after its last span.
#[test]
fn shared_resources_have_their_weight_once() {
    let heavy = SpanBuilder::new("shop", 1, 1, 0).resource("note", &"x".repeat(10_000));
    let first = heavy.try_build().unwrap();
    let with = |trace: u8| Span {
        trace_id: id(trace),
        ..first.clone()
    };
    let store = Store::new(Limits { traces: 2, ..MANY });
    store.insert([with(1)]);
    let one = store.counts().bytes;
    store.insert([with(2)]);
    let two = store.counts().bytes;
    assert!(one > 10_000 && two - one < 4_000, "{one} {two}");
    store.insert([with(3)]);
    assert_eq!(store.counts().bytes, two);
    store.insert([span(4, 1, ""), span(5, 1, "")]);
    assert!(store.counts().bytes < 10_000);
}

#[test]
fn changes_are_told_once_each_and_the_last_first() {
    let store = Store::new(Limits { traces: 3, ..MANY });
    let mut watch = store.watch();
    store.insert([span(1, 1, ""), span(2, 1, ""), span(1, 2, "")]);
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    let all = store.changes_since(0, 10);
    assert_eq!((all.traces.len(), all.more, all.sequence), (2, 0, 1));
    // A duplicate changes nothing.
    store.insert([span(1, 1, "")]);
    assert!(!watch.has_changed().unwrap());
    assert!(store.changes_since(1, 10).traces.is_empty());

    store.insert([span(3, 1, "")]);
    store.insert([span(1, 3, "")]);
    let changed = |since, most| {
        let changes = store.changes_since(since, most);
        let ids = changes.traces.iter().map(|trace| trace.id.to_bytes()[0]);
        (ids.collect::<Vec<_>>(), changes.more)
    };
    assert_eq!(changed(1, 10), (vec![1, 3], 0));
    assert_eq!(changed(0, 2), (vec![1, 3], 1));
    assert_eq!(changed(2, 10), (vec![1], 0));
    // What has gone has not changed.
    store.insert([span(4, 1, "")]);
    assert_eq!(changed(0, 10), (vec![4, 3, 2], 0));
}

#[test]
fn a_trace_is_looked_at_once_it_is_quiet() {
    let clock = Clock::manual();
    let store = Store::with_clock(MANY, clock.clone());
    let orphan = || SpanBuilder::new("shop", 1, 2, 9).try_build().unwrap();
    let missing = || {
        let filter = Filter {
            missing: Some(true),
            ..Filter::default()
        };
        found(&store, &filter)
    };
    store.insert([orphan()]);
    clock.advance(QUIET - Duration::from_millis(1));
    assert_eq!((store.settle(), missing()), (vec![], vec![]));
    // One more span: it is not quiet yet.
    store.insert([span(1, 3, "")]);
    clock.advance(Duration::from_millis(1));
    assert_eq!((store.settle(), missing()), (vec![], vec![]));
    assert!(!store.get(id(1)).unwrap().quiet);
    let before = store.sequence();
    clock.advance(QUIET);
    assert_eq!((store.settle(), missing()), (vec![id(1)], vec![1]));
    assert!(store.get(id(1)).unwrap().quiet);
    assert_eq!(store.changes_since(before, 9).traces.len(), 1);
    // Not again, until something arrives: then the parent is here.
    clock.advance(QUIET);
    assert_eq!(store.settle(), vec![]);
    store.insert([span(1, 9, "")]);
    clock.advance(QUIET);
    assert_eq!((store.settle(), missing()), (vec![id(1)], vec![]));
}

/// Who looks at a trace while it is not quiet is told of nothing that is missing,
/// and asks again when it hears that it is.
#[test]
fn that_a_trace_is_quiet_again_is_told_though_as_much_is_missing() {
    let clock = Clock::manual();
    let store = Store::with_clock(MANY, clock.clone());
    store.insert([SpanBuilder::new("shop", 1, 2, 9).try_build().unwrap()]);
    clock.advance(QUIET);
    store.settle();
    store.insert([span(1, 3, "")]);
    let before = store.sequence();
    clock.advance(QUIET);
    store.settle();
    let changes = store.changes_since(before, 9);
    assert_eq!(changes.traces.len(), 1);
    assert_eq!(changes.traces[0].findings, 1);
}

/// A busy trace may get a span with every look at it.
#[test]
fn what_was_found_counts_though_a_span_came_meanwhile() {
    let clock = Clock::manual();
    let store = Store::with_clock(MANY, clock.clone());
    store.insert([span(1, 2, "")]);
    clock.advance(QUIET);
    let (due, peers) = store.lock().due(clock.now(), CHUNK);
    let (settled, _) = analyse(&due[0].spans, due[0].quiet, &peers);
    store.insert([span(1, 3, "")]);
    let outcome = store.lock().settle(&due[0], settled);
    // It is known by what was found, and not taken to be whole.
    assert!(!outcome.whole);
    assert_ne!(store.topology(), Topology::default());
    clock.advance(QUIET);
    assert_eq!(store.settle(), vec![id(1)]);
}

#[test]
fn what_a_quiet_trace_adds_to_the_topology_is_told() {
    let clock = Clock::manual();
    let store = Store::with_clock(MANY, clock.clone());
    let mut watch = store.watch();
    store.insert([span(1, 2, "")]);
    watch.mark_unchanged();
    let before = store.sequence();
    clock.advance(QUIET);
    store.settle();
    assert!(watch.has_changed().unwrap());
    assert_eq!(store.changes_since(before, 9).traces.len(), 1);
}

#[test]
fn a_trace_is_found_by_a_peer_of_its_topology() {
    let clock = Clock::manual();
    let store = Store::with_clock(MANY, clock.clone());
    let calls = |trace, address| {
        let span = SpanBuilder::new("shop", trace, 2, 0).client();
        span.text("server.address", address).try_build().unwrap()
    };
    store.insert([calls(1, "pay.example"), calls(2, "mail.example")]);
    let by = |peer: &str| {
        let filter = Filter {
            peer: Some(peer.to_owned()),
            ..Filter::default()
        };
        found(&store, &filter)
    };
    assert!(by("pay.example").is_empty());
    clock.advance(QUIET);
    store.settle();
    assert_eq!(by("pay.example"), [1]);
    // The whole name, and of no service.
    assert_eq!((by("pay"), by("shop")), (vec![], vec![]));
}

#[test]
fn a_trace_that_never_is_quiet_is_looked_at_all_the_same() {
    let clock = Clock::manual();
    let store = Store::with_clock(MANY, clock.clone());
    let mut settled = Vec::new();
    for span_id in 1..=40 {
        store.insert([span(1, span_id, "")]);
        clock.advance(Duration::from_millis(500));
        settled.extend(store.settle());
    }
    // It is not whole, but in the topology.
    assert_eq!(settled, vec![]);
    let topology = serde_json::to_value(crate::analysis::topology::Answer::new(
        &store.topology(),
        false,
    ));
    let spans = topology.unwrap()["nodes"][0]["spans"].as_u64().unwrap();
    assert!((20..=40).contains(&spans), "{spans}");
    clock.advance(QUIET);
    assert_eq!(store.settle(), vec![id(1)]);
}

#[test]
fn pages_of_a_search_are_put_together() {
    let store = Store::new(MANY);
    for trace in 1..=250 {
        store.insert([span(trace, 1, if trace % 2 == 0 { "even" } else { "odd" })]);
    }
    let filter = Filter {
        text: Some("EVEN".to_owned()),
        ..Filter::default()
    };
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = store.search(&filter, 40, before);
        all.extend(page.traces.iter().map(|trace| trace.id.to_bytes()[0]));
        before = page.next;
        if before.is_none() {
            break;
        }
        assert_eq!(page.traces.len(), 40);
    }
    assert_eq!(
        all,
        (1..=125).rev().map(|half| half * 2).collect::<Vec<u8>>()
    );
}

/// What a span of the properties tells: few values, so that they meet.
#[derive(Clone, Debug)]
struct Told {
    trace: u8,
    id: u8,
    parent: u8,
    values: [u8; 6],
    server: bool,
    failed: bool,
    start: u64,
}

fn told() -> impl Strategy<Value = Told> {
    let ids = (1..6_u8, 1..7_u8, 0..9_u8);
    let rest = (
        prop::array::uniform6(0..4_u8),
        any::<bool>(),
        any::<bool>(),
        0..9_u64,
    );
    (ids, rest).prop_map(
        |((trace, id, parent), (values, server, failed, start))| Told {
            trace,
            id,
            parent,
            values,
            server,
            failed,
            start,
        },
    )
}

impl Told {
    fn span(&self) -> Span {
        let service = ["shop", "stock"][usize::from(self.values[0] / 2)];
        let span = SpanBuilder::new(service, self.trace, self.id, self.parent);
        let span = span.time(self.start, self.start + u64::from(self.id));
        let span = if self.server { span.server() } else { span };
        let span = if self.failed { span.error("") } else { span };
        let keys = [
            "session.id",
            "user.id",
            "rum.app.id",
            "http.route",
            "url.path",
        ];
        let told = keys.into_iter().zip(&self.values[1..]);
        let span = told
            .filter(|(_, value)| **value > 0)
            .fold(span, |span, (key, value)| {
                span.text(key, &format!("Value {value}"))
            });
        let status = [200, 404, 500, 503][usize::from(self.values[5])];
        span.number("http.response.status_code", status)
            .try_build()
            .unwrap()
    }
}

/// A filter, by all spans of a trace and nothing that is kept up with them.
fn naive(filter: &Filter, spans: &[Arc<Span>]) -> bool {
    let any = |asked: &Option<String>, field: Field| {
        let is = |asked: &String| {
            spans
                .iter()
                .any(|span| field.of(span) == Some(asked.as_str()))
        };
        asked.as_ref().is_none_or(is)
    };
    let part = |asked: &String, fields: &[Field], fold: fn(&str) -> String| {
        let texts = || {
            spans
                .iter()
                .flat_map(|span| fields.iter().filter_map(|field| field.of(span)))
        };
        texts().any(|text| fold(text).contains(&fold(asked)))
    };
    let earlier = |a: &&Arc<Span>, b: &&Arc<Span>| {
        let orphans = (a.parent.is_some(), b.parent.is_some());
        orphans
            .0
            .cmp(&orphans.1)
            .then_with(|| facts::by_start(a, b))
    };
    let root = spans.iter().min_by(earlier);
    let of_tap = |tap: &Tap| (&spans[tap.entry], tap.name.clone());
    let (tap, findings) = analysis::look(spans, true, &Peers::default(), |evidence| {
        (evidence.tap.map(of_tap), Findings::of(evidence).count())
    });
    let lead = tap.as_ref().map_or(root.unwrap(), |(entry, _)| entry);
    let status = lead.number("http.response.status_code").unwrap();
    let start = spans.iter().map(|span| span.start).min().unwrap();
    let duration = spans.iter().map(|span| facts::end(span)).max().unwrap() - start;
    let name = tap
        .as_ref()
        .map_or_else(|| lead.name.to_string(), |(_, name)| name.clone());
    let missing = |asked| asked == (findings > 0);
    filter.missing.is_none_or(missing)
        && any(&filter.app, Field::App)
        && any(&filter.session, Field::Session)
        && any(&filter.user, Field::User)
        && any(&filter.service, Field::Service)
        && filter
            .route
            .as_ref()
            .is_none_or(|asked| part(asked, &[Field::Route, Field::Path], str::to_owned))
        && filter
            .trace_id
            .as_ref()
            .is_none_or(|asked| spans[0].trace_id.to_string().starts_with(asked))
        && filter.status.is_none_or(|asked| match asked {
            StatusFilter::Code(code) => status == code,
            StatusFilter::Class(class) => status / 100 == class,
            StatusFilter::Error => spans.iter().any(|span| span.status.is_error()),
        })
        && filter.shortest.is_none_or(|shortest| duration >= shortest)
        && filter.longest.is_none_or(|longest| duration <= longest)
        && filter.text.as_ref().is_none_or(|asked| {
            let lower = asked.to_lowercase();
            part(asked, &ALL, str::to_lowercase)
                || spans[0].trace_id.to_string().contains(&lower)
                || name.to_lowercase().contains(&lower)
        })
}

const ALL: [Field; 7] = [
    Field::App,
    Field::AppType,
    Field::Session,
    Field::User,
    Field::Service,
    Field::Route,
    Field::Path,
];

fn filter() -> impl Strategy<Value = Filter> {
    let value = || prop::option::weighted(0.2, (1..4_u8).prop_map(|n| format!("Value {n}")));
    let texts = (value(), value(), value());
    let part = prop::option::weighted(0.3, prop::sample::select(vec!["Val", "2", "value"]));
    let text = prop::option::weighted(
        0.3,
        prop::sample::select(vec!["vaLUE 3", "SHOP", "0202", "span", "request:"]),
    );
    let service = prop::option::weighted(0.3, prop::sample::select(vec!["shop", "stock", "sho"]));
    let trace = prop::option::weighted(0.1, prop::sample::select(vec!["0101", "02020", "ffff"]));
    let status = prop::option::weighted(
        0.4,
        prop::sample::select(vec![
            StatusFilter::Error,
            StatusFilter::Class(5),
            StatusFilter::Code(404),
        ]),
    );
    let times = (
        prop::option::weighted(0.2, 0..9_u64),
        prop::option::weighted(0.2, 0..9_u64),
    );
    let missing = prop::option::weighted(0.3, any::<bool>());
    let listed = (trace, status, times, missing);
    (texts, part, text, service, listed).prop_map(
        |((app, session, user), route, text, service, listed)| {
            let (trace_id, status, (shortest, longest), missing) = listed;
            Filter {
                missing,
                app,
                session,
                user,
                route: route.map(str::to_owned),
                text: text.map(str::to_owned),
                service: service.map(str::to_owned),
                trace_id: trace_id.map(str::to_owned),
                status,
                shortest: shortest.map(|ms| ms * 1_000_000),
                longest: longest.map(|ms| ms * 1_000_000),
                ..Filter::default()
            }
        },
    )
}

proptest! {
    #[test]
    fn a_search_finds_what_a_look_at_all_spans_finds(
        spans in prop::collection::vec(told(), 1..30),
        filters in prop::collection::vec(filter(), 8),
    ) {
        let clock = Clock::manual();
        let store = Store::with_clock(MANY, clock.clone());
        for told in &spans {
            store.insert([told.span()]);
        }
        clock.advance(QUIET);
        store.settle();
        for filter in filters {
            let mut expected: Vec<_> = (1..6_u8)
                .filter(|trace| spans.iter().any(|told| told.trace == *trace))
                .filter(|trace| naive(&filter, &store.trace(id(*trace))))
                .collect();
            let mut found = found(&store, &filter);
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected, "{:?}", filter);
        }
    }

    #[test]
    fn the_bounds_hold_and_nothing_is_forgotten(
        spans in prop::collection::vec((told(), 0..3_000_usize), 1..60),
        traces in 1..5_usize,
        settle in any::<bool>(),
    ) {
        let clock = Clock::manual();
        let limits = Limits { traces, bytes: 32 * 1024 };
        let store = Store::with_clock(limits, clock.clone());
        for (sent, (told, length)) in (1..).zip(&spans) {
            let mut span = told.span();
            span.name = "n".repeat(*length).into();
            store.insert([span]);
            if settle {
                clock.advance(Duration::from_millis(700));
                store.settle();
            }
            let counts = store.counts();
            prop_assert!(counts.traces <= traces as u64 && counts.bytes <= limits.bytes as u64);
            prop_assert_eq!(counts.received, counts.spans + counts.evicted_spans);
            prop_assert_eq!(sent, counts.received + counts.duplicates + counts.trace_too_large);
        }
        let kept: Vec<_> = store.newest(None).collect();
        prop_assert_eq!(kept.len() as u64, store.counts().traces);
        let ids: HashSet<_> = kept.iter().map(|trace| trace.id).collect();
        prop_assert_eq!(ids.len(), kept.len());
        let held: usize = kept.iter().map(|trace| store.trace(trace.id).len()).sum();
        prop_assert_eq!(held as u64, store.counts().spans);
        // All of them have changed at some time; none that is gone.
        prop_assert_eq!(store.changes_since(0, 99).traces.len(), kept.len());
        for trace in kept {
            let spans = store.trace(trace.id);
            let fresh = Summary::new(trace.id, &Digest::of(&spans), trace.findings, trace.arrival, trace.sequence);
            prop_assert_eq!(trace.summary(), fresh);
        }
        // When the last has gone, so has its weight.
        let last = span(200, 1, "");
        store.lock().empty();
        prop_assert_eq!(store.counts().bytes, 0);
        store.insert([last]);
        prop_assert_eq!(store.counts().traces, 1);
    }
}
