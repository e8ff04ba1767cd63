//! Tokens, refusals, and what cannot be learned.

use rum_trace_core::{InstrumenterBuilder, ServerTiming, TrustPolicy};
use rum_trace_loopback::reserved;
use rum_trace_test_services::Framework;
use rum_trace_test_services::nginx::{Nginx, Settings};
use rum_trace_verify_tests::TOKEN;
use rum_trace_verify_tests::command::{Said, verify};
use rum_trace_verify_tests::service::Service;

fn with_token(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.verification_token(TOKEN)
}

fn service() -> Service {
    Service::start(Framework::Axum, reserved(), with_token)
}

fn url(service: &Service, path: &str) -> String {
    format!("http://{}{path}", service.address())
}

fn words(said: &Said) -> String {
    format!("{}{}", said.out, said.error)
}

#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn without_a_way_to_learn_nothing_is_sent() {
    let service = service();
    let said = verify(None, &[&url(&service, "/items/42")]);
    said.says(
        2,
        &["no way to learn", "--collect", "RUM_TRACE_VERIFY_TOKEN"],
    );
    assert_eq!(service.instrumenter().stats().requests(), 0);
}

#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn a_wrong_token_tells_nothing_and_is_counted() {
    let service = service();
    let wrong = TOKEN.replace('5', "6");
    let said = verify(Some(&wrong), &[&url(&service, "/items/42")]);
    said.says(
        2,
        &[
            "cannot_tell",
            "does the service have this token",
            "verification_refused",
        ],
    );
    assert_eq!(service.instrumenter().stats().verification_refused, 22);
    // No token in the service is no different from here.
    let none = Service::start(Framework::Actix, reserved(), |builder| builder);
    let said = verify(Some(TOKEN), &[&url(&none, "/items/42")]);
    said.says(2, &["cannot_tell", "does the service have this token"]);
}

#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn a_service_without_our_layer() {
    let service = service();
    let actix = Service::start(Framework::Actix, reserved(), with_token);
    for target in [
        url(&service, "/bare"),
        url(&actix, "/bare"),
        url(&actix, "/nowhere"),
    ] {
        let said = verify(Some(TOKEN), &[&target]);
        said.says(2, &["cannot_tell", "our layer around this route"]);
    }
    let collect = reserved().to_string();
    let arguments = [
        &*url(&service, "/bare"),
        "--collect",
        &collect,
        "--wait",
        "1",
    ];
    let said = verify(None, &arguments);
    said.says(
        2,
        &[
            "cannot_tell",
            "neither an answer header nor spans",
            "OTEL_EXPORTER_OTLP",
        ],
    );
}

#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn nobody_there() {
    let nobody = format!("http://{}/", reserved());
    let said = verify(Some(TOKEN), &[&nobody]);
    said.says(
        2,
        &["unreachable", "onnection refused", "is the port right?"],
    );
    let said = verify(
        Some(TOKEN),
        &["http://no-such-host.invalid/", "--timeout", "5"],
    );
    said.says(2, &["unreachable", "it cannot be reached"]);
    // Further in only.
    let service = service();
    let hop = format!("pod={nobody}");
    let said = verify(Some(TOKEN), &[&url(&service, "/items/42"), "--hop", &hop]);
    said.says(0, &["all that was sent arrives"]);
}

#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn answers_that_are_not_the_services() {
    let service = service();
    for (directives, word) in [
        ("return 401;", "--header 'authorization: …'"),
        (
            "return 301 https://elsewhere.example/$request_uri;",
            "redirects are not followed",
        ),
        (
            "return 503;",
            "perhaps by a gateway that does not reach the service",
        ),
        ("return 404;", "is the path right"),
    ] {
        let nginx = Nginx::start(&Settings::location(directives), service.address());
        let said = verify(Some(TOKEN), &[&nginx.url("/items/42")]);
        said.says(2, &["cannot_tell", word]);
    }
    // Credentials go along.
    let guarded = "if ($http_authorization != 'Bearer good') { return 401; }";
    let nginx = Nginx::start(&Settings::location(guarded), service.address());
    let (url, header) = (nginx.url("/items/42"), "authorization: Bearer good");
    let said = verify(Some(TOKEN), &[&url, "-H", header]);
    said.says(0, &["all that was sent arrives"]);
}

