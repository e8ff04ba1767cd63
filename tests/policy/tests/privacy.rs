//! No byte of a session or user id that is hashed or dropped leaves the service.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rum_trace_core::IdPolicy;
use rum_trace_policy_tests::Framework;
use rum_trace_policy_tests::privacy_harness::{Case, Ids, Logs, Settings, any_case, outputs};
use tokio::runtime::{Builder, Runtime};

/// Each is two services, on axum and on actix-web.
const CASES: u32 = 100;

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(2).enable_all();
    builder.build().expect("a runtime")
}

/// One test, since the lines of a process go to one place.
#[test]
fn privacy_no_raw_ids() {
    let (runtime, logs) = (runtime(), Logs::of_the_process());
    for policy in [IdPolicy::Keep, IdPolicy::Hash] {
        what_is_shown_is_seen(&runtime, &logs, policy);
    }
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&any_case(), |case| {
        for framework in Framework::ALL {
            check(&runtime, &logs, framework, &case)?;
        }
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}

fn check(
    runtime: &Runtime,
    logs: &Logs,
    framework: Framework,
    case: &Case,
) -> Result<(), TestCaseError> {
    let outputs = outputs(runtime, logs, framework, case);
    for id in case.hidden() {
        let telling = outputs.telling(id);
        prop_assert!(
            telling.is_empty(),
            "{framework:?}: {id:?} in {telling:?}{}",
            outputs.printed(id)
        );
    }
    // And nothing but that is hidden: a hash is seen where the id would be.
    let is_hashed = [case.settings.session, case.settings.user].contains(&IdPolicy::Hash);
    if is_hashed && !case.settings.skipped {
        let telling = outputs.telling("hmac-");
        prop_assert!(telling.contains(&"spans"), "{framework:?}: {telling:?}");
    }
    Ok(())
}

/// What the property looks at can tell an id: without that it would hold of anything.
fn what_is_shown_is_seen(runtime: &Runtime, logs: &Logs, policy: IdPolicy) {
    let (session, user) = ("4f04d2f5a1b2c3d4", "zo\u{eb} & co=17%");
    let case = Case {
        settings: Settings {
            session: policy,
            user: policy,
            protocol: None,
            rum_in_trace_state: true,
            tracing_spans: true,
            fallback: false,
            skipped: false,
        },
        ids: Ids {
            session: session.to_owned(),
            user: user.to_owned(),
        },
        headers: vec![
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
            ),
            ("tracestate", format!("rum=v2&browser&shop@1a2b&{session}")),
            ("baggage", "uid=zo%C3%AB%20%26%20co%3D17%25".to_owned()),
        ],
    };
    for framework in Framework::ALL {
        let outputs = outputs(runtime, logs, framework, &case);
        let shown: &[&str] = match policy {
            IdPolicy::Keep => &[session, user],
            _ => &["hmac-"],
        };
        for id in shown {
            let telling = outputs.telling(id);
            let expected = ["onward", "message", "spans", "logs"];
            assert_eq!(telling, expected, "{framework:?}: {id}");
        }
        assert_eq!(outputs.count("response"), 1);
        assert!(outputs.count("metrics") > 0 && !outputs.telling("browser").is_empty());
        // Each client calls both hosts.
        let calls = match framework {
            Framework::Axum => 4,
            Framework::Actix => 2,
        };
        assert_eq!(outputs.count("onward"), calls, "{framework:?}");
    }
}
