//! The runtime of the export thread.
//!
//! The user's may be single-threaded and blocked in the shutdown, or gone, or
//! there is none. So connections and timers live in one of our own.

use std::io;

use tokio::runtime::{Builder, Runtime};

pub(crate) fn build() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
