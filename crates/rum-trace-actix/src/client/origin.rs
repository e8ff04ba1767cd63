//! What the requests that are sent for one of the caller's have in common.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use opentelemetry::Context;

/// A request as its caller made it.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// What was active there.
    pub(super) parent: Context,
    /// When the client gives up, if it was told.
    pub(super) deadline: Option<Instant>,
    /// How many requests were sent for it so far.
    pub(super) sent: u32,
}

impl Origin {
    fn now(limit: Option<Duration>) -> Self {
        Origin {
            parent: Context::current(),
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
            sent: 0,
        }
    }
}

/// Tells a request that is sent again whence it comes.
///
/// The service that sends again is awc's; it has no place for anything of ours. But
/// it sends while it is called or polled, on this thread: what holds then is here.
#[derive(Clone)]
pub(super) struct Origins {
    limit: Option<Duration>,
    polled: Rc<Cell<Option<Origin>>>,
}

impl Origins {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Origins {
            limit,
            polled: Rc::default(),
        }
    }

    pub(super) fn begin(&self) -> Origin {
        Origin::now(self.limit)
    }

    /// That of a request which is about to be sent; by itself it is its own.
    pub(super) fn of_next(&self) -> Origin {
        let Some(origin) = self.polled.take() else {
            return self.begin();
        };
        let sent = origin.sent.saturating_add(1);
        let rest = Origin {
            sent,
            ..origin.clone()
        };
        self.polled.set(Some(rest));
        origin
    }

    /// Calls or polls what sends requests for this one.
    pub(super) fn within<T>(&self, origin: &mut Option<Origin>, send: impl FnOnce() -> T) -> T {
        // A request's body may itself send one with the same client.
        let around = self.polled.replace(origin.take());
        let result = send();
        *origin = self.polled.replace(around);
        result
    }
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origins")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TraceContextExt;

    fn sent(origins: &Origins) -> u32 {
        origins.of_next().sent
    }

    #[test]
    fn what_is_sent_again_is_counted_and_keeps_its_origin() {
        let origins = Origins::new(Some(Duration::from_secs(1)));
        let begun = origins.begin();
        let mut origin = Some(begun.clone());
        assert_eq!(origins.within(&mut origin, || sent(&origins)), 0);
        // Between two polls others are sent.
        assert_eq!((sent(&origins), sent(&origins)), (0, 0));
        let suppressed = Context::current().with_telemetry_suppressed();
        let _elsewhere = suppressed.attach();
        let again = origins.within(&mut origin, || origins.of_next());
        assert_eq!(again.sent, 1);
        assert_eq!(again.deadline, begun.deadline);
        assert!(!again.parent.is_telemetry_suppressed());
        assert!(!again.parent.has_active_span());
        assert!(origins.of_next().parent.is_telemetry_suppressed());
    }

    #[test]
    fn a_request_within_another_is_one_of_its_own() {
        let origins = Origins::new(None);
        let mut outer = Some(origins.begin());
        origins.within(&mut outer, || {
            assert_eq!(sent(&origins), 0);
            let mut inner = Some(origins.begin());
            assert_eq!(origins.within(&mut inner, || sent(&origins)), 0);
            assert_eq!(origins.within(&mut inner, || sent(&origins)), 1);
            assert_eq!(sent(&origins), 1);
        });
        assert_eq!(outer.map(|origin| origin.sent), Some(2));
    }
}
