//! Response bodies of several frames, the same for each framework.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use crate::signals::Signals;

/// The data of one frame: 16 bytes, and a line of its own.
pub const FRAME: &str = "data: a frame.\n\n";

/// A stream of frames, none of which is there when it is first asked for.
pub struct Frames {
    left: usize,
    yielded: bool,
    then: Option<Then>,
}

/// What follows the frames.
enum Then {
    Error,
    Panic,
    /// A last frame, once the client has released it.
    Wait(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Frames {
    /// So many frames.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        Frames {
            left: frames,
            yielded: false,
            then: None,
        }
    }

    /// So many frames, and then an error.
    #[must_use]
    pub fn then_error(frames: usize) -> Self {
        let then = Some(Then::Error);
        Frames {
            then,
            ..Frames::new(frames)
        }
    }

    /// So many frames, and then a panic.
    #[must_use]
    pub fn then_panic(frames: usize) -> Self {
        let then = Some(Then::Panic);
        Frames {
            then,
            ..Frames::new(frames)
        }
    }

    /// So many frames, and one more when the client has released it.
    #[must_use]
    pub fn then_wait(frames: usize, signals: &Signals, key: u64) -> Self {
        let signals = signals.clone();
        let wait = Box::pin(async move { signals.wait(key).await });
        let then = Some(Then::Wait(wait));
        Frames {
            then,
            ..Frames::new(frames)
        }
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Stream for Frames {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left > 0 {
            self.yielded = !self.yielded;
            if self.yielded {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.left -= 1;
            return Poll::Ready(Some(Ok(Bytes::from_static(FRAME.as_bytes()))));
        }
        match self.then.take() {
            None => Poll::Ready(None),
            Some(Then::Error) => Poll::Ready(Some(Err(io::Error::other("the body broke")))),
            Some(Then::Panic) => super::deliberate_panic(),
            Some(Then::Wait(mut wait)) => {
                if wait.as_mut().poll(cx).is_pending() {
                    self.then = Some(Then::Wait(wait));
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(Bytes::from_static(FRAME.as_bytes()))))
            }
        }
    }
}
