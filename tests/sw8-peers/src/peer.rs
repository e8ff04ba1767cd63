//! The decoders of other agents, each a process of the test.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Answer, Field, Headers, Sent};

/// How long a decoder may take for one line before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// An agent whose decoder we run.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its name, for people.
    pub name: &'static str,
    /// The fields that its decoder has, in order.
    pub exposes: &'static [Field],
    command: fn() -> Command,
}

const ALL_BUT_CORRELATION: &[Field] = &[
    Field::Sample,
    Field::TraceId,
    Field::SegmentId,
    Field::SpanId,
    Field::Service,
    Field::Instance,
    Field::Endpoint,
    Field::Peer,
];

const ALL_BUT_SAMPLE: &[Field] = &[
    Field::TraceId,
    Field::SegmentId,
    Field::SpanId,
    Field::Service,
    Field::Instance,
    Field::Endpoint,
    Field::Peer,
    Field::Correlation,
];

const IDS_AND_NAMES: &[Field] = &[
    Field::TraceId,
    Field::SegmentId,
    Field::SpanId,
    Field::Service,
    Field::Instance,
    Field::Endpoint,
    Field::Peer,
];

/// All of them.
pub const PEERS: [Peer; 3] = [
    Peer {
        name: "Rust, skywalking",
        exposes: ALL_BUT_CORRELATION,
        command: || Command::new(given("SW8_PEERS_RUST")),
    },
    Peer {
        name: "Python, apache-skywalking",
        exposes: ALL_BUT_SAMPLE,
        command: || script(given("SW8_PEERS_PYTHON"), "decode.py"),
    },
    Peer {
        name: "Node.js, skywalking-backend-js",
        exposes: IDS_AND_NAMES,
        command: || {
            let mut node = script(given("SW8_PEERS_NODE"), "decode.js");
            node.env("NODE_PATH", given("SW8_PEERS_NODE_MODULES"));
            node
        },
    },
];

/// A path that `tests/sw8-peers/run` sets.
fn given(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run tests/sw8-peers/run"))
}

fn script(interpreter: OsString, name: &str) -> Command {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"));
    let mut command = Command::new(interpreter);
    command.arg(folder.join(name));
    command
}

/// The first line of a decoder: which version of the agent it is of.
#[derive(Deserialize)]
struct Hello {
    version: String,
}

impl Peer {
    /// The agent's version, and what its decoder answers for each, in order.
    ///
    /// # Panics
    ///
    /// If it cannot be run, ends too early or takes too long.
    #[must_use]
    pub fn ask(&self, sent: &[Sent]) -> (String, Vec<Answer>) {
        let mut decoder = Decoder::start((self.command)());
        let headers: Vec<Headers> = sent.iter().map(|sent| sent.headers.clone()).collect();
        // Written meanwhile: it may answer before it has read all.
        let input = decoder.input();
        let writer = thread::spawn(move || write(input, &headers));
        let hello: Hello = decoder.line();
        let answers = sent.iter().map(|_| decoder.line()).collect();
        writer.join().expect("the lines are written");
        decoder.end();
        (hello.version, answers)
    }
}

/// A decoder that has ended is told by the answers that are missing.
fn write(mut input: ChildStdin, headers: &[Headers]) {
    for headers in headers {
        let line = serde_json::to_string(headers).expect("headers are text");
        if writeln!(input, "{line}").is_err() {
            return;
        }
    }
}

/// A running decoder; it is killed when this is dropped.
struct Decoder {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Decoder {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut lines = output.lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        Decoder { child, lines }
    }

    fn input(&mut self) -> ChildStdin {
        self.child
            .stdin
            .take()
            .expect("it is piped, and asked for once")
    }

    fn line<T: DeserializeOwned>(&self) -> T {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|error| panic!("the decoder does not answer: {error}"));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
    }

    /// Its input is closed, so it must end, having said no more and no error.
    fn end(mut self) {
        let more = self.lines.recv_timeout(PATIENCE);
        assert!(
            more.is_err(),
            "the decoder says more than it is asked: {more:?}"
        );
        let status = self.child.wait().expect("it is our child");
        assert!(status.success(), "the decoder ended with {status}");
    }
}
