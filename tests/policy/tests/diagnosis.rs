//! Each class and finding, provoked by a real nginx between the phone and the service:
//! what it counts, and what the log says.

#[allow(dead_code, unreachable_pub, reason = "as core's own tests use it")]
#[path = "../../../crates/rum-trace-core/tests/support/log.rs"]
mod log;

use log::Log;
use rum_trace_core::{Carrier, CarrierClass, InstrumenterBuilder, Stats, TrustPolicy};
use rum_trace_policy_tests::{Call, Framework, Listen, PATIENCE, Service, tap};
use rum_trace_test_services::nginx::{Nginx, Settings};
use rum_trace_testing::Phone;

/// What stands between, and all that comes of it.
struct Row {
    name: &'static str,
    /// The service's own.
    settings: fn(InstrumenterBuilder) -> InstrumenterBuilder,
    sends: fn() -> Call,
    /// The directives of nginx's location.
    nginx: &'static str,
    class: CarrierClass,
    /// Each with its carrier and part.
    findings: &'static [&'static str],
    /// Level, and then the same.
    log: &'static [&'static str],
}

/// A page's request passes.
const PASSES: Row = Row {
    name: "nginx as installed",
    settings: |builder| builder,
    sends: || tap(&Phone::browser().w3c().request("/items/42")),
    nginx: "",
    class: CarrierClass::Continued(Carrier::W3c),
    findings: &[],
    log: &[],
};

const STRIP_ALL: &str = "
    proxy_set_header traceparent '';
    proxy_set_header tracestate '';
    proxy_set_header sw8 '';
    proxy_set_header baggage '';";

const OWN_TRACEPARENT: &str = "
    proxy_set_header traceparent '00-$request_id-b7ad6b7169203331-01';";

const ROWS: [Row; 15] = [
    PASSES,
    Row {
        name: "nginx as installed, sw8",
        sends: || tap(&Phone::browser().sw8().request("/items/42")),
        class: CarrierClass::Continued(Carrier::Sw8),
        ..PASSES
    },
    Row {
        name: "without all of them",
        nginx: STRIP_ALL,
        class: CarrierClass::Absent,
        log: &["INFO absent"],
        ..PASSES
    },
    Row {
        name: "without all of them, where a path expects them",
        settings: |builder| builder.expect_trace_at("/items/*"),
        nginx: STRIP_ALL,
        class: CarrierClass::Absent,
        findings: &["stripped_on_the_way"],
        log: &["WARN stripped_on_the_way"],
        ..PASSES
    },
    Row {
        name: "without all of them, where a client is expected to send them",
        settings: |builder| builder.expect_trace_from_user_agent("okhttp/*"),
        sends: || {
            tap(&Phone::android().w3c().request("/items/42")).header("user-agent", "okhttp/4.12.0")
        },
        nginx: STRIP_ALL,
        class: CarrierClass::Absent,
        findings: &["stripped_on_the_way"],
        log: &["WARN stripped_on_the_way"],
    },
    Row {
        name: "without traceparent",
        nginx: "proxy_set_header traceparent '';",
        class: CarrierClass::Absent,
        findings: &["tracestate_without_carrier w3c"],
        log: &["WARN tracestate_without_carrier w3c"],
        ..PASSES
    },
    Row {
        name: "without tracestate",
        nginx: "proxy_set_header tracestate '';",
        findings: &["traceparent_without_rum w3c"],
        log: &["INFO traceparent_without_rum w3c"],
        ..PASSES
    },
    Row {
        name: "a second traceparent",
        nginx: "
            proxy_set_header traceparent $http_traceparent;
            proxy_set_header traceparent '00-$request_id-b7ad6b7169203331-01';",
        class: CarrierClass::Malformed(Carrier::W3c),
        findings: &["several_traceparents w3c"],
        log: &["WARN several_traceparents w3c"],
        ..PASSES
    },
    Row {
        name: "a traceparent in capitals",
        nginx: "proxy_set_header traceparent '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01';",
        class: CarrierClass::Malformed(Carrier::W3c),
        findings: &["malformed w3c trace-id"],
        log: &["WARN malformed w3c trace-id"],
        ..PASSES
    },
    Row {
        name: "a member of tracestate that is none",
        nginx: "proxy_set_header tracestate '$http_tracestate,Gateway=1';",
        findings: &["malformed_tracestate w3c key"],
        log: &["WARN malformed_tracestate w3c key"],
        ..PASSES
    },
    Row {
        name: "a traceparent of its own, beside sw8",
        sends: || tap(&Phone::browser().sw8().request("/items/42")),
        nginx: OWN_TRACEPARENT,
        findings: &["carriers_disagree"],
        log: &["WARN carriers_disagree"],
        ..PASSES
    },
    Row {
        name: "an sw8 that is cut",
        sends: || tap(&Phone::browser().sw8().request("/items/42")),
        nginx: "proxy_set_header sw8 '1-My40LjU=';",
        class: CarrierClass::Malformed(Carrier::Sw8),
        findings: &["malformed sw8 number of parts"],
        log: &["WARN malformed sw8 number of parts"],
        ..PASSES
    },
    Row {
        name: "an agent of SkyWalking's that does not record",
        sends: || tap(&Phone::browser().sw8().request("/items/42")),
        nginx: "proxy_set_header sw8 '1-------';",
        class: CarrierClass::Absent,
        findings: &["not_recording sw8"],
        log: &["INFO not_recording sw8"],
        ..PASSES
    },
    Row {
        name: "baggage over 8 KiB, through larger buffers",
        sends: || {
            tap(&Phone::browser().w3c().request("/items/42")).header("baggage", &large_baggage())
        },
        findings: &["over_limit"],
        log: &["INFO over_limit"],
        ..PASSES
    },
    Row {
        name: "an app that is not trusted",
        settings: |builder| builder.trust(TrustPolicy::known_apps(["another@53df7ad2afe8301"])),
        class: CarrierClass::Untrusted(Some(Carrier::W3c)),
        log: &["INFO untrusted"],
        ..PASSES
    },
];

