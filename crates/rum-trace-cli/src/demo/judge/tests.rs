//! Each way in which a tap can be lost.

use std::time::Duration;

use http::StatusCode;
use rum_trace_testing::Phone;

use super::*;
use crate::collector::SpanBuilder;
use crate::demo::phones::Expected;

fn sent_by(phone: &Phone) -> Sent {
    let request = phone.tap("GET", "http://shop/items/42");
    let seen = Seen {
        trace_id: request.trace_id().to_owned(),
        sampled: request.sampled(),
    };
    Sent {
        tap: Tap {
            name: "browser.request:http://shop/items/42".into(),
            request,
            expected: Expected {
                status: StatusCode::OK,
                calls_stock: true,
            },
        },
        answer: Ok((
            StatusCode::OK,
            Answer {
                gateway: Some(seen.clone()),
                shop: seen.clone(),
                stock: Some(seen),
            },
        )),
        took: Duration::from_millis(3),
    }
}

/// A browser's tap on an item, as it is answered if all is well.
pub(crate) fn item() -> Sent {
    sent_by(&Phone::browser().session_id("s1").user_id("u1"))
}

/// The five spans that continue it.
pub(crate) fn chain(sent: &Sent) -> [SpanBuilder; 5] {
    let tap = &sent.tap.request;
    let of =
        |service, span, parent| SpanBuilder::new(service, 1, span, parent).trace_id(tap.trace_id());
    let server = of(GATEWAY, 1, 9).parent(tap.parent_span_id()).server();
    let server = told(tap)
        .into_iter()
        .fold(server, |server, (key, value)| match value {
            Some(value) => server.text(key.attribute(), value),
            None => server,
        });
    [
        server,
        of(GATEWAY, 2, 1).client(),
        of(SHOP, 3, 2).server(),
        of(SHOP, 4, 3).client(),
        of(STOCK, 5, 4).server(),
    ]
}

fn judged(sent: &Sent, spans: impl IntoIterator<Item = SpanBuilder>) -> Verdict {
    let spans: Vec<_> = spans.into_iter().map(SpanBuilder::build).collect();
    judge(sent, &spans)
}

#[track_caller]
fn assert_waiting(verdict: &Verdict, words: &str) {
    assert!(
        matches!(verdict, Verdict::Waiting(problem) if problem.contains(words)),
        "{verdict:?}"
    );
    assert!(verdict.problem().is_some());
}

#[track_caller]
fn assert_broken(verdict: &Verdict, words: &str) {
    assert!(
        matches!(verdict, Verdict::Broken(problem) if problem.contains(words)),
        "{verdict:?}"
    );
    assert!(verdict.problem().is_some());
}

#[test]
fn the_whole_chain_is_continued_in_whatever_order_it_arrives() {
    let sent = item();
    let mut spans = chain(&sent);
    spans.reverse();
    let verdict = judged(&sent, spans);
    assert_eq!(verdict, Verdict::Continued);
    assert_eq!(verdict.problem(), None);
}

#[test]
fn what_has_not_arrived_is_named() {
    let sent = item();
    assert_waiting(&judged(&sent, []), sent.tap.request.parent_span_id());
    let all_but = |missing: usize| {
        let spans = chain(&sent).into_iter().enumerate();
        let left = spans.filter(|(at, _)| *at != missing).map(|(_, span)| span);
        judged(&sent, left)
    };
    let named = [
        "the SERVER span of gateway never arrived",
        "the CLIENT span of gateway for its call to shop never arrived",
        "the SERVER span of shop never arrived",
        "the CLIENT span of shop for its call to stock never arrived",
        "the SERVER span of stock never arrived",
    ];
    for (missing, words) in named.into_iter().enumerate() {
        assert_waiting(&all_but(missing), words);
    }
}

#[test]
fn only_the_server_span_of_the_service_itself_counts() {
    let sent = item();
    let [server, rest @ ..] = chain(&sent);
    let spans = [server.client()].into_iter().chain(rest);
    assert_waiting(&judged(&sent, spans), "SERVER span of gateway");
    let foreign = SpanBuilder::new(STOCK, 1, 1, 9)
        .trace_id(sent.tap.request.trace_id())
        .parent(sent.tap.request.parent_span_id())
        .server();
    assert_waiting(&judged(&sent, [foreign]), "SERVER span of gateway");
}

#[test]
fn a_wrong_parent_is_told() {
    let sent = item();
    let [server, rest @ ..] = chain(&sent);
    let elsewhere = server.parent("00000000000000aa");
    assert_broken(
        &judged(&sent, [elsewhere].into_iter().chain(rest)),
        "its parent is 00000000000000aa",
    );

    // As if the header of the phone had been passed on as it was.
    let past = |service| {
        SpanBuilder::new(service, 1, 7, 9)
            .trace_id(sent.tap.request.trace_id())
            .parent(sent.tap.request.parent_span_id())
            .server()
    };
    let [server, client, ..] = chain(&sent);
    assert_broken(
        &judged(&sent, [server, client, past(SHOP)]),
        "not the CLIENT span 0202020202020202 of gateway",
    );
    let [server, client, shop, calls, _] = chain(&sent);
    assert_broken(
        &judged(&sent, [server, client, shop, calls, past(STOCK)]),
        "not the CLIENT span 0404040404040404 of shop",
    );
}

#[test]
fn what_the_phone_told_must_have_arrived() {
    // The same ids, and another session.
    let phone = |session| sent_by(&Phone::browser().seed(1).session_id(session));
    let spans = chain(&phone("s1"));
    assert_broken(
        &judged(&phone("s2"), spans),
        "session.id arrived as “s1”, where the phone told “s2”",
    );
    // What the phone did not tell must not be there either.
    let sent = item();
    let [server, rest @ ..] = chain(&sent);
    let server = server.text("rum.app.version", "1");
    assert_broken(
        &judged(&sent, [server].into_iter().chain(rest)),
        "rum.app.version arrived as “1”, where the phone told nothing",
    );
}

#[test]
fn the_answer_counts_too() {
    let spans = |sent: &Sent| chain(sent);
    let mut sent = item();
    sent.answer = Err("connection refused".into());
    assert_broken(&judged(&sent, spans(&sent)), "connection refused");

    let change = |change: fn(&mut StatusCode, &mut Answer)| {
        let mut sent = item();
        if let Ok((status, answer)) = &mut sent.answer {
            change(status, answer);
        }
        judged(&sent, chain(&sent))
    };
    let verdict = change(|status, _| *status = StatusCode::BAD_GATEWAY);
    assert_broken(&verdict, "answered 502, where 200 was expected");
    let verdict = change(|_, answer| answer.shop.trace_id = "ab".repeat(16));
    assert_broken(&verdict, "it started a new one");
    let verdict = change(|_, answer| answer.gateway = None);
    assert_broken(&verdict, "does not say which trace");
    let verdict = change(|_, answer| answer.stock = None);
    assert_broken(&verdict, "did not call stock");
}

#[test]
fn an_unsampled_tap_is_judged_by_the_answer() {
    let sent = sent_by(&Phone::browser().sampled(false));
    assert_eq!(judged(&sent, []), Verdict::Unsampled);
    assert_eq!(Verdict::Unsampled.problem(), None);
    assert_broken(&judged(&sent, chain(&sent)), "5 spans were exported");
    let mut other = sent;
    if let Ok((_, answer)) = &mut other.answer {
        answer.stock.as_mut().unwrap().sampled = true;
    }
    assert_broken(&judged(&other, []), "but stock did");
}
