//! An exporter of the user's that does as it is told.

use std::sync::{Arc, Condvar, Mutex};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use rum_trace_otlp::DropReason;

use super::answer::{Answer, Fate, Log, Request};

/// What it does from now on, shared by its lives.
#[derive(Debug, Clone)]
pub(super) struct Script(Arc<(Mutex<Answer>, Condvar)>);

impl Script {
    pub(super) fn new() -> Self {
        Script(Arc::new((Mutex::new(Answer::Accepted), Condvar::new())))
    }

    pub(super) fn answer(&self) -> Answer {
        *self.0.0.lock().unwrap()
    }

    pub(super) fn set_answer(&self, answer: Answer) {
        *self.0.0.lock().unwrap() = answer;
        self.0.1.notify_all();
    }

    /// Not before it is something else than to wait.
    fn wait(&self) -> Answer {
        let answer = self.0.0.lock().unwrap();
        *self.0.1.wait_while(answer, |a| *a == Answer::Hold).unwrap()
    }
}

#[derive(Debug)]
pub(super) struct Scripted {
    pub(super) life: usize,
    pub(super) script: Script,
    pub(super) log: Log,
}

enum Outcome {
    Succeeds,
    Fails,
    PanicsAtOnce,
    PanicsLater,
}

fn outcome(answer: Answer) -> Outcome {
    match answer.fate(0) {
        Fate::Exported(_) => Outcome::Succeeds,
        Fate::Lost(_) => Outcome::Fails,
        Fate::Open if answer == Answer::CutBefore => Outcome::PanicsAtOnce,
        Fate::Open => Outcome::PanicsLater,
    }
}

impl SpanExporter for Scripted {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let outcome = outcome(self.script.wait());
        let fate = match outcome {
            Outcome::Succeeds => Fate::Exported(0),
            Outcome::Fails => Fate::Lost(DropReason::ExporterFailed),
            _ => Fate::Lost(DropReason::ExporterPanic),
        };
        self.log.lock().push(Request {
            life: self.life,
            spans: batch.iter().map(|span| span.name.to_string()).collect(),
            fate,
        });
        assert!(!matches!(outcome, Outcome::PanicsAtOnce), "at once");
        async move {
            match outcome {
                Outcome::Succeeds => Ok(()),
                Outcome::Fails => Err(OTelSdkError::InternalFailure("it fails".to_owned())),
                _ => panic!("later"),
            }
        }
    }
}
