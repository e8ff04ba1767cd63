//! The scenarios, by topic. Each takes a server that has served nothing yet,
//! does something to it, and says what must be seen of that.

pub mod bodies;
pub mod carriers;
pub mod context;
pub mod headers_out;
pub mod lifecycle;
pub mod metrics;
pub mod protocols;
pub mod routes;
pub mod skip;
pub mod verification;

use crate::Server;
use crate::expect::Expected;
use crate::service::TEXT;
use crate::wire::{Caller, Client, Protocol, Request, Response};

/// The caller of scenarios that need but one.
pub const CALLER: Caller = Caller::number(0);

/// Sends a GET of the caller, in a connection of its own.
pub async fn get(server: &Server, protocol: Protocol, target: &str) -> Response {
    let mut client = Client::open(protocol, server.address()).await;
    client.ask(&Request::get(target).from(CALLER)).await
}

/// What must be seen of that, if it was answered with the usual text.
#[must_use]
pub fn got(protocol: Protocol, target: &str, route: &'static str) -> Expected {
    let expected = Expected::get(target).route(route).from(CALLER);
    expected.over(protocol).receives(TEXT.len())
}

/// A kind of answer.
pub(crate) struct Answered {
    pub(crate) target: &'static str,
    route: Option<&'static str>,
    status: u16,
    error: Option<&'static str>,
}

/// Each: with a body, of no route, of an error, of a stream, without a body.
pub(crate) const ANSWERS: [Answered; 5] = [
    Answered::new("/users/42", Some("/users/{id}"), 200, None),
    Answered::new("/nowhere", None, 404, None),
    Answered::new("/error500", Some("/error500"), 500, Some("500")),
    Answered::new("/stream?frames=2", Some("/stream"), 200, None),
    Answered::new("/empty", Some("/empty"), 204, None),
];

impl Answered {
    const fn new(
        target: &'static str,
        route: Option<&'static str>,
        status: u16,
        error: Option<&'static str>,
    ) -> Self {
        Answered {
            target,
            route,
            status,
            error,
        }
    }

    /// The span of such an answer to a client that sent [`CALLER`] and [`RUM`].
    pub(crate) fn span(&self, protocol: Protocol, answer: &Response) -> Expected {
        assert_eq!(answer.head.status, self.status, "{}", self.target);
        let expected = Expected::get(self.target).from(CALLER).over(protocol);
        let mut expected = expected.status(self.status);
        if let Some(route) = self.route {
            expected = expected.route(route);
        }
        if let Some(error) = self.error {
            expected = expected.error(error);
        }
        told(expected).receives(answer.body.len())
    }
}

/// A `tracestate` as the web SDK sends it.
pub const RUM: &str = "rum=v2&browser&demo123@53df7ad2afe8301&4f04d2f5&uid_1";

/// What a span tells of a client that sent [`RUM`].
#[must_use]
pub fn told(expected: Expected) -> Expected {
    expected
        .with("rum.app.id", "demo123@53df7ad2afe8301")
        .with("rum.app.type", "browser")
        .with("rum.version", "v2")
        .with("session.id", "4f04d2f5")
        .with("user.id", "uid_1")
}
