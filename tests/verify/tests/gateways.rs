//! Five settings of a real nginx and five diagnoses: by the answer header, and by the
//! spans that the service exports to `--collect`.

use std::net::SocketAddr;

use rum_trace_core::{InstrumenterBuilder, ServerTiming};
use rum_trace_loopback::reserved;
use rum_trace_test_services::Framework;
use rum_trace_test_services::nginx::{Nginx, Settings};
use rum_trace_verify_tests::TOKEN;
use rum_trace_verify_tests::command::{Said, verify};
use rum_trace_verify_tests::gateway::{self, Writes};
use rum_trace_verify_tests::service::Service;

fn with_token(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.verification_token(TOKEN)
}

/// The span of a gateway that goes on with the phone's trace, and exports nothing.
const NEW_SPAN: &str = "
    map $http_traceparent $phones_trace {
        \"~^00-(?<trace>[0-9a-f]{32})-\" $trace;
    }
    map $phones_trace $own_traceparent {
        \"\" \"\";
        default \"00-$phones_trace-b7ad6b7169203331-01\";
    }
    proxy_set_header traceparent $own_traceparent;
";

fn new_span() -> Settings {
    Settings {
        http: NEW_SPAN.to_owned(),
        ..Settings::default()
    }
}

/// With the headers that pages can be set to send in place of W3C's and `sw8`.
fn strip_all() -> Settings {
    let mut settings = Settings::shown("strip-all");
    for name in [
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "uber-trace-id",
    ] {
        settings
            .http
            .push_str(&format!("proxy_set_header {name} \"\";\n"));
    }
    settings
}

/// What the settings of an nginx must come to.
struct Row {
    name: &'static str,
    nginx: fn() -> Settings,
    status: i32,
    /// What is lost, by the answer.
    lost: &'static [&'static str],
    /// Words of the first diagnosis.
    words: &'static [&'static str],
    /// What is lost, by spans.
    by_spans: &'static [&'static str],
}

const ROWS: [Row; 7] = [
    Row {
        name: "passes",
        nginx: Settings::passing,
        status: 0,
        lost: &[],
        words: &["all that was sent arrives"],
        by_spans: &[],
    },
    Row {
        name: "strips tracestate",
        nginx: || Settings::shown("strip-tracestate"),
        status: 1,
        lost: &["strips_tracestate"],
        words: &[
            "traces go on, without app, session and user",
            "nginx: take out `proxy_set_header tracestate \"\";`",
        ],
        by_spans: &["strips_tracestate"],
    },
    Row {
        name: "strips everything",
        nginx: strip_all,
        status: 1,
        lost: &["strips_everything"],
        words: &[
            "no trace header arrives",
            "nginx: take out `proxy_set_header NAME \"\";` for traceparent, tracestate",
            "list of allowed headers",
        ],
        by_spans: &["strips_everything"],
    },
    Row {
        name: "folds into one line",
        nginx: || Settings::shown("fold"),
        status: 0,
        lost: &[],
        words: &["all that was sent arrives"],
        by_spans: &[],
    },
    Row {
        name: "keeps the first line",
        nginx: || Settings::location("proxy_set_header tracestate $http_tracestate;"),
        status: 1,
        lost: &["drops_tracestate_lines"],
        words: &[
            "of several tracestate lines some do not arrive",
            "proxy_set_header tracestate $http_tracestate",
        ],
        by_spans: &["drops_tracestate_lines"],
    },
    Row {
        name: "rewrites the span",
        nginx: new_span,
        status: 1,
        lost: &["rewrites_span", "changes_sampling"],
        words: &[
            "a gateway that traces stands between phone and service",
            "otel_trace_context propagate",
            "--tracing-gateway",
        ],
        by_spans: &["rewrites_span"],
    },
    Row {
        name: "rewrites the trace",
        nginx: || Settings::shown("rewrite"),
        status: 1,
        lost: &["rewrites_trace", "overrules_carrier"],
        words: &[
            "another trace id",
            "and not `inject`",
            "has to continue what comes in",
        ],
        by_spans: &["rewrites_trace", "overrules_carrier"],
    },
];

fn through(row: &Row, service: SocketAddr, token: Option<&str>, further: &[&str]) -> Said {
    let nginx = Nginx::start(&(row.nginx)(), service);
    let url = nginx.url("/items/42?key=secret");
    let mut arguments = vec![url.as_str(), "--json"];
    arguments.extend(further);
    let said = verify(token, &arguments);
    assert!(
        said.error.is_empty() || said.error.starts_with("listening for spans"),
        "{said:?}"
    );
    said
}