/// An error of the service's own is an answer all the same.
#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn an_error_with_an_answer_header_tells() {
    let service = Service::start(Framework::Actix, reserved(), with_token);
    let said = verify(Some(TOKEN), &[&url(&service, "/items/a/b"), "--json"]);
    assert_eq!(
        (said.status, said.codes("well")),
        (0, vec!["passes"]),
        "{}",
        said.out
    );
    assert_eq!(said.json["hops"][0]["probes"][0]["status"], 404);
    let post = ["--method", "POST", "--json"];
    let said = verify(
        Some(TOKEN),
        &[&[&*url(&service, "/items/42")][..], &post].concat(),
    );
    assert_eq!(said.status, 0, "{}", said.out);
    assert_eq!(said.json["hops"][0]["probes"][0]["status"], 404);
}

#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn the_service_itself_may_refuse() {
    let trusting = |builder: InstrumenterBuilder| {
        with_token(builder).trust(TrustPolicy::known_apps(["shop@1f2e3d"]))
    };
    let service = Service::start(Framework::Axum, reserved(), trusting);
    let target = url(&service, "/items/42");
    let said = verify(Some(TOKEN), &[&target, "--json", "--probe", "w3c-browser"]);
    assert_eq!(
        (said.status, said.codes("lost")),
        (1, vec!["not_trusted"]),
        "{}",
        said.out
    );
    assert!(said.words("not_trusted").contains("--app-id"));
    let arguments = [
        &*target,
        "--probe",
        "w3c-browser",
        "--app-id",
        "shop@1f2e3d",
    ];
    let said = verify(Some(TOKEN), &arguments);
    said.says(0, &["all that was sent arrives"]);

    let w3c_alone =
        |builder: InstrumenterBuilder| with_token(builder).carriers([rum_trace_core::Carrier::W3c]);
    let service = Service::start(Framework::Axum, reserved(), w3c_alone);
    let said = verify(Some(TOKEN), &[&url(&service, "/items/42"), "--json"]);
    assert_eq!(
        (said.status, said.codes("lost")),
        (1, vec!["not_read"]),
        "{}",
        said.out
    );
    assert!(
        said.words("not_read")
            .contains("InstrumenterBuilder::carriers")
    );
}

/// Its spans would never come; the headers are told of all the same.
#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn a_route_that_is_skipped() {
    let skipping = |builder: InstrumenterBuilder| with_token(builder).skip("/items/*");
    let service = Service::start(Framework::Axum, reserved(), skipping);
    let said = verify(Some(TOKEN), &[&url(&service, "/items/42"), "--json"]);
    assert_eq!(
        (said.status, said.codes("note")),
        (0, vec!["skipped"]),
        "{}",
        said.out
    );
    assert!(said.words("skipped").contains("skip_health_checks"));
    let collect = reserved().to_string();
    let further = ["--collect", &collect, "--wait", "1"];
    let target = url(&service, "/items/42");
    let said = verify(None, &[&[&*target][..], &further].concat());
    said.says(2, &["cannot_tell", "skip_health_checks"]);
    assert!(!words(&said).contains("this token"), "{said:?}");
}

/// A sampler of the service's own: it says in which trace it is, and exports nothing.
#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn a_service_that_does_not_record() {
    let collect = reserved();
    let service = Service::unsampled(Framework::Axum, collect, |builder| {
        builder.server_timing(ServerTiming::Traceparent)
    });
    let collect = collect.to_string();
    let target = url(&service, "/items/42");
    let further = ["--collect", &collect, "--wait", "30", "--json"];
    let said = verify(None, &[&[&*target][..], &further].concat());
    assert_eq!(
        (said.status, said.codes("lost"), said.codes("note")),
        (2, vec![], vec!["not_sampled"]),
        "{}",
        said.out
    );
    assert_eq!(said.codes("unknown"), ["some_unknown"]);
    assert_eq!(said.fate("w3c-browser", "traceparent"), "arrived");
    assert_eq!(said.fate("w3c-browser", "tracestate"), "unknown");
}

/// The token from a file, and what is said of one that is none.
#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn a_token_in_a_file() {
    let service = service();
    let name = format!("rum-trace-verify-token-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let path = file.to_str().expect("text").to_owned();
    let target = url(&service, "/items/42");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("a file");
    let said = verify(None, &[&target, "--token-file", &path]);
    said.says(0, &["all that was sent arrives"]);
    assert!(!words(&said).contains(TOKEN));
    std::fs::write(&file, "\n").expect("a file");
    let said = verify(None, &[&target, "--token-file", &path]);
    said.says(2, &["its first line is empty"]);
    std::fs::remove_file(&file).expect("it is there");
    let said = verify(None, &[&target, "--token-file", &path]);
    said.says(2, &["--token-file"]);
}

/// Somebody listens where the spans are to come in.
#[test]
#[ignore = "needs rum-trace, which tests/verify/run builds"]
fn a_taken_port() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let service = service();
    let said = verify(None, &[&url(&service, "/items/42"), "--collect", &address]);
    said.says(2, &["something else listens there"]);
}
