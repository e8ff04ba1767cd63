//! The server: all layers in one process and one thread, one of them in use.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rum_trace_bench_requests::axum::Layered;
use tower_service::Service;
use tracing::{Dispatch, dispatcher};

use super::book::Book;
use super::cores;

/// Serves on a thread and a core of its own until the process ends.
///
/// # Errors
///
/// If there is no port to be had.
pub fn start(layers: Vec<Layered>, book: Arc<Mutex<Book>>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let switch = Switch {
        layers: layers.into(),
        book,
    };
    thread::Builder::new()
        .name("server".to_owned())
        .spawn(move || {
            let served = serve(listener, switch);
            panic!("the server has ended: {served:?}");
        })?;
    Ok(address)
}

fn serve(listener: TcpListener, switch: Switch) -> io::Result<()> {
    cores::pin(0)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let app = Router::new().fallback_service(switch);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app).await
    })
}

/// Hands each request to the layer that the book says.
#[derive(Clone)]
struct Switch {
    layers: Arc<[Layered]>,
    book: Arc<Mutex<Book>>,
}

impl Service<Request<Body>> for Switch {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Under<<Router as Service<Request<Body>>>::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let at = self
            .book
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .request();
        let Layered { router, subscriber } = &self.layers[at];
        let mut router = router.clone();
        let inner = within(subscriber.as_ref(), || router.call(request));
        Under {
            inner,
            subscriber: subscriber.clone(),
        }
    }
}

pin_project! {
    /// A response to come, made under a subscriber of its own.
    struct Under<F> {
        #[pin]
        inner: F,
        subscriber: Option<Dispatch>,
    }
}

impl<F: Future> Future for Under<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        within(this.subscriber.as_ref(), || this.inner.poll(task))
    }
}

fn within<T>(subscriber: Option<&Dispatch>, work: impl FnOnce() -> T) -> T {
    match subscriber {
        Some(subscriber) => dispatcher::with_default(subscriber, work),
        None => work(),
    }
}
