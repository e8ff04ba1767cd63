//! The OpenTelemetry Collector as a process.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use rum_trace_loopback::reserved;
use rustix::process::{Pid, Signal, kill_process};

use crate::PATIENCE;

/// Switches the Collector's own metrics off: all that run here would want the same port.
const QUIET: &str = r#"{"service": {"telemetry": {"metrics": {"level": "none"}}}}"#;

/// A running Collector; it is killed when this is dropped.
#[derive(Debug)]
pub struct Collector {
    child: Child,
    log: PathBuf,
    grpc: SocketAddr,
}

/// What `otelcol validate` says of these files together.
///
/// # Panics
///
/// If the Collector cannot be run.
#[must_use]
pub fn validate(files: &[&str]) -> Output {
    let mut command = otelcol();
    command.arg("validate");
    for file in files {
        command.arg("--config").arg(documented(file));
    }
    command.output().expect("OTELCOL_BIN can be run")
}

impl Collector {
    /// Starts one with these files of docs/collector and these variables, and waits until it
    /// accepts OTLP over gRPC. Its files go to `folder`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(folder: &Path, files: &[&str], variables: &[(&str, String)]) -> Self {
        let mut collector = Self::spawn(folder, files, variables);
        collector.wait_until_it_listens();
        collector
    }

    /// Where it takes OTLP over gRPC.
    #[must_use]
    pub const fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    /// Ends it as Kubernetes would: it decides and sends what it holds.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn stop(mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.expect("a process has an id");
        kill_process(pid, Signal::TERM).expect("it is our child");
        let end = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(Instant::now() < end, "it does not end at SIGTERM");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn spawn(folder: &Path, files: &[&str], variables: &[(&str, String)]) -> Self {
        let (grpc, http) = (reserved(), reserved());
        let file = |ending: &str| folder.join(format!("otelcol-{}.{ending}", grpc.port()));
        let quiet = file("quiet.yaml");
        std::fs::write(&quiet, QUIET).expect("cargo's folder for tests can be written");
        let log = file("log");
        let output = File::create(&log).expect("cargo's folder for tests can be written");
        let errors = output.try_clone().expect("a file can be opened twice");
        let mut command = otelcol();
        for file in files.iter().map(|file| documented(file)).chain([quiet]) {
            command.arg("--config").arg(file);
        }
        let child = command
            .env("OTLP_GRPC", grpc.to_string())
            .env("OTLP_HTTP", http.to_string())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(output)
            .stderr(errors)
            .spawn()
            .expect("OTELCOL_BIN can be run");
        Collector { child, log, grpc }
    }

    fn wait_until_it_listens(&mut self) {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(self.grpc).is_err() {
            let runs = !self.has_ended() && Instant::now() < end;
            assert!(runs, "it does not listen on {}", self.grpc);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_some()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println_log(&self.log);
        }
    }
}

#[allow(clippy::print_stdout, reason = "for whoever reads why a test failed")]
fn println_log(log: &Path) {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    println!("the Collector said:\n{said}");
}

fn otelcol() -> Command {
    let bin = std::env::var_os("OTELCOL_BIN");
    let bin = bin.expect("OTELCOL_BIN is the path of a Collector; tests/operations/run sets it");
    let mut command = Command::new(bin);
    command.env_clear();
    command
}

/// The path of a file in docs/collector.
fn documented(file: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("../../docs/collector").join(file)
}
