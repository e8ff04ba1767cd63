//! A service as a process: it says where it listens, and ends by its own id.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::BoxError;

/// A JVM with an agent needs its time, more so on a machine that is busy.
const START: Duration = Duration::from_secs(120);
/// As Kubernetes gives a pod by default.
const STOP: Duration = Duration::from_secs(30);

const GREETING: &str = "listening on ";

/// A running process. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it prints goes to the log.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self, BoxError> {
        let file = File::create(log)?;
        command.stdout(file.try_clone()?).stderr(file);
        Self::spawn(command, log)
    }

    /// Starts a service, which prints `listening on http://…`, and returns that URL.
    pub(crate) fn start_service(
        command: &mut Command,
        log: &Path,
    ) -> Result<(Self, String), BoxError> {
        let file = File::create(log)?;
        command.stdout(Stdio::piped()).stderr(file.try_clone()?);
        let mut process = Self::spawn(command, log)?;
        let out = process.child.stdout.take().ok_or("no stdout")?;
        let (sender, url) = mpsc::channel();
        std::thread::spawn(move || follow(out, file, &sender));
        match url.recv_timeout(START) {
            Ok(url) => Ok((process, url)),
            Err(_) => Err(process.did_not_start().into()),
        }
    }

    fn spawn(command: &mut Command, log: &Path) -> Result<Self, BoxError> {
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.map_err(|error| {
            let program = command.get_program().to_string_lossy();
            format!("{program} cannot be run: {error}")
        })?;
        let log = log.to_owned();
        Ok(Process { child, log })
    }

    fn did_not_start(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().rfind(|line| !line.trim().is_empty());
        format!("did not start: {}", last.unwrap_or("it said nothing"))
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it with SIGTERM, so that it can send what it holds.
    pub(crate) fn stop(mut self) -> Result<(), BoxError> {
        let pid = i32::try_from(self.child.id())?;
        kill_process(
            Pid::from_raw(pid).ok_or("a process has an id")?,
            Signal::TERM,
        )?;
        let start = Instant::now();
        while !self.has_ended() {
            if start.elapsed() > STOP {
                return Err("did not end at SIGTERM".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies what it prints into its log; the URL is picked out.
fn follow(out: ChildStdout, mut log: File, url: &Sender<String>) {
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        if let Some(at) = line.strip_prefix(GREETING) {
            // Nobody waits for a second one.
            let _ = url.send(at.trim().to_owned());
        }
        let _ = writeln!(log, "{line}");
    }
}
