//! Drawing beside other work: who does not read on (a pager, a stopped terminal)
//! holds up nothing else.

use std::io;
use std::sync::Arc;

use rum_trace_propagation::TraceId;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{MAX_TRACES, Printer};
use crate::collector::Store;

/// Traces that wait to be drawn. Of very many it is only said that they came.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) traces: Vec<TraceId>,
    pub(super) more: usize,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }
}

impl Extend<TraceId> for Waiting {
    fn extend<T: IntoIterator<Item = TraceId>>(&mut self, traces: T) {
        for trace in traces {
            if self.traces.contains(&trace) {
                continue;
            }
            if self.traces.len() < MAX_TRACES {
                self.traces.push(trace);
            } else {
                self.more = self.more.saturating_add(1);
            }
        }
    }
}

/// A printer, and what it has to do.
#[derive(Debug)]
pub(crate) struct Drawing {
    store: Arc<Store>,
    /// Away while it draws.
    printer: Option<Printer>,
    under_way: Option<JoinHandle<(Printer, io::Result<()>)>>,
    waiting: Waiting,
}

impl Drawing {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            printer: Some(Printer::new()),
            under_way: None,
            waiting: Waiting::default(),
        }
    }

    /// Draws these traces, or has them wait while others are drawn. It tells how
    /// it went with those before; to be called again and again.
    pub(crate) async fn draw(&mut self, whole: Vec<TraceId>) -> io::Result<()> {
        self.waiting.extend(whole);
        if let Some(ended) = self.under_way.take_if(|task| task.is_finished()) {
            let (printer, drawn) = ended.await.map_err(io::Error::other)?;
            drawn?;
            self.printer = Some(printer);
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        if let Some(mut printer) = self.printer.take() {
            let (store, waiting) = (Arc::clone(&self.store), std::mem::take(&mut self.waiting));
            self.under_way = Some(spawn_blocking(move || {
                let drawn = printer.draw(&store, &waiting);
                (printer, drawn)
            }));
        }
        Ok(())
    }
}
