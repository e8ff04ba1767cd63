//! B: actix-web, which calls the next one with awc.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{App, HttpRequest, HttpServer, error, rt};
use rum_trace_actix::{RumTrace, RumTraceClient};
use rum_trace_core::Instrumenter;

use crate::seen::{Seen, Witness};
use crate::telemetry::OWN_HOST;

/// The service in a thread of its own; it stops when this is dropped.
#[derive(Debug)]
pub struct Actix {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Debug)]
struct Price {
    /// The URL of the next one's items.
    next: String,
    witness: Witness,
}

impl Actix {
    /// Serves; `next` is the URL of the next one's items.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[must_use]
    pub fn start(instrumenter: Instrumenter, next: String, witness: Witness) -> Self {
        let listener = TcpListener::bind((OWN_HOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (started, handle) = mpsc::channel();
        let price = Price { next, witness };
        let thread = thread::spawn(move || {
            rt::System::new().block_on(run(listener, instrumenter, price, started));
        });
        Actix {
            address,
            handle: handle.recv().expect("actix-web starts"),
            thread: Some(thread),
        }
    }
}

async fn run(
    listener: TcpListener,
    instrumenter: Instrumenter,
    price: Price,
    started: mpsc::Sender<ServerHandle>,
) {
    let server = HttpServer::new(move || {
        let trace = RumTraceClient::new(instrumenter.clone());
        App::new()
            // Clients of awc stay on their thread.
            .app_data(Data::new(awc::Client::builder().wrap(trace).finish()))
            .app_data(Data::new(price.clone()))
            .route("/price/{item}", web::get().to(answer))
            .wrap(RumTrace::new(instrumenter.clone()))
    });
    let server = server
        // Without this the end of a client is noticed only when it is written to.
        .h1_allow_half_closed(false)
        .workers(1)
        .disable_signals()
        .listen(listener)
        .expect("it listens")
        .run();
    started.send(server.handle()).expect("the starter waits");
    server.await.expect("actix-web serves until it is stopped");
}

async fn answer(
    client: Data<awc::Client>,
    price: Data<Price>,
    item: Path<String>,
    request: HttpRequest,
) -> actix_web::Result<Bytes> {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    price.witness.tell(Seen::now(headers));
    let sent = client.get(format!("{}/{item}", price.next)).send();
    let mut response = sent.await.map_err(error::ErrorBadGateway)?;
    response.body().await.map_err(error::ErrorBadGateway)
}

impl Drop for Actix {
    fn drop(&mut self) {
        // It is told by the call; the future is for those who wait.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test has failed by it.
            let _ = thread.join();
        }
    }
}
