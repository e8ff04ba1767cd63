//! Prices as they change, for all who watch.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// A watcher that is more prices behind than this has missed some.
const KEPT: usize = 16;

/// What an item costs from now on.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Price {
    /// The item.
    pub item: u32,
    /// Its price, in cents.
    pub cents: u32,
}

/// Tells prices to all who watch.
#[derive(Debug)]
pub struct Market {
    /// None once the market has closed.
    sender: Mutex<Option<Sender<Price>>>,
}

impl Default for Market {
    fn default() -> Self {
        Market {
            sender: Mutex::new(Some(channel(KEPT).0)),
        }
    }
}

impl Market {
    /// Tells a new price to all who watch.
    pub fn publish(&self, price: Price) {
        if let Some(sender) = &*self.sender() {
            // An error says that nobody watches.
            let _ = sender.send(price);
        }
    }

    /// Ends the streams of all who watch: without it a graceful shutdown waits
    /// for them.
    pub fn close(&self) {
        self.sender().take();
    }

    /// The prices from now on; none if the market has closed.
    pub(crate) fn watch(&self) -> Option<Receiver<Price>> {
        self.sender().as_ref().map(Sender::subscribe)
    }

    fn sender(&self) -> MutexGuard<'_, Option<Sender<Price>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
