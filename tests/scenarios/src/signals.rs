//! Handlers that wait: the client learns that one was entered, and may let it
//! go on. So that no scenario waits on a clock.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// The appointments between clients and handlers, by the key that the client
/// sends along.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    appointments: Arc<Mutex<HashMap<u64, Handler>>>,
}

/// The handler's end.
#[derive(Debug)]
struct Handler {
    entered: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// The client's end of one appointment. If it is dropped the handler waits for
/// ever.
#[derive(Debug)]
pub struct Appointment {
    entered: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Signals {
    /// Makes an appointment with the handler of the request that will have
    /// this key.
    #[must_use]
    pub fn appoint(&self, key: u64) -> Appointment {
        let (entered, was_entered) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let handler = Handler { entered, released };
        self.lock().insert(key, handler);
        Appointment {
            entered: was_entered,
            release,
        }
    }

    /// Called by a handler: tells that it was entered, and waits until it is
    /// released.
    pub async fn wait(&self, key: u64) {
        let handler = self.lock().remove(&key);
        let Some(handler) = handler else {
            return pending().await;
        };
        // A client that has gone already does not want to know.
        let _ = handler.entered.send(());
        if handler.released.await.is_err() {
            pending::<()>().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Handler>> {
        self.appointments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Appointment {
    /// Waits until the handler was entered.
    ///
    /// # Panics
    ///
    /// If the handler went away before.
    pub async fn entered(&mut self) {
        (&mut self.entered).await.expect("the handler is entered");
    }

    /// Lets the handler go on.
    pub fn release(self) {
        // The handler may have been dropped with its client.
        let _ = self.release.send(());
    }
}
