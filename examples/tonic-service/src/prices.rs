//! Prices as they change, for all who watch.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::proto::Price;

/// A watcher that is so many prices behind has missed some.
const KEPT: usize = 16;

/// The shop's prices as they change.
#[derive(Debug)]
pub struct Prices {
    /// None once the shop has closed.
    sender: Mutex<Option<Sender<Price>>>,
}

impl Default for Prices {
    fn default() -> Self {
        Prices {
            sender: Mutex::new(Some(channel(KEPT).0)),
        }
    }
}

impl Prices {
    /// Tells a new price to all who watch.
    pub fn publish(&self, item_id: u32, cents: u32) {
        if let Some(sender) = &*self.sender() {
            // An error says that nobody watches.
            let _ = sender.send(Price { item_id, cents });
        }
    }

    /// Ends the streams of all who watch: without it a graceful shutdown waits
    /// for them.
    pub fn close(&self) {
        self.sender().take();
    }

    /// How many watch now.
    pub fn watchers(&self) -> usize {
        self.sender().as_ref().map_or(0, Sender::receiver_count)
    }

    /// The prices from now on; none if the shop has closed.
    pub(crate) fn watch(&self) -> Option<Receiver<Price>> {
        self.sender().as_ref().map(Sender::subscribe)
    }

    fn sender(&self) -> MutexGuard<'_, Option<Sender<Price>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