#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn by_the_answer_header() {
    for framework in Framework::ALL {
        let service = Service::start(framework, reserved(), with_token);
        for row in &ROWS {
            let name = format!("{framework}: {}", row.name);
            let said = through(row, service.address(), Some(TOKEN), &[]);
            check(&said, row, row.lost, &name);
            println!("{name}: {:?}", said.codes("lost"));
            for probe in said.json["hops"][0]["probes"].as_array().expect("a list") {
                assert_eq!(probe["status"], 200, "{name}");
                assert_eq!(probe["learned"]["from"], "answer", "{name}");
                assert_eq!(probe["learned"]["service"], "shop", "{name}");
            }
        }
        assert_eq!(service.instrumenter().stats().verified, 7 * 22);
        assert_eq!(service.instrumenter().stats().verification_refused, 0);
    }
}

/// With `Server-Timing`, by which stripped and rewritten are told apart.
#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn by_spans() {
    let collector = reserved();
    let address = collector.to_string();
    for framework in Framework::ALL {
        let service = Service::start(framework, collector, |builder| {
            builder.server_timing(ServerTiming::Traceparent)
        });
        for row in &ROWS {
            let name = format!("{framework}: {}", row.name);
            // A span that nobody exports is waited for until the end.
            let wait = if row.by_spans == ["rewrites_span"] {
                "5"
            } else {
                "30"
            };
            let further = ["--collect", &address, "--wait", wait];
            let said = through(row, service.address(), None, &further);
            check(&said, row, row.by_spans, &name);
            println!("{name}, by spans: {:?}", said.codes("lost"));
            let probe = &said.json["hops"][0]["probes"][0];
            assert_eq!(probe["learned"]["from"], "spans", "{name}");
        }
    }
}

/// Without it, spans tell of lost traces that they are lost.
#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn by_spans_alone_a_lost_trace_is_lost_and_no_more_is_known() {
    let collector = reserved();
    let address = collector.to_string();
    let service = Service::start(Framework::Axum, collector, |builder| builder);
    let all = through(
        &ROWS[2],
        service.address(),
        None,
        &["--collect", &address, "--wait", "8"],
    );
    assert_eq!(all.status, 1);
    assert_eq!(all.codes("lost"), ["loses_traces"]);
    assert!(all.words("loses_traces").contains("server_timing"));
    let alone = Row {
        nginx: || Settings::location("proxy_set_header sw8 '';"),
        ..ROWS[0]
    };
    let further = ["--collect", &address, "--wait", "8"];
    let said = through(&alone, service.address(), None, &further);
    assert_eq!(said.codes("lost"), ["strips_sw8"], "{}", said.out);
}

fn check(said: &Said, row: &Row, lost: &[&str], name: &str) {
    assert_eq!(said.codes("lost"), lost, "{name}: {}", said.out);
    assert_eq!(said.status, row.status, "{name}");
    assert_eq!(said.json["exit_status"], row.status, "{name}");
    let code = lost.first().copied().unwrap_or("passes");
    let words = said.words(code);
    for word in row.words {
        assert!(words.contains(word), "{name}: {word:?} is not in\n{words}");
    }
    assert_eq!(
        said.json["hops"][0]["products"][0]["name"], "nginx",
        "{name}"
    );
    assert!(!said.out.contains("key=secret"), "{name}");
}

/// What became of single headers.
#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn each_header_is_told_of() {
    let service = Service::start(Framework::Axum, reserved(), with_token);
    let play = |row: &Row| through(row, service.address(), Some(TOKEN), &[]);
    let passes = play(&ROWS[0]);
    let sent = [
        ("w3c-browser", "tracestate"),
        ("w3c-android", "traceparent"),
        ("w3c-baggage", "baggage"),
        ("w3c-unsampled", "traceparent"),
        ("sw8-browser", "sw8"),
        ("sw8-android", "tracestate"),
        ("w3c-and-sw8", "sw8"),
        ("tracestate-lines", "tracestate"),
        ("tracestate-512", "tracestate"),
        ("tracestate-2000", "tracestate"),
    ];
    for (probe, header) in sent {
        assert_eq!(passes.fate(probe, header), "arrived", "{probe}");
    }
    let folds = play(&ROWS[3]);
    assert_eq!(folds.fate("tracestate-lines", "tracestate"), "folded");
    assert_eq!(folds.codes("note"), ["folds_tracestate"]);
    assert!(folds.words("folds_tracestate").contains("nothing is lost"));
    let first = play(&ROWS[4]);
    assert_eq!(first.fate("tracestate-lines", "tracestate"), "lines_lost");
    let strips = play(&ROWS[1]);
    assert_eq!(strips.fate("w3c-ios", "traceparent"), "arrived");
    assert_eq!(strips.fate("w3c-ios", "tracestate"), "missing");
    assert_eq!(strips.fate("sw8-android", "tracestate"), "missing");
    let probes = strips.diagnosis("strips_tracestate")["probes"].as_array();
    assert_eq!(probes.map(Vec::len), Some(12), "{strips:?}");
}

