//! Each end that a request can have.

use crate::Server;
use crate::expect::Expected;
use crate::service::TEXT;
use crate::wire::{Caller, Client, Protocol, Request};

const CALLER: Caller = Caller::number(7);

/// The response is complete.
pub async fn finished(server: &Server) {
    for protocol in Protocol::ALL {
        let mut client = Client::open(protocol, server.address()).await;
        let answer = client.ask(&Request::get("/users/42").from(CALLER)).await;
        assert_eq!((answer.status(), &*answer.text()), (200, TEXT));
        let expected = Expected::get("/users/42").route("/users/{id}").from(CALLER);
        server
            .expect(expected.over(protocol).receives(TEXT.len()))
            .await;
    }
}
