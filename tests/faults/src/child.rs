//! The service under test, seen from outside: a process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;

use crate::report::{Books, Farewell, Greeting};
use crate::service::Setup;
use crate::{BoxError, load};

/// A running service. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

/// How it ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// None if it died without a word.
    pub(crate) farewell: Option<Farewell>,
    /// From the signal to the end of the process.
    pub(crate) took: Duration,
}

impl Service {
    pub(crate) fn start(setup: &Setup) -> Result<Self, BoxError> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("service")
            .args(arguments(setup))
            // What the tester's own environment says is not part of the test.
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Panics are made on purpose, and said in the table.
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or("the child has no stdout")?;
        let mut service = Service {
            child,
            out: BufReader::new(out),
            port: 0,
        };
        let greeting: Greeting = service.line()?.ok_or("the service did not start")?;
        service.port = greeting.port;
        Ok(service)
    }

    /// Its books, at this moment.
    pub(crate) async fn books(&self) -> Result<Books, BoxError> {
        books(self.port).await
    }

    /// Ends it with SIGTERM, as Kubernetes and systemd do, and hears it out.
    pub(crate) fn terminate(self) -> Result<End, BoxError> {
        self.end(Signal::TERM)
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(self) -> Result<End, BoxError> {
        self.end(Signal::KILL)
    }

    fn end(mut self, signal: Signal) -> Result<End, BoxError> {
        let start = Instant::now();
        let pid = i32::try_from(self.child.id())?;
        kill_process(Pid::from_raw(pid).ok_or("a process has an id")?, signal)?;
        let farewell = self.line()?;
        self.child.wait()?;
        Ok(End {
            farewell,
            took: start.elapsed(),
        })
    }

    /// The next line of its output; none if that has ended.
    fn line<T: DeserializeOwned>(&mut self) -> Result<Option<T>, BoxError> {
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The books of the service on this port.
pub(crate) async fn books(port: u16) -> Result<Books, BoxError> {
    Ok(serde_json::from_slice(&load::get(port, "/books").await?)?)
}

fn arguments(setup: &Setup) -> Vec<String> {
    let mut arguments = vec![
        format!("--kind={}", kind(setup)),
        format!("--collector={}", setup.collector),
        format!("--spans={}", setup.spans),
    ];
    let options = [
        (
            "max-queue-size",
            setup.max_queue_size.map(|it| it.to_string()),
        ),
        (
            "max-kept-bytes",
            setup.max_kept_bytes.map(|it| it.to_string()),
        ),
        ("panic-at", setup.panic_at.map(|it| it.to_string())),
        (
            "spool",
            setup.spool.as_ref().map(|it| it.display().to_string()),
        ),
    ];
    for (name, value) in options {
        arguments.extend(value.map(|value| format!("--{name}={value}")));
    }
    let flags = [
        ("--grpc", setup.grpc),
        ("--gzip", setup.gzip),
        ("--no-signal-handler", setup.no_signal_handler),
    ];
    let flags = flags.into_iter().filter(|(_, set)| *set);
    arguments.extend(flags.map(|(flag, _)| flag.to_owned()));
    arguments
}

fn kind(setup: &Setup) -> String {
    use clap::ValueEnum as _;
    let value = setup.kind.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
