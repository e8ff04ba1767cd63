//! Where a trace is expected, and does not arrive.

use rum_trace_core::{BuildError, Finding, Instrumenter};

use crate::support::{Harness, Log, RUM, Request, TRACEPARENT};

#[test]
fn where_a_client_is_expected_to_send_absent_is_stripped() {
    let expecting = || {
        Harness::with(|builder| {
            builder
                .expect_trace_at("/api/*")
                .expect_trace_at("/cart")
                .expect_trace_from_user_agent("okhttp/*")
                .skip("/api/health")
        })
    };
    let android = "okhttp/4.12.0";
    let get = || Request::get("/other");
    let stripped = "WARN stripped_on_the_way";
    let table: [(&str, Request, &[&str]); 11] = [
        ("a path", Request::get("/cart"), &[stripped]),
        ("below one", Request::get("/api/items?a=1"), &[stripped]),
        ("a client", get().header("user-agent", android), &[stripped]),
        ("another path", get(), &["INFO absent"]),
        (
            "another client",
            get().header("user-agent", "curl/8"),
            &["INFO absent"],
        ),
        (
            "before CORS",
            Request::new("OPTIONS", "/cart"),
            &["INFO absent"],
        ),
        ("skipped", Request::get("/api/health"), &[]),
        (
            "it arrived",
            Request::get("/cart")
                .header("traceparent", TRACEPARENT)
                .header("tracestate", RUM),
            &[],
        ),
        (
            "it arrived, malformed",
            Request::get("/cart").header("traceparent", "x"),
            &["WARN malformed w3c version"],
        ),
        (
            "an agent that does not record",
            Request::get("/cart").header("sw8", ""),
            &["INFO not_recording sw8"],
        ),
        (
            "only the list arrived",
            Request::get("/cart").header("tracestate", RUM),
            &["WARN tracestate_without_carrier w3c", stripped],
        ),
    ];
    for (name, request, lines) in table {
        let (log, harness) = (Log::default(), expecting());
        log.during(|| harness.serve_status(&request, 200));
        assert_eq!(log.kinds(), lines, "{name}");
        let stats = harness.instrumenter.stats();
        let found = u64::from(lines.contains(&stripped));
        assert_eq!(stats.found(Finding::StrippedOnTheWay), found, "{name}");
        assert_eq!(stats.requests(), 1, "{name}");
    }
}

#[test]
fn what_cannot_be_expected_is_refused() {
    for path in ["", "*", "api/*", "/users/{id}", "/a*b"] {
        let error = Instrumenter::builder().expect_trace_at(path).build();
        let expected = BuildError::InvalidExpectedPath {
            path: path.to_owned(),
        };
        assert_eq!(error.expect_err(path), expected);
    }
    for user_agent in ["", "*", "Mozilla/*Android"] {
        let error = Instrumenter::builder()
            .expect_trace_from_user_agent(user_agent)
            .build();
        let expected = BuildError::InvalidExpectedUserAgent {
            user_agent: user_agent.to_owned(),
        };
        assert_eq!(error.expect_err(user_agent), expected);
    }
}