fn large_baggage() -> String {
    format!("key={}", "v".repeat(9_000))
}

#[test]
#[ignore = "needs nginx, which tests/policy/run installs"]
fn diagnosis_through_nginx() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).expect("no other in this process");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for framework in Framework::ALL {
        for row in &ROWS {
            let earlier = log.lines().len();
            let stats = runtime.block_on(play(framework, row));
            let lines = log.lines().split_off(earlier);
            let name = format!("{framework}: {}", row.name);
            assert_eq!(stats.requests(), 1, "{name}");
            assert_eq!(stats.requests_in(row.class), 1, "{name}: {stats:?}");
            assert_eq!(findings(&stats), row.findings, "{name}");
            let kinds: Vec<String> = log.kinds().split_off(earlier);
            assert_eq!(kinds, row.log, "{name}");
            assert!(
                lines.iter().all(|line| !line.get("hint").is_empty()),
                "{name}"
            );
            println!("{name}: {}", row.class);
            for line in &lines {
                println!("    {} {}", line.level, line.get("message"));
            }
        }
    }
}

/// The numbers of a service that got one request through nginx.
async fn play(framework: Framework, row: &Row) -> Stats {
    let service = Service::start(framework, Listen::Tcp, row.settings);
    let settings = Settings {
        // For the rows with headers longer than it takes as installed.
        http: "    large_client_header_buffers 4 32k;\n".to_owned(),
        ..Settings::location(row.nginx)
    };
    let nginx = Nginx::start(&settings, service.socket());
    let answer = tokio::time::timeout(PATIENCE, (row.sends)().send_to(nginx.address())).await;
    assert_eq!(
        answer.expect("an answer in time").status,
        200,
        "{}",
        row.name
    );
    // Counted before the handler is called, and so before the answer.
    service.instrumenter().stats()
}

fn findings(stats: &Stats) -> Vec<String> {
    let words = |finding: rum_trace_core::Finding| {
        let carrier = finding.carrier().map(Carrier::as_str);
        let words = [Some(finding.as_str()), carrier, finding.part()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    stats
        .findings()
        .map(|(finding, _)| words(finding))
        .collect()
}
