//! The rules' file, read again when it changes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::rules::read;
use super::sampler::Inner;
use super::{Rules, SamplingError};

/// How often it is looked at. It is read each time, since a change of the same length
/// within the clock's grain has no other sign, and a mounted configuration is a link
/// that is turned to another file. It is taken when it reads the same twice: one that is
/// written in place may have been half there.
const PERIOD: Duration = Duration::from_millis(300);

/// A file of rules, with what it had the last time.
#[derive(Debug)]
pub(super) struct RulesFile {
    path: PathBuf,
    /// What was taken, or refused.
    last: Text,
    /// What it had at the last look, if that was new.
    new: Option<Text>,
}

/// `Err`: why it could not be read, which is said once.
type Text = Result<String, String>;

/// The watch ends with this.
#[derive(Debug)]
pub(super) struct Watch(#[expect(dead_code, reason = "its end is what tells")] Sender<()>);

impl RulesFile {
    /// Reads it for the first time.
    pub(super) fn open(path: &Path) -> Result<(Self, Rules), SamplingError> {
        let of_file = |source| SamplingError::RulesFile {
            path: path.to_owned(),
            source,
        };
        let text = read(path).map_err(of_file)?;
        let rules = Rules::of_file(path, &text).map_err(of_file)?;
        let file = RulesFile {
            path: path.to_owned(),
            last: Ok(text),
            new: None,
        };
        Ok((file, rules))
    }

    /// Looks at it from a thread of its own, until the watch is dropped.
    pub(super) fn watch(self, inner: Weak<Inner>, ends: Receiver<()>) -> Result<(), SamplingError> {
        let thread = thread::Builder::new().name("rum-trace-rules".to_owned());
        let look = move || {
            let mut file = self;
            while ends.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                let Some(inner) = inner.upgrade() else {
                    return;
                };
                file.look(&inner);
            }
        };
        thread.spawn(look).map(drop).map_err(SamplingError::Thread)
    }

    /// Takes what it has now, if that is new and right.
    fn look(&mut self, inner: &Arc<Inner>) {
        let now = read(&self.path);
        let now = now.map_err(|error| error.to_string());
        let before = self.new.take();
        if now == self.last {
            return;
        }
        if before.as_ref() != Some(&now) {
            self.new = Some(now);
            return;
        }
        let rules = match &now {
            Ok(text) => Rules::of_file(&self.path, text).map_err(|error| error.to_string()),
            Err(error) => Err(error.clone()),
        };
        self.last = now;
        match rules {
            Ok(rules) => {
                tracing::info!(file = ?self.path, rules = rules.len(), "sampling by the new rules");
                inner.set_rules(rules);
            }
            Err(error) => {
                super::stats::add(&inner.counters.rules_refused);
                tracing::error!(
                    file = ?self.path,
                    %error,
                    "the rules cannot be taken, and those from before still hold"
                );
            }
        }
    }
}

pub(super) fn watch() -> (Watch, Receiver<()>) {
    let (sender, ends) = channel();
    (Watch(sender), ends)
}
