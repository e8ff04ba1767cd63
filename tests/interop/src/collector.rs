//! The OpenTelemetry Collector: OTLP in, a file of JSON lines out.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rum_trace_loopback::reserved;
use serde_json::json;

use crate::BoxError;
use crate::judge::{Expected, judge};
use crate::process::Process;
use crate::spans::{self, Span};

const START: Duration = Duration::from_secs(60);
/// Agents report in batches, some of them every few seconds.
const ARRIVE: Duration = Duration::from_secs(30);

/// A running Collector.
#[derive(Debug)]
pub(crate) struct Collector {
    process: Process,
    file: PathBuf,
    http: u16,
    grpc: u16,
}

impl Collector {
    /// Starts it in this folder and waits until it accepts.
    pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Self, BoxError> {
        let (http, grpc) = (reserved().port(), reserved().port());
        let file = folder.join("spans.jsonl");
        std::fs::write(&file, "")?;
        let config = folder.join("collector.yaml");
        std::fs::write(&config, settings(http, grpc, &file))?;
        let mut command = Command::new(binary);
        command.arg("--config").arg(&config).env_clear();
        let process = Process::start(&mut command, &folder.join("collector.log"))?;
        let mut collector = Collector {
            process,
            file,
            http,
            grpc,
        };
        collector.wait_for(http)?;
        collector.wait_for(grpc)?;
        Ok(collector)
    }

    pub(crate) fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    pub(crate) fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// All that it has written.
    pub(crate) fn spans(&self) -> Result<Vec<Span>, BoxError> {
        spans::read(&self.file)
    }

    /// Returns when the trace is whole, or after some time anyway: the verdict comes
    /// when everybody has ended.
    pub(crate) fn wait_for_trace(&self, expected: &Expected) -> Result<(), BoxError> {
        self.wait_until(|spans| judge(spans, expected).is_ok())
    }

    /// Returns when the spans are as wanted, or after some time anyway.
    pub(crate) fn wait_until(&self, is_there: impl Fn(&[Span]) -> bool) -> Result<(), BoxError> {
        let start = Instant::now();
        while !is_there(&self.spans()?) && start.elapsed() < ARRIVE {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Ends it, and returns all that it received.
    pub(crate) fn stop(self) -> Result<Vec<Span>, BoxError> {
        self.process.stop()?;
        spans::read(&self.file)
    }

    fn wait_for(&mut self, port: u16) -> Result<(), BoxError> {
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if self.process.has_ended() || start.elapsed() > START {
                return Err("the Collector does not accept: see collector.log".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// JSON is YAML.
fn settings(http: u16, grpc: u16, file: &Path) -> String {
    let endpoint = |port: u16| json!({ "endpoint": format!("127.0.0.1:{port}") });
    json!({
        "receivers": { "otlp": { "protocols": { "http": endpoint(http), "grpc": endpoint(grpc) } } },
        "exporters": { "file": { "path": file, "flush_interval": "100ms" } },
        "service": {
            "telemetry": { "metrics": { "level": "none" } },
            "pipelines": { "traces": { "receivers": ["otlp"], "exporters": ["file"] } },
        },
    })
    .to_string()
}
