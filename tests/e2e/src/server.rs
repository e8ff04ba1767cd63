//! An axum service on a real socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use axum::Router;
use tokio::sync::oneshot;

/// A running service; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Serves on a free port of 127.0.0.1, in a thread of its own.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn start(router: Router) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || run(listener, router, stopped));
        Server {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test has failed by it.
            let _ = thread.join();
        }
    }
}

fn run(listener: std::net::TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a socket can be");
        let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
        tokio::select! {
            served = axum::serve(listener, router) => served.expect("axum serves for ever"),
            // The sender was dropped: open connections go with the runtime.
            _ = stopped => {}
        }
    });
}
