//! What the sampler's own thread logs.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;

/// The log of this process.
#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

/// Errors, from now on: for one test of this process.
pub(crate) fn errors() -> Logged {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        // Its digits could be those of an id.
        .without_time()
        .with_max_level(Level::ERROR)
        .with_writer(move || writer.clone())
        .finish();
    // The lines come from another thread.
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    logged
}

impl Logged {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).expect("text")
    }

    /// How many lines there are of a file.
    pub(crate) fn lines(&self, file: &Path) -> usize {
        let text = self.text();
        let of_file = text.lines().filter(|line| is_of(line, file));
        of_file.count()
    }

    /// The last line of a file tells this.
    pub(crate) fn assert_tells(&self, file: &Path, told: &[&str]) {
        let text = self.text();
        let last = text.lines().rfind(|line| is_of(line, file));
        let last = last.expect("a line");
        assert!(
            told.iter().all(|it| last.contains(it)),
            "{told:?} in {last}"
        );
    }

    pub(crate) fn assert_no(&self, ids: &[&str]) {
        let text = self.text();
        for id in ids {
            assert!(!text.contains(id), "{id} in {text}");
        }
    }
}

fn is_of(line: &str, file: &Path) -> bool {
    line.contains(&format!("file={file:?}")) && line.contains("the rules cannot be taken")
}

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
