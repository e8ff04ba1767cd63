//! Each scenario on each framework.

use rum_trace_scenarios::{Framework, run, scenarios};

/// What a topic's file has must be in the list below.
#[test]
fn every_scenario_is_run() {
    let list = include_str!("scenarios.rs");
    let (_, list) = list.rsplit_once("frameworks! {").expect("the list");
    let topics = [
        include_str!("../src/scenarios/bodies.rs"),
        include_str!("../src/scenarios/carriers.rs"),
        include_str!("../src/scenarios/context.rs"),
        include_str!("../src/scenarios/headers_out.rs"),
        include_str!("../src/scenarios/lifecycle.rs"),
        include_str!("../src/scenarios/metrics.rs"),
        include_str!("../src/scenarios/protocols.rs"),
        include_str!("../src/scenarios/routes.rs"),
        include_str!("../src/scenarios/skip.rs"),
        include_str!("../src/scenarios/verification.rs"),
    ];
    let scenarios = topics
        .iter()
        .flat_map(|topic| topic.split("pub async fn ").skip(1));
    let mut count = 0;
    for scenario in scenarios {
        let name = scenario.split('(').next().expect("a first part");
        let listed = |end| list.contains(&format!(" {name}{end}"));
        assert!(listed(",\n") || listed(" with "), "{name} is not run");
        count += 1;
    }
    assert!(count > 70, "{count} scenarios were found");
}

/// A module of tests for each framework, with one of tests for each topic. A
/// scenario may name the settings that it wants.
macro_rules! frameworks {
    ($($topic:ident: { $($scenario:ident $(with $settings:ident)?,)* })*) => {
        mod axum {
            $(frameworks!(@ Axum $topic { $($scenario $(with $settings)?,)* });)*
        }
        mod actix {
            $(frameworks!(@ Actix $topic { $($scenario $(with $settings)?,)* });)*
        }
    };
    (@ $framework:ident $topic:ident { $($scenario:ident $(with $settings:ident)?,)* }) => {
        mod $topic {
            use crate::{Framework, run, scenarios::$topic as topic};
            $(
                #[test]
                fn $scenario() {
                    let settings = frameworks!(@ settings $($settings)?);
                    run(Framework::$framework, settings, topic::$scenario);
                }
            )*
        }
    };
    (@ settings) => { |builder| builder };
    (@ settings $settings:ident) => { topic::$settings };
}

frameworks! {
    lifecycle: {
        finished,
        response_error,
        handler_error,
        handler_error_of_the_client,
        service_error,
        panic,
        panic_in_body,
        body_error,
        client_gone_before_the_head,
        client_reset_before_the_head,
        stream_reset_before_the_head,
        client_gone_in_the_body,
        client_gone_while_the_server_sends,
        stream_reset_in_the_body,
        client_gone_in_its_own_head,
        client_gone_in_its_own_body,
        upgrade,
        upgrade_refused,
        sse,
        long_stream,
    }
    carriers: {
        w3c,
        w3c_with_rum,
        w3c_with_rum_in_a_second_line,
        w3c_in_other_letters,
        sw8,
        sw8_with_rum,
        b3_single,
        b3_multi,
        uber_trace_id,
        baggage,
        all_that_agree,
        two_that_disagree,
        none,
        malformed,
        unsampled,
        every_capture,
    }
    routes: {
        matched,
        not_found_by_the_handler,
        unmatched,
        method_not_allowed,
        unknown_method,
        head,
        queries,
    }
    bodies: {
        none,
        large_response,
        large_request,
        chunked_request,
        expect_continue,
        streamed_response,
        empty_stream,
        absurd_length,
    }
    protocols: {
        keep_alive,
        connection_close,
        pipelined,
        a_head_in_pieces,
        http_1_0,
        absolute_target,
        not_http,
        http2_streams,
        http2_connection_gone,
    }
    metrics: {
        instruments,
        active_requests,
        labels_of_the_app with app_labels,
        sessions_are_no_labels with sessions_on_spans,
    }
    headers_out: {
        server_timing_traceparent with traceparent,
        server_timing_trace with trace,
        nothing_by_default,
        cors with traceparent,
        cors_refuses_others,
    }
    context: {
        extractors,
        onward,
        flags_onward,
        onward_with_a_private_trace_state with private,
    }
    skip: {
        skipped with internal,
        usual_health_checks with health_checks,
        skipped_and_broken with the_panic,
        not_skipped with internal,
    }
    verification: {
        answered with with_token,
        unsampled with with_token,
        skipped with with_token_and_skip,
        refused with with_token,
        no_token,
    }
}
