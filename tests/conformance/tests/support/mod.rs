//! The service on each framework, on a free port of 127.0.0.1.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;

use actix_web::dev::ServerHandle;
use rum_trace_conformance::{actix_server, axum_router};
use rum_trace_e2e::PATIENCE;
use rum_trace_e2e::server::Server;

/// A running service; it stops when this is dropped.
pub(crate) enum Service {
    Axum(Server),
    Actix(ActixServer),
}

impl Service {
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Service::Axum(server) => server.address(),
            Service::Actix(server) => server.address,
        }
    }
}

pub(crate) fn axum() -> Service {
    Service::Axum(Server::start(axum_router()))
}

pub(crate) fn actix() -> Service {
    Service::Actix(ActixServer::start())
}

/// A server in a thread of its own, with actix-web's runtime.
pub(crate) struct ActixServer {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

impl ActixServer {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (sender, handle) = mpsc::channel();
        let run = async move {
            let server = actix_server(listener).expect("it listens");
            sender.send(server.handle()).expect("the test waits");
            server.await.expect("it serves until it is stopped");
        };
        let thread = thread::spawn(move || actix_web::rt::System::new().block_on(run));
        ActixServer {
            address,
            handle: handle.recv_timeout(PATIENCE).expect("it starts"),
            thread: Some(thread),
        }
    }
}

impl Drop for ActixServer {
    fn drop(&mut self) {
        // The command is sent at once; the thread's end is what is waited for.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the test has failed by it.
            let _ = thread.join();
        }
    }
}
