//! The service behind the shop, on actix-web.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Json, get, post};
use actix_web::{App, HttpResponse, HttpServer, web};
use rum_trace::actix::{CurrentTrace, RumTrace};

use super::answer::Seen;

/// How long a forecast takes: the slow request of the demo.
const FORECAST: Duration = Duration::from_millis(40);

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    /// On a free port of the loopback interface.
    pub(crate) fn start(trace: RumTrace) -> io::Result<Self> {
        let app = move || App::new().configure(routes).wrap(trace.clone());
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = server.addrs().first().copied();
        let address = address.ok_or_else(|| io::Error::other("it listens nowhere"))?;
        let running = server.run();
        let handle = running.handle();
        tokio::spawn(running);
        Ok(Self { address, handle })
    }

    /// The base of its addresses, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Told when it is called; whoever awaits it waits for the workers, too.
        drop(self.handle.stop(false));
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/stock/{id}", get().to(level))
        .route("/stock/{id}/forecast", get().to(forecast))
        .route("/reservations", post().to(reservation));
}

async fn level(trace: CurrentTrace) -> Json<Seen> {
    Json(trace.into())
}

async fn forecast(trace: CurrentTrace) -> Json<Seen> {
    tokio::time::sleep(FORECAST).await;
    Json(trace.into())
}

/// Always fails: the error of the demo, deep in its call chain.
async fn reservation(trace: CurrentTrace) -> HttpResponse {
    HttpResponse::InternalServerError().json(Seen::from(trace))
}
