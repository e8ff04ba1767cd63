//! Hops, by which names they are asked, and TLS.

use rum_trace_core::InstrumenterBuilder;
use rum_trace_loopback::reserved;
use rum_trace_test_services::Framework;
use rum_trace_test_services::nginx::{Nginx, Settings};
use rum_trace_verify_tests::TOKEN;
use rum_trace_verify_tests::command::verify;
use rum_trace_verify_tests::service::Service;

fn with_token(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.verification_token(TOKEN)
}

fn service() -> Service {
    Service::start(Framework::Axum, reserved(), with_token)
}

#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn the_hop_between_two_that_is_to_blame() {
    let service = service();
    for framework in Framework::ALL {
        let service = Service::start(framework, reserved(), with_token);
        for (outer, inner, hop, well_at) in [
            (
                Settings::passing(),
                Settings::shown("strip-tracestate"),
                "ingress",
                "pod",
            ),
            (
                Settings::shown("strip-tracestate"),
                Settings::passing(),
                "url",
                "ingress",
            ),
        ] {
            let inner = Nginx::start(&inner, service.address());
            let outer = Nginx::start(&outer, inner.address());
            let (url, ingress) = (outer.url("/items/42"), format!("ingress={}", inner.url("")));
            let pod = format!("pod=http://{}", service.address());
            let arguments = [&*url, "--hop", &*ingress, "--hop", &*pod, "--json"];
            let said = verify(Some(TOKEN), &arguments);
            assert_eq!(said.status, 1, "{}", said.out);
            assert_eq!(said.codes("lost"), ["strips_tracestate"]);
            let found = said.diagnosis("strips_tracestate");
            assert_eq!(
                (&found["hop"], &found["well_at"]),
                (&hop.into(), &well_at.into())
            );
            let suspect = found["suspect"].as_str().expect("text");
            let begin = format!("what listens at '{hop}' (http://127.0.0.1:");
            let end = format!("behind it, at '{well_at}', this does not show");
            assert!(
                suspect.starts_with(&begin) && suspect.ends_with(&end),
                "{suspect}"
            );
        }
    }
    // Two that lose different things are both named.
    let inner = Nginx::start(&Settings::shown("strip-tracestate"), service.address());
    let outer = Nginx::start(
        &Settings::location("proxy_set_header sw8 '';"),
        inner.address(),
    );
    let (url, hop) = (
        outer.url("/items/42"),
        format!("inner={}", inner.url("/items/1")),
    );
    let said = verify(Some(TOKEN), &[&url, "--hop", &hop, "--json"]);
    let blamed = |code: &str| said.diagnosis(code)["hop"].clone();
    assert_eq!(
        (blamed("strips_tracestate"), blamed("strips_sw8")),
        ("inner".into(), "url".into())
    );
}

#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn a_self_signed_certificate() {
    let service = service();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let pem = own.cert.pem();
    let settings = Settings {
        tls: Some((pem.clone(), own.signing_key.serialize_pem())),
        ..Settings::default()
    };
    let nginx = Nginx::start(&settings, service.address());
    let url = nginx.url("/items/42");
    let said = verify(Some(TOKEN), &[&url]);
    said.says(2, &["unreachable", "UnknownIssuer", "--ca-file"]);
    let name = format!("rum-trace-verify-{}.pem", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, pem).expect("a file");
    let ca = file.to_str().expect("text");
    let said = verify(Some(TOKEN), &[&url, "--ca-file", ca]);
    std::fs::remove_file(&file).expect("it is there");
    said.says(0, &["all that was sent arrives"]);
    // TLS where there is none, and none where there is.
    let plain = Nginx::start(&Settings::passing(), service.address());
    let said = verify(
        Some(TOKEN),
        &[&plain.url("/items/42").replace("http:", "https:")],
    );
    said.says(2, &["the answer was not TLS"]);
    let said = verify(Some(TOKEN), &[&url.replace("https:", "http:")]);
    said.says(2, &["answered with 400"]);
}

/// Gateways further in choose by the name that the phone asks, and so do certificates.
#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn hops_are_asked_by_the_urls_name() {
    let service = service();
    let by_name = "if ($host != 'localhost') { return 404; }";
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let own = own.expect("a certificate");
    let pem = own.cert.pem();
    let inner = Settings {
        tls: Some((pem.clone(), own.signing_key.serialize_pem())),
        ..Settings::location(by_name)
    };
    let (plain, inner) = (
        Nginx::start(&Settings::location(by_name), service.address()),
        Nginx::start(&inner, service.address()),
    );
    let name = format!("rum-trace-verify-name-{}.pem", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, pem).expect("a file");
    let ca = file.to_str().expect("text");
    let url = plain.url("/items/42").replace("127.0.0.1", "localhost");
    let hops = [
        format!("a={}", plain.url("")),
        format!("b={}", inner.url("")),
    ];
    let arguments = [
        &*url,
        "--hop",
        &*hops[0],
        "--hop",
        &*hops[1],
        "--ca-file",
        ca,
        "--json",
    ];
    let said = verify(Some(TOKEN), &arguments);
    let all = said.json["hops"].as_array().expect("a list");
    for hop in all {
        assert_eq!(hop["codes"], serde_json::json!(["passes"]), "{}", said.out);
    }
    assert_eq!((said.status, all.len()), (0, 3));
    // Another name is given by hand.
    let arguments = [&arguments[..], &["-H", "host: elsewhere.example"]].concat();
    let said = verify(Some(TOKEN), &arguments);
    std::fs::remove_file(&file).expect("it is there");
    assert_eq!(said.status, 2);
    assert_eq!(said.json["hops"][1]["probes"][0]["status"], 404);
}
