//! By a running `rum-trace view`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rum_trace_loopback::reserved;
use rum_trace_verify_tests::command::{binary, verify};

use rum_trace_verify_tests::nginx::{Nginx, Settings};
use rum_trace_verify_tests::service::{Framework, Service};

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

#[test]
#[ignore = "needs nginx, which tests/verify/run installs"]
fn by_the_viewers_spans() {
    let otlp = reserved();
    let view = View::start(&otlp.to_string());
    for framework in Framework::ALL {
        let service = Service::start(framework, otlp, |builder| builder);
        for (settings, status, lost) in [
            (Settings::passing(), 0, &[][..]),
            (
                Settings::shown("strip-tracestate"),
                1,
                &["strips_tracestate"],
            ),
        ] {
            let nginx = Nginx::start(&settings, service.address());
            let url = nginx.url("/items/42");
            let said = verify(
                None,
                &[&url, "--view", &view.page, "--wait", "30", "--json"],
            );
            assert_eq!(
                (said.status, &said.codes("lost")[..]),
                (status, lost),
                "{}",
                said.out
            );
        }
    }
}
