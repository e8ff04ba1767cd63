//! By a running `rum-trace view`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rum_trace_loopback::reserved;
use rum_trace_test_services::Framework;
use rum_trace_test_services::nginx::{Nginx, Settings};
use rum_trace_verify_tests::command::{binary, verify};
use rum_trace_verify_tests::gateway::{self, Writes};
use rum_trace_verify_tests::service::Service;

/// A viewer that runs; it ends when this is dropped.
struct View {
    process: Child,
    page: String,
}

impl View {
    fn start(otlp: &str) -> Self {
        let mut process = Command::new(binary())
            .args([
                "view",
                "--listen",
                "127.0.0.1:0",
                "--grpc",
                "127.0.0.1:0",
                "--http",
                otlp,
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("rum-trace, which tests/verify/run builds");
        let out = process.stdout.take().expect("piped");
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let page = lines.find_map(|line| Some(line.strip_prefix("page")?.trim().to_owned()));
        let page = page.expect("it says where its page is");
        View { process, page }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn strip_all() -> Settings {
    let names = [
        "traceparent",
        "tracestate",
        "baggage",
        "sw8",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "uber-trace-id",
    ];
    let lines = names.map(|name| format!("proxy_set_header {name} '';"));
    Settings::location(&lines.join(" "))
}

#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn by_the_viewers_spans() {
    let otlp = reserved();
    let view = View::start(&otlp.to_string());
    for framework in Framework::ALL {
        let service = Service::start(framework, otlp, |builder| builder);
        for (settings, wait, status, lost) in [
            (Settings::passing(), "30", 0, &[][..]),
            (
                Settings::shown("strip-tracestate"),
                "30",
                1,
                &["strips_tracestate"],
            ),
            // No span is in a phone's trace: by the user agent they are known all the same.
            (strip_all(), "5", 1, &["loses_traces"]),
        ] {
            let nginx = Nginx::start(&settings, service.address());
            let url = nginx.url("/items/42");
            let said = verify(
                None,
                &[&url, "--view", &view.page, "--wait", wait, "--json"],
            );
            assert_eq!(
                (said.status, &said.codes("lost")[..]),
                (status, lost),
                "{}",
                said.out
            );
        }
        // A gateway's own SERVER span is not the service's.
        let gateway = gateway::start(service.address(), otlp, Writes::Span);
        let url = format!("http://{gateway}/items/42");
        let further = ["--view", &view.page, "--wait", "30", "--json"];
        let said = verify(None, &[&[&*url][..], &further].concat());
        assert_eq!(
            (said.status, said.codes("note")),
            (0, vec!["gateway_spans"]),
            "{}",
            said.out
        );
    }
}
