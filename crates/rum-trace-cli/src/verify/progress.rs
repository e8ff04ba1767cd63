//! What is going on, for whoever waits at a terminal.

use std::io::{self, IsTerminal as _, Write as _};

use tokio::time::Instant;

use crate::terminal::escape::for_terminal;

/// A line on standard error that is written over and over; nothing where nobody looks.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Progress {
            is_shown: io::stderr().is_terminal(),
        }
    }

    pub(crate) fn sending(&self, hop: &str, at: usize, of: usize, probe: &str) {
        let hop = for_terminal(hop.as_bytes());
        self.write(&format!("{hop}: {}/{of} {probe}", at.saturating_add(1)));
    }

    pub(crate) fn waiting(&self, missing: usize, until: Instant) {
        if missing > 0 {
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            self.write(&format!(
                "waiting for the spans of {missing} requests, {left} s"
            ));
        }
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        self.write("");
    }

    fn write(&self, text: &str) {
        if self.is_shown {
            // Where standard error is closed there is nobody to tell.
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
            let _ = io::stderr().flush();
        }
    }
}
