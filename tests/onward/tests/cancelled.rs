//! A phone that hangs up while the last service has not answered.

use opentelemetry::trace::{SpanKind, Status};
use rum_trace_onward::services::NEVER;
use rum_trace_onward::services::first::Library;
use rum_trace_onward::telemetry::Recorded;
use rum_trace_onward::{Chain, Hop, Settings, Tap, in_time};
use rum_trace_testing::{Phone, SpanView};

#[tokio::test]
async fn each_span_of_the_chain_ends_with_its_reason() {
    for library in Library::ALL {
        for hop in Hop::ALL {
            hung_up(Settings {
                library,
                hops: [hop, hop],
                third_parties: false,
                recorded: Recorded::Sampled,
            })
            .await;
        }
    }
}

async fn hung_up(settings: Settings) {
    let mut chain = Chain::start(settings).await;
    let tap = Tap::of("browser", &Phone::browser());
    let _watch = chain.watch(&tap);
    let sent = chain.send(&tap, NEVER).await;
    chain.asked().await;
    assert!(chain.exported().spans().is_empty(), "all are open");
    sent.hang_up();

    // C calls the stranger only when it answers.
    let [shop, price, stock] = in_time(chain.ended([2, 2, 1])).await;
    assert_eq!([shop.len(), price.len(), stock.len()], [2, 2, 1]);
    let mut parent = tap.parent_span_id.clone();
    let mut ended: Vec<_> = shop.iter().chain(&price).chain(&stock).collect();
    while let Some(at) = ended.iter().position(|span| is_child(span, &parent)) {
        let span = ended.remove(at);
        assert_eq!(span.trace_id(), tap.trace_id, "one trace");
        assert_eq!(span.data().status, Status::error(""));
        span.assert_attribute("error.type", why(&span.kind()));
        span.assert_no_attribute("http.response.status_code");
        parent = span.span_id();
    }
    assert!(ended.is_empty(), "one below the other: {ended:#?}");
}

fn is_child(span: &SpanView, parent: &str) -> bool {
    span.parent_span_id().as_deref() == Some(parent)
}

fn why(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "cancelled",
        _ => "client_disconnected",
    }
}
