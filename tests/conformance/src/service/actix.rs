use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::web::{self, Data, Json};
use actix_web::{App, HttpServer, error};
use rum_trace::actix::RumTrace;

use super::make_all;
use crate::calls::{Call, Caller};

/// The service on actix-web, to be awaited; it leaves signals to its caller.
///
/// # Errors
///
/// If the listener cannot be used.
pub fn server(listener: TcpListener) -> io::Result<Server> {
    // A worker has a runtime of its own, which its caller's connections live in.
    let app = || {
        App::new()
            .app_data(Data::new(Caller::new()))
            .route("/test", web::post().to(test))
            .wrap(RumTrace::default())
    };
    let server = HttpServer::new(app)
        .h1_allow_half_closed(false)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

async fn test(caller: Data<Caller>, calls: Json<Vec<Call>>) -> actix_web::Result<&'static str> {
    let called = make_all(&caller, &calls).await;
    called.map_err(error::ErrorBadGateway)
}
