//! The service on actix-web, which calls others with awc.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpServer, error, rt};
use rum_trace_actix::{RumTrace, RumTraceClient};

use super::OWN_HOST;
use super::calls::{Calls, goes_on};

/// The service in a thread of its own; it stops when this is dropped.
pub(super) struct Actix {
    pub(super) address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Actix {
    pub(super) fn start(calls: Calls) -> Self {
        let listener = TcpListener::bind((OWN_HOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (started, handle) = mpsc::channel();
        let thread =
            thread::spawn(move || rt::System::new().block_on(run(listener, calls, started)));
        Actix {
            address,
            handle: handle.recv().expect("actix-web starts"),
            thread: Some(thread),
        }
    }
}

async fn run(listener: TcpListener, calls: Calls, started: mpsc::Sender<ServerHandle>) {
    let server = HttpServer::new(move || {
        let trace = RumTraceClient::new(calls.instrumenter.clone());
        App::new()
            // Clients of awc stay on their thread.
            .app_data(Data::new(awc::Client::builder().wrap(trace).finish()))
            .app_data(Data::new(calls.clone()))
            .route("/cart", web::get().to(cart))
            .wrap(RumTrace::new(calls.instrumenter.clone()))
    });
    let server = server
        .workers(1)
        .disable_signals()
        .listen(listener)
        .expect("it listens")
        .run();
    started.send(server.handle()).expect("the starter waits");
    server.await.expect("actix-web serves until it is stopped");
}

async fn cart(
    client: Data<awc::Client>,
    calls: Data<Calls>,
    request: HttpRequest,
) -> actix_web::Result<&'static str> {
    let came = request.headers().iter();
    calls.tell(came.map(|(name, value)| (name.as_str(), value.as_bytes())));
    for url in calls.urls() {
        let mut call = client.get(url);
        let copied = request.headers().iter();
        for (name, value) in copied.filter(|(name, _)| goes_on(name.as_str())) {
            call = call.append_header((name.clone(), value.clone()));
        }
        let mut answer = call.send().await.map_err(error::ErrorBadGateway)?;
        answer.body().await.map_err(error::ErrorBadGateway)?;
    }
    Ok("sold")
}

impl Drop for Actix {
    fn drop(&mut self) {
        // It is told by the call; the future is for those who wait. Not gracefully: the
        // answer was read to its end, and actix-server before 2.10 can lose the order to
        // its worker, and then waits for ever.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test has failed by it.
            let _ = thread.join();
        }
    }
}
