//! The frameworks, and where they truly differ.

use std::fmt;

/// A framework with an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum 0.8 on hyper, with `rum-trace-tower`.
    Axum,
    /// actix-web 4, with `rum-trace-actix`.
    Actix,
}

impl Framework {
    /// All of them.
    pub const ALL: [Framework; 2] = [Framework::Axum, Framework::Actix];

    /// The status of a request whose service failed, not its handler.
    ///
    /// In tower an error has no status: what becomes of it is decided further
    /// out. In actix-web every error names the status that it will be.
    #[must_use]
    pub const fn status_of_a_failed_service(self) -> Option<u16> {
        match self {
            Framework::Axum => None,
            Framework::Actix => Some(503),
        }
    }

    /// Whether it is told at once that a client reset its HTTP/2 stream.
    ///
    /// actix-http serves each stream in a task that waits for the handler and
    /// for the body alone; that the client has gone it learns when it next has
    /// something to send. Only then it drops what is left.
    #[must_use]
    pub const fn notices_reset_streams(self) -> bool {
        match self {
            Framework::Axum => true,
            Framework::Actix => false,
        }
    }

    /// How half a request body is answered, of which the client closes the
    /// connection.
    ///
    /// hyper gives the handler an error, of which axum makes a 400. actix-http
    /// takes the end of the connection for the end of the body.
    #[must_use]
    pub const fn answer_to_half_a_body(self) -> u16 {
        match self {
            Framework::Axum => 400,
            Framework::Actix => 200,
        }
    }

    /// The route that takes `/files` and all below, in its own spelling.
    #[must_use]
    pub const fn files_route(self) -> &'static str {
        match self {
            Framework::Axum => "/files/{*path}",
            Framework::Actix => "/files/{path:.*}",
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framework::Axum => "axum",
            Framework::Actix => "actix",
        })
    }
}
