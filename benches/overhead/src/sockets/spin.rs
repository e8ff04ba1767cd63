//! A layer whose price is known: it spins for so long.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

/// The layer.
#[derive(Clone, Copy, Debug)]
pub struct Spin(pub Duration);

impl<S> Layer<S> for Spin {
    type Service = SpinService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SpinService {
            inner,
            time: self.0,
        }
    }
}

/// Its service.
#[derive(Clone, Debug)]
pub struct SpinService<S> {
    inner: S,
    time: Duration,
}

impl<S, B> Service<Request<B>> for SpinService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let started = Instant::now();
        while started.elapsed() < self.time {
            std::hint::spin_loop();
        }
        self.inner.call(request)
    }
}
