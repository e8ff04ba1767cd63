use std::fmt;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_web::dev::{Server, ServerHandle};
use actix_web::rt;
use tokio::sync::oneshot;

/// A server on a thread of its own. It ends when this is dropped.
pub struct Running {
    stop: Option<Box<dyn FnOnce() + Send>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Serves for ever in a runtime of tokio's, as axum does.
    pub fn on_tokio<F: Future<Output = ()>>(serve: impl FnOnce() -> F + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve() => {}
                    // The sender was dropped: what is under way goes with the runtime.
                    _ = stopped => {}
                }
            });
        });
        Running {
            stop: Some(Box::new(|| drop(stop))),
            thread: Some(thread),
        }
    }

    /// Serves in a system of actix's.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn on_actix(serve: impl FnOnce() -> Server + Send + 'static) -> Self {
        let (started, handle) = mpsc::channel();
        let thread = thread::spawn(move || {
            rt::System::new().block_on(async {
                let server = serve();
                started.send(server.handle()).expect("the starter waits");
                server.await.expect("actix-web serves until it is stopped");
            });
        });
        let handle: ServerHandle = handle.recv().expect("actix-web starts");
        Running {
            // It is told by the call; the future is for those who wait.
            stop: Some(Box::new(move || drop(handle.stop(false)))),
            thread: Some(thread),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test has failed by it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}
