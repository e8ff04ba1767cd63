//! Bodies are read up to a length, for a while, and with all others within one
//! bound of memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::{Bounds, Refusal};
use crate::collector::stats::Reason;

/// How many bodies' worth of a refused one is read.
const DRAINED: usize = 4;
/// The most that is set aside for a body of which nothing has come yet.
const FIRST: usize = 64 * 1024;

/// The bytes of all bodies that are in memory.
#[derive(Debug)]
pub(super) struct InFlight {
    used: AtomicUsize,
    most: usize,
}

/// A body, and its part of what is in flight, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _share: Share,
}

impl InFlight {
    pub(super) const fn new(most: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            most,
        }
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn share(self: &Arc<Self>) -> Share {
        Share {
            of: Arc::clone(self),
            bytes: 0,
        }
    }
}

#[derive(Debug)]
struct Share {
    of: Arc<InFlight>,
    bytes: usize,
}

impl Share {
    /// False if there is no room for that many more.
    fn grow(&mut self, more: usize) -> bool {
        let most = self.of.most;
        let room = |used: usize| used.checked_add(more).filter(|used| *used <= most);
        let used = &self.of.used;
        let taken = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        if taken.is_ok() {
            self.bytes = self.bytes.saturating_add(more);
        }
        taken.is_ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads a body whole, if it has at most so many bytes. `announced` is its
/// Content-Length, if it has one.
pub(super) async fn read<B>(
    bounds: &Bounds,
    body: B,
    most: usize,
    announced: Option<u64>,
) -> Result<Held, Refusal>
where
    B: http_body::Body<Data = Bytes>,
{
    let announced = announced.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > most) {
        return Err(Refusal::too_large(bounds.limits));
    }
    let mut share = bounds.in_flight.share();
    // Not counted before it comes: who announces much and sends nothing takes little.
    let mut whole = BytesMut::with_capacity(announced.unwrap_or(0).min(FIRST));
    frames(bounds, body, |data| {
        if data.len() > most.saturating_sub(whole.len()) {
            return Err(Refusal::too_large(bounds.limits));
        }
        if !share.grow(data.len()) {
            return Err(busy());
        }
        whole.extend_from_slice(&data);
        Ok(())
    })
    .await?;
    Ok(Held {
        bytes: whole.freeze(),
        _share: share,
    })
}

/// Reads a body and keeps nothing of it.
pub(super) async fn discard<B>(bounds: &Bounds, body: B) -> Result<(), Refusal>
where
    B: http_body::Body<Data = Bytes>,
{
    let limits = bounds.limits;
    let mut length = 0_usize;
    frames(bounds, body, |data| {
        length = length.saturating_add(data.len());
        if length > limits.body {
            return Err(Refusal::too_large(limits));
        }
        Ok(())
    })
    .await
}

/// Reads on where a request was refused, for a while: over HTTP/1.1 a sender that
/// is cut off while it sends may never read the answer, and try again for ever.
pub(super) async fn drain<B>(bounds: &Bounds, body: B)
where
    B: http_body::Body<Data = Bytes>,
{
    let mut left = bounds.limits.body.saturating_mul(DRAINED);
    let all = frames(bounds, body, |data| {
        left = left.checked_sub(data.len()).ok_or_else(busy)?;
        Ok(())
    });
    // Whoever sends still more is cut off.
    let _ = all.await;
}

async fn frames<B>(
    bounds: &Bounds,
    body: B,
    mut each: impl FnMut(Bytes) -> Result<(), Refusal>,
) -> Result<(), Refusal>
where
    B: http_body::Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let all = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::new(Reason::Aborted, "the body broke off"))?;
            if let Ok(data) = frame.into_data() {
                each(data)?;
            }
        }
        Ok(())
    };
    timeout(bounds.limits.body_time, all)
        .await
        .unwrap_or_else(|_| Err(Refusal::new(Reason::Timeout, "the body took too long")))
}

fn busy() -> Refusal {
    let message = "too many requests are under way: try again";
    Refusal::new(Reason::Busy, message)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::collector::otlp::RequestLimits;

    fn bounds() -> Bounds {
        Bounds::new(RequestLimits {
            body: 10,
            in_flight: 15,
            ..RequestLimits::default()
        })
    }

    #[tokio::test]
    async fn a_body_ends_at_the_limit() {
        let bounds = bounds();
        let held = read(&bounds, Body::from(vec![1; 10]), 10, None)
            .await
            .unwrap();
        assert_eq!(&held.bytes[..], [1; 10]);
        for announced in [None, Some(11), Some(u64::MAX)] {
            let refusal = read(&bounds, Body::from(vec![1; 11]), 10, announced)
                .await
                .unwrap_err();
            assert_eq!(refusal.reason, Reason::BodyTooLarge);
        }
        discard(&bounds, Body::from(vec![1; 10])).await.unwrap();
        let refusal = discard(&bounds, Body::from(vec![1; 11])).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::BodyTooLarge);
    }

    #[tokio::test]
    async fn all_bodies_together_have_a_limit() {
        let bounds = bounds();
        let first = read(&bounds, Body::from(vec![1; 10]), 10, None)
            .await
            .unwrap();
        let refusal = read(&bounds, Body::from(vec![1; 6]), 10, None)
            .await
            .unwrap_err();
        assert_eq!(refusal.reason, Reason::Busy);
        drop(first);
        // Everything was given back, that of the refused one too.
        assert_eq!(bounds.in_flight.used(), 0);
        read(&bounds, Body::from(vec![1; 6]), 10, None)
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let stalled = Body::new(http_body_util::StreamBody::new(Never));
        let refusal = read(&bounds(), stalled, 10, None).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::Timeout);
    }

    struct Never;

    impl futures_core::Stream for Never {
        type Item = Result<http_body::Frame<Bytes>, std::io::Error>;

        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Pending
        }
    }
}
