//! A server as a process.

#![allow(clippy::print_stdout, reason = "a failed test shows the server's log")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::PATIENCE;

/// A running server; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
    /// Closed at the end, which ends a server that waits for it.
    stdin: ChildStdin,
}

/// How a server ended.
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    /// What it wrote to its standard error: its log, and its error.
    pub(crate) errors: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(errors) = self.errors.take().filter(|_| thread::panicking()) {
            println!("the server said:\n{}", errors.join().unwrap_or_default());
        }
    }
}

impl Server {
    /// Starts it, with spans that go to `endpoint`, whatever the environment of
    /// the tests says.
    pub(crate) fn start(command: &mut Command, endpoint: &str) -> Self {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        let mut child = command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built it");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            // Ends with the process. Its test may be over by then.
            stdout.lines().map_while(Result::ok).for_each(|line| {
                let _ = sender.send(line);
            });
        });
        let mut stderr = child.stderr.take().expect("piped");
        let errors = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("its log is text");
            text
        });
        Server {
            stdin: child.stdin.take().expect("piped"),
            child,
            lines,
            errors: Some(errors),
        }
    }

    /// Where it says that it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let line = self.wait_for_line("listening on ");
        let address = line.strip_prefix("http://").unwrap_or(&line);
        address.parse().expect("an address and a port")
    }

    /// Waits for a line that begins so, and gives the rest of it.
    pub(crate) fn wait_for_line(&self, prefix: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("it never said {prefix:?}"));
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
    }

    /// Lets a handler go on that waits for it.
    pub(crate) fn go(&mut self) {
        // An error says that it has ended, which the test will see.
        let _ = self.stdin.write_all(b"go\n");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is our child");
    }

    /// Waits until it has ended.
    pub(crate) fn wait(mut self) -> End {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(Instant::now() < end, "the server does not end");
            pause();
        };
        let errors = self.errors.take().expect("waited for once");
        End {
            status,
            errors: errors.join().expect("its log is text"),
        }
    }
}

impl End {
    /// It ended of its own, as a program that has done its work.
    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert!(self.status.success(), "{}: {}", self.status, self.errors);
    }

    /// It wrote all of this.
    #[track_caller]
    pub(crate) fn assert_said(&self, words: &[&str]) {
        let missing: Vec<_> = words
            .iter()
            .filter(|words| !self.errors.contains(**words))
            .collect();
        assert!(missing.is_empty(), "{missing:?} not in: {}", self.errors);
    }
}

/// A request that was sent.
pub(crate) struct Asked(TcpStream);

impl Asked {
    /// Sends a GET request on a connection of its own, which ends with it.
    pub(crate) fn get(address: SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("it reads");
        Asked(stream)
    }

    /// Waits until this has come, and forgets it.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(text) {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("more is to come");
            read.extend(byte);
        }
    }

    /// Waits for all that is answered before the connection ends.
    pub(crate) fn answer(mut self) -> String {
        let mut answer = String::new();
        match self.0.read_to_string(&mut answer) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => {
                panic!("{error} after {answer:?}")
            }
            _ => answer,
        }
    }

    /// Waits for an answer of which this is the end.
    #[track_caller]
    pub(crate) fn assert_answer(self, body: &str) {
        let answer = self.answer();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer:?}");
    }
}

/// Waits until nobody listens there.
pub(crate) fn wait_until_refused(address: SocketAddr) {
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect_timeout(&address, PATIENCE).is_ok() {
        assert!(Instant::now() < end, "it still accepts connections");
        pause();
    }
}

/// An address where every connection is closed at once. (One where nobody listens
/// may be given to another test.)
pub(crate) fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || listener.incoming().for_each(drop));
    format!("http://{address}")
}

fn pause() {
    thread::sleep(Duration::from_millis(5));
}
