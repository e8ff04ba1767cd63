//! The rotel collector as a process of the test.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rum_trace_loopback::reserved;

use super::PATIENCE;

/// A running collector; it is killed when this is dropped.
pub(crate) struct Rotel {
    child: Child,
    log: PathBuf,
    pub(crate) grpc_port: u16,
    pub(crate) http_port: u16,
}

impl Drop for Rotel {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            println!("rotel said:\n{said}");
        }
    }
}

impl Rotel {
    /// Starts one that forwards to `receiver`, and waits until it listens.
    pub(crate) fn start(receiver: SocketAddr) -> Self {
        let mut rotel = Self::spawn(receiver);
        rotel.wait_until_it_listens();
        rotel
    }

    fn spawn(receiver: SocketAddr) -> Self {
        let bin = std::env::var_os("ROTEL_BIN")
            .expect("ROTEL_BIN is the path of rotel-agent; tests/e2e/run-collector sets it");
        let (grpc_port, http_port) = (reserved().port(), reserved().port());
        let file = |ending: &str| {
            let name = format!("rotel-{}-{grpc_port}.{ending}", std::process::id());
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
        };
        let log = file("log");
        let output = File::create(&log).expect("cargo's folder for tests can be written");
        let errors = output.try_clone().expect("a file can be opened twice");
        let child = Command::new(bin)
            .arg("start")
            .arg(format!("--otlp-grpc-endpoint=127.0.0.1:{grpc_port}"))
            .arg(format!("--otlp-http-endpoint=127.0.0.1:{http_port}"))
            .args(["--debug-log=traces", "--exporter=otlp"])
            .arg(format!("--otlp-exporter-endpoint=http://{receiver}"))
            .arg("--otlp-exporter-protocol=http")
            // Not in their usual place, where another rotel may be running.
            .arg("--pid-file")
            .arg(file("pid"))
            .arg("--log-file")
            .arg(file("agent.log"))
            .stdout(output)
            .stderr(errors)
            .spawn()
            .expect("ROTEL_BIN can be run");
        Rotel {
            child,
            log,
            grpc_port,
            http_port,
        }
    }

    fn wait_until_it_listens(&mut self) {
        let end = Instant::now() + PATIENCE;
        for port in [self.grpc_port, self.http_port] {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
                let ended = self.child.try_wait().expect("it is our child");
                let runs = ended.is_none() && Instant::now() < end;
                assert!(runs, "rotel does not listen on {port}: {ended:?}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
