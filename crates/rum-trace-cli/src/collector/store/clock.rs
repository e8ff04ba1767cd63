//! The time since the store began; in tests it stands still until it is moved.

use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(crate) enum Clock {
    System(Instant),
    #[cfg(test)]
    Manual(std::sync::Arc<std::sync::atomic::AtomicU64>),
}

impl Clock {
    pub(crate) fn system() -> Self {
        Self::System(Instant::now())
    }

    pub(crate) fn now(&self) -> Duration {
        match self {
            Self::System(start) => start.elapsed(),
            #[cfg(test)]
            Self::Manual(ms) => Duration::from_millis(ms.load(std::sync::atomic::Ordering::SeqCst)),
        }
    }
}

#[cfg(test)]
impl Clock {
    pub(crate) fn manual() -> Self {
        Self::Manual(std::sync::Arc::default())
    }

    pub(crate) fn advance(&self, by: Duration) {
        match self {
            Self::System(_) => panic!("the system's clock is not moved"),
            Self::Manual(ms) => {
                let by = u64::try_from(by.as_millis()).unwrap();
                ms.fetch_add(by, std::sync::atomic::Ordering::SeqCst);
            }
        }
    }
}
