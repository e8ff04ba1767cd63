//! What the code under a handler finds: the client's session, the span, and
//! the headers for a call to the next service.

use rum_trace_core::InstrumenterBuilder;

use super::{CALLER, RUM, got, told};
use crate::Server;
use crate::wire::{Client, Protocol, Request};

/// [`RUM`] among others.
const LIST: &str = "vendor=1,rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1,other=2";

/// The extractors: the ids are those of the span, the session is the client's.
pub async fn extractors(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let request = Request::get("/client").from(CALLER);
        let alone = client.ask(&request).await.text();
        let with_rum = request.header("tracestate", RUM);
        let with_rum = client.ask(&with_rum).await.text();

        let expected = got(protocol, "/client", "/client").receives(alone.len());
        let with = got(protocol, "/client", "/client").receives(with_rum.len());
        // They have one parent: in the order in which they ended.
        let spans = server.expect_all(vec![expected, told(with)]).await;
        let span_id = |i: usize| spans[i].span_context.span_id();
        let trace_id = CALLER.trace_id();
        assert_eq!(alone, format!("{trace_id} {} - -", span_id(0)));
        assert_eq!(
            with_rum,
            format!("{trace_id} {} 4f04d2f5 uid_1", span_id(1))
        );
    }
}

/// A call onward is the span's child; the list goes on in its order, whichever
/// lines it came in.
pub async fn onward(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let request = Request::get("/onward").from(CALLER);
        let request = LIST.split(',').fold(request, |request, member| {
            request.header("tracestate", member)
        });
        let onward = client.ask(&request).await.text();
        let expected = got(protocol, "/onward", "/onward").receives(onward.len());
        let span = server.expect(told(expected)).await;
        let (trace_id, span_id) = (CALLER.trace_id(), span.span_context.span_id());
        let traceparent = format!("traceparent: 00-{trace_id}-{span_id}-01");
        assert_eq!(onward, format!("{traceparent}\ntracestate: {LIST}"));
    }
}

/// The random flag goes on, also from a caller that does not sample.
pub async fn flags_onward(server: &Server) {
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    for flags in ["00", "01", "02", "03"] {
        let traceparent = CALLER.traceparent();
        let traceparent = format!("{}{flags}", &traceparent[..traceparent.len() - 2]);
        let request = Request::get("/onward").header("traceparent", traceparent);
        let onward = client.ask(&request).await.text();
        assert!(onward.ends_with(&format!("-{flags}")), "{flags}: {onward}");
        let expected = got(Protocol::Http1, "/onward", "/onward");
        let expected = expected.receives(onward.len());
        let sampled = matches!(flags, "01" | "03");
        let expected = if sampled {
            expected
        } else {
            expected.unsampled()
        };
        server.expect_all(vec![expected]).await;
    }
}

/// With private trace states.
pub fn private(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.rum_in_trace_state(false)
}

/// The RUM member is not in the span's own trace state, and goes on at its
/// place all the same.
pub async fn onward_with_a_private_trace_state(server: &Server) {
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    let request = Request::get("/onward").from(CALLER);
    let onward = client.ask(&request.header("tracestate", LIST)).await.text();
    assert!(
        onward.ends_with(&format!("\ntracestate: {LIST}")),
        "{onward}"
    );
    let expected = got(Protocol::Http1, "/onward", "/onward").receives(onward.len());
    let span = server.expect(told(expected)).await;
    assert_eq!(span.span_context.trace_state().header(), "vendor=1,other=2");
}
