//! Since when a connection is without a request.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::server::Patience;

/// The requests of one connection: how many are under way, and since when none.
pub(super) struct Requests {
    state: watch::Sender<State>,
}

#[derive(Clone, Copy)]
struct State {
    under_way: usize,
    any: bool,
    since: Instant,
}

impl Requests {
    pub(super) fn new() -> Self {
        let state = State {
            under_way: 0,
            any: false,
            since: Instant::now(),
        };
        Self {
            state: watch::Sender::new(state),
        }
    }

    pub(super) fn begin(&self) -> UnderWay {
        self.state.send_modify(|state| {
            state.under_way = state.under_way.saturating_add(1);
            state.any = true;
        });
        UnderWay(self.state.clone())
    }

    /// Ends when the connection was without a request for too long.
    pub(super) async fn out_of(&self, patience: Patience) {
        let mut changes = self.state.subscribe();
        loop {
            let state = *changes.borrow_and_update();
            let left = if state.any {
                patience.idle
            } else {
                patience.first_request
            };
            let over = async {
                match state.under_way {
                    0 => sleep_until(state.since + left).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                // The sender is in `self`.
                _ = changes.changed() => {}
            }
        }
    }
}

/// A request until its answer is sent: a stream of events is no idle connection.
pub(super) struct Answering {
    pub(super) body: Body,
    #[expect(dead_code, reason = "it counts as long as it is there")]
    pub(super) under_way: UnderWay,
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pub(super) struct UnderWay(watch::Sender<State>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|state| {
            state.under_way = state.under_way.saturating_sub(1);
            state.since = Instant::now();
        });
    }
}
