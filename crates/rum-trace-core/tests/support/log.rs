//! The lines that the log gets while a test runs.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// A subscriber that keeps the lines with the target `rum_trace`.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<Line>>>);

/// One of them. Its fields are as a formatter gets them: nothing is escaped here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub level: String,
    pub fields: BTreeMap<String, String>,
}

impl Log {
    /// Runs the code with this as its subscriber.
    pub fn during<T>(&self, code: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(self.clone(), code)
    }

    pub fn lines(&self) -> Vec<Line> {
        self.0.lock().expect("no test panicked").clone()
    }

    /// Level, kind, carrier and part of each line.
    pub fn kinds(&self) -> Vec<String> {
        self.lines().iter().map(Line::kind).collect()
    }
}

impl Line {
    pub fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }

    fn kind(&self) -> String {
        let mut kind = self.level.clone();
        for field in ["kind", "carrier", "part"] {
            if let Some(text) = self.fields.get(field) {
                write!(kind, " {text}").expect("written");
            }
        }
        kind
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == "rum_trace"
    }

    fn event(&self, event: &Event<'_>) {
        assert!(event.is_root(), "a line is in no span");
        let mut line = Line {
            level: event.metadata().level().to_string(),
            ..Line::default()
        };
        event.record(&mut line);
        self.0.lock().expect("no test panicked").push(line);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.to_string(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.to_string(), format!("{value:?}"));
    }
}
