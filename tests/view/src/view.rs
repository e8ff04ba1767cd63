//! The process under load.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::{Args, LoadError};

const EVERY: Duration = Duration::from_millis(250);
const START: Duration = Duration::from_secs(30);

pub(crate) struct View {
    process: Child,
    id: u32,
    pub(crate) page: String,
    pub(crate) grpc: String,
}

impl View {
    pub(crate) async fn start(args: &Args) -> Result<Self, LoadError> {
        let problem = |error: &dyn ToString| LoadError::Start(error.to_string());
        let mut process = Command::new(&args.view)
            .args(["view", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0"])
            .args(["--http", "127.0.0.1:0"])
            .arg(format!("--max-traces={}", args.max_traces))
            .arg(format!("--max-bytes={}MiB", args.mebibytes()))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| problem(&error))?;
        let (Some(id), Some(output)) = (process.id(), process.stdout.take()) else {
            return Err(problem(&"it ended at once"));
        };
        let addresses = timeout(START, addresses(BufReader::new(output)));
        let (page, grpc) = addresses
            .await
            .map_err(|error| problem(&error))?
            .ok_or_else(|| problem(&"its output names no addresses"))?;
        Ok(Self {
            process,
            id,
            page,
            grpc,
        })
    }

    /// The resident memory in bytes, a few times a second.
    pub(crate) async fn memory_until(
        &self,
        over: watch::Receiver<bool>,
    ) -> Result<Vec<u64>, LoadError> {
        let mut memory = Vec::new();
        while !*over.borrow() {
            memory.push(self.read("VmRSS:")?);
            sleep(EVERY).await;
        }
        Ok(memory)
    }

    /// The most that it ever had.
    pub(crate) fn peak(&self) -> Result<u64, LoadError> {
        self.read("VmHWM:")
    }

    fn read(&self, name: &str) -> Result<u64, LoadError> {
        let path = format!("/proc/{}/status", self.id);
        let text =
            fs::read_to_string(path).map_err(|error| LoadError::Memory(error.to_string()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes =
            line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        let bytes = kibibytes.map(|kibibytes| kibibytes.saturating_mul(1024));
        bytes.ok_or_else(|| LoadError::Memory(format!("no {name}")))
    }

    pub(crate) async fn stop(&mut self) {
        // It ends with this process at the latest.
        let _ = self.process.kill().await;
    }
}

/// Of the page and of OTLP over gRPC: each stands on a line of its own.
async fn addresses(output: BufReader<tokio::process::ChildStdout>) -> Option<(String, String)> {
    let (mut page, mut grpc) = (None, None);
    let mut lines = output.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let address = line.split_whitespace().last().map(str::to_owned);
        if line.starts_with("page") {
            page = address;
        } else if line.starts_with("OTLP/gRPC") {
            grpc = address;
        }
        if let (Some(page), Some(grpc)) = (&page, &grpc) {
            return Some((page.clone(), grpc.clone()));
        }
    }
    None
}
