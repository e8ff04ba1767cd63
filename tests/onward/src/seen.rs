//! What a service saw of a request.

use std::collections::BTreeMap;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use rum_trace_core::{Injection, RumContext};
use tokio::sync::mpsc;

use crate::in_time;

/// A request as its handler saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Those of [`Injection::HEADERS`] that came, by name.
    pub headers: BTreeMap<String, String>,
    /// What the client told, as the handler's context knows it.
    pub rum: RumContext,
    /// The baggage in the handler's context.
    pub baggage: BTreeMap<String, String>,
}

impl Seen {
    /// What the handler that runs now sees of a request with these headers.
    ///
    /// # Panics
    ///
    /// If a header that concerns a trace is there twice, or is no text: nothing that
    /// is tested here sends such.
    pub fn now<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut seen = BTreeMap::new();
        for (name, value) in headers {
            if Injection::HEADERS.contains(&name) {
                let value = std::str::from_utf8(value).expect("text").to_owned();
                let before = seen.insert(name.to_owned(), value);
                assert_eq!(before, None, "{name} is there twice");
            }
        }
        Seen {
            headers: seen,
            rum: RumContext::current(),
            baggage: baggage(&Context::current()),
        }
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

fn baggage(cx: &Context) -> BTreeMap<String, String> {
    let entries = cx.baggage().iter();
    entries
        .map(|(key, (value, _))| (key.to_string(), value.to_string()))
        .collect()
}

/// Where a handler tells what it saw.
#[derive(Clone, Debug)]
pub struct Witness(mpsc::UnboundedSender<Seen>);

impl Witness {
    /// Tells it. Nobody may be there any more who wants to know.
    pub fn tell(&self, seen: Seen) {
        let _ = self.0.send(seen);
    }
}

/// What the handlers of one service saw, in order.
#[derive(Debug)]
pub struct Sightings(mpsc::UnboundedReceiver<Seen>);

impl Sightings {
    /// Both ends.
    #[must_use]
    pub fn new() -> (Witness, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Witness(sender), Sightings(receiver))
    }

    /// The next one, once it is there.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub async fn next(&mut self) -> Seen {
        in_time(self.0.recv()).await.expect("the service runs")
    }
}