/// A gateway that says so is no loss.
#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn a_gateway_that_traces_may_be_right() {
    let service = Service::start(Framework::Axum, reserved(), with_token);
    let mut row = Row {
        nginx: || {
            let mut settings = new_span();
            settings.http = settings
                .http
                .replace("b7ad6b7169203331-01", "b7ad6b7169203331-$flags");
            let flags = "map $http_traceparent $flags { \"~-(?<two>[0-9a-f]{2})$\" $two; }\n";
            settings.http.insert_str(0, flags);
            settings
        },
        ..ROWS[5]
    };
    row.status = 0;
    let said = through(&row, service.address(), Some(TOKEN), &["--tracing-gateway"]);
    assert_eq!(said.status, 0, "{}", said.out);
    assert_eq!(said.codes("note"), ["rewrites_span"]);
    let said = through(&row, service.address(), Some(TOKEN), &[]);
    assert_eq!(
        (said.status, said.codes("lost")),
        (1, vec!["rewrites_span"])
    );
}

/// What is longer than nginx has room for reaches nobody.
#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn a_long_header_that_is_refused() {
    let service = Service::start(Framework::Axum, reserved(), with_token);
    let row = Row {
        nginx: || Settings {
            http: "large_client_header_buffers 2 1k;".to_owned(),
            ..Settings::default()
        },
        ..ROWS[0]
    };
    let said = through(&row, service.address(), Some(TOKEN), &[]);
    // W3C lets a list of 2,000 characters be refused.
    assert_eq!(
        (said.status, said.codes("note")),
        (0, vec!["refuses_long_headers"])
    );
    assert!(
        said.words("refuses_long_headers")
            .contains("large_client_header_buffers")
    );
    assert_eq!(
        said.diagnosis("refuses_long_headers")["probes"][0],
        "tracestate-2000"
    );
}

/// By spans a refused request is no lost trace: the service never saw it.
#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn a_long_header_that_is_refused_by_spans() {
    let collector = reserved();
    let service = Service::start(Framework::Axum, collector, |builder| builder);
    let row = Row {
        nginx: || Settings {
            http: "large_client_header_buffers 2 1k;".to_owned(),
            ..Settings::default()
        },
        ..ROWS[0]
    };
    let address = collector.to_string();
    let further = ["--collect", &address, "--wait", "5"];
    let said = through(&row, service.address(), None, &further);
    assert_eq!(
        (said.status, said.codes("lost"), said.codes("note")),
        (0, vec![], vec!["refuses_long_headers"]),
        "{}",
        said.out
    );
}

/// Spans of others, and no way to tell that the service exports: nothing is known.
#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn a_refused_run_beside_a_service_that_exports() {
    let collector = reserved();
    let other = Service::start(Framework::Axum, collector, |builder| builder);
    let row = Row {
        nginx: || Settings::location("return 401;"),
        ..ROWS[0]
    };
    let address = collector.to_string();
    let pod = format!("pod=http://{}", other.address());
    let further = ["--collect", &address, "--wait", "5", "--hop", &pod];
    let said = through(&row, other.address(), None, &further);
    assert_eq!(
        (said.status, said.codes("lost")),
        (2, vec![]),
        "{}",
        said.out
    );
    assert_eq!(said.codes("unknown"), ["cannot_tell"], "{}", said.out);
}

/// A gateway's own SERVER span is the phone's child, and not the service's.
#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn a_gateway_that_exports_its_own_server_span() {
    for framework in Framework::ALL {
        for token in [None, Some(TOKEN)] {
            let collector = reserved();
            let service = Service::start(framework, collector, with_token);
            let play = |writes, wait: &str| {
                let gateway = gateway::start(service.address(), collector, writes);
                let url = format!("http://{gateway}/items/42");
                let address = collector.to_string();
                let arguments = [&*url, "--collect", &address, "--wait", wait, "--json"];
                verify(token, &arguments)
            };
            let said = play(Writes::Span, "30");
            assert_eq!(
                (said.status, said.codes("lost"), said.codes("note")),
                (0, vec![], vec!["gateway_spans"]),
                "{framework}: {}",
                said.out
            );
            // Its span is there, and the service is in another trace.
            let said = play(Writes::Trace, "5");
            let lost = match token {
                Some(_) => "rewrites_trace",
                None => "loses_traces",
            };
            assert_eq!(
                (said.status, said.codes("lost")),
                (1, vec![lost]),
                "{}",
                said.out
            );
        }
    }
}
