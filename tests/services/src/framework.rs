use std::fmt;

/// A framework with an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum on hyper, with `rum-trace-tower`.
    Axum,
    /// actix-web, with `rum-trace-actix`.
    Actix,
}

impl Framework {
    /// All of them.
    pub const ALL: [Framework; 2] = [Framework::Axum, Framework::Actix];
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framework::Axum => "axum",
            Framework::Actix => "actix",
        })
    }
}
