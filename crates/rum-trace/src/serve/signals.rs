//! The signals that ask a process to end.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

#[cfg(unix)]
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Listener, ctrl_c};

type Named<T> = (&'static str, T);

/// Those that could be caught, from its making on: none is missed in between
/// two calls of `next`.
#[derive(Debug)]
pub(super) struct Signals(Vec<Named<Listener>>);

/// What Kubernetes, systemd and a terminal send.
#[cfg(unix)]
fn listeners() -> [Named<io::Result<Listener>>; 2] {
    [
        ("SIGTERM", signal(SignalKind::terminate())),
        ("SIGINT", signal(SignalKind::interrupt())),
    ]
}

#[cfg(windows)]
fn listeners() -> [Named<io::Result<Listener>>; 1] {
    [("Ctrl-C", ctrl_c())]
}

impl Signals {
    pub(super) fn install() -> Self {
        Self::of(listeners())
    }

    fn of(listeners: impl IntoIterator<Item = Named<io::Result<Listener>>>) -> Self {
        let listeners = listeners.into_iter();
        Signals(
            listeners
                .filter_map(|(name, it)| caught(name, it))
                .collect(),
        )
    }

    /// Waits for one, and tells its name.
    pub(super) async fn next(&mut self) -> &'static str {
        poll_fn(|cx| {
            let ready = self.0.iter_mut().find_map(|(name, listener)| {
                let poll = listener.poll_recv(cx);
                matches!(poll, Poll::Ready(Some(()))).then_some(*name)
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

fn caught(name: &'static str, listener: io::Result<Listener>) -> Option<Named<Listener>> {
    let problem = match listener {
        Ok(listener) => return Some((name, listener)),
        Err(error) => error,
    };
    tracing::warn!(
        signal = name,
        error = %problem,
        "this signal cannot be caught: it ends the process without a flush"
    );
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    use std::pin::pin;
    use std::task::{Context, Waker};

    #[tokio::test]
    async fn a_signal_that_cannot_be_caught_is_left_out() {
        const SIGKILL: i32 = 9;
        let refused = signal(SignalKind::from_raw(SIGKILL));
        assert!(refused.is_err(), "nobody catches it");
        let caught = signal(SignalKind::user_defined1());
        let mut signals = Signals::of([("SIGKILL", refused), ("SIGUSR1", caught)]);
        let names: Vec<_> = signals.0.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["SIGUSR1"]);

        let none = pin!(signals.next()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(none.is_pending(), "nothing came, which is not a signal");
    }
}
