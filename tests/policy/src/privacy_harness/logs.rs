//! The log lines of the process, of all levels and of all that it is made of.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// Where the lines go.
#[derive(Clone, Debug, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// Takes the lines of the whole process: once in it.
    ///
    /// # Panics
    ///
    /// If somebody else did.
    #[must_use]
    pub fn of_the_process() -> Self {
        let logs = Logs::default();
        let lines = tracing_subscriber::fmt::layer().with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(lines.with_writer(logs.clone()));
        tracing::subscriber::set_global_default(subscriber).expect("the first");
        logs
    }

    /// The lines since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Logs;

    fn make_writer(&'a self) -> Logs {
        self.clone()
    }
}
