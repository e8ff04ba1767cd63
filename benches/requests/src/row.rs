//! The rows of the tables, by name.

use std::fmt;

use crate::axum::Layered;
use crate::load::Load;
use crate::sdk;
use crate::subject::Scoped;

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum 0.8.
    Axum,
    /// actix-web 4.
    Actix,
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framework::Axum => "axum",
            Framework::Actix => "actix-web",
        })
    }
}

/// The rows that are compared with one another: same framework, same requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Who serves.
    pub framework: Framework,
    /// What is asked.
    pub load: Load,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.framework, self.load)
    }
}

/// The name of each group's row without any layer.
pub const BARE: &str = "bare";

/// How to make what is measured.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    name: &'static str,
    make: Make,
}

#[derive(Clone, Copy, Debug)]
enum Make {
    Axum(fn() -> Layered),
    Actix(fn(Load) -> Scoped),
}

impl Maker {
    /// A router under a layer.
    #[must_use]
    pub const fn axum(name: &'static str, make: fn() -> Layered) -> Self {
        Maker {
            name,
            make: Make::Axum(make),
        }
    }

    /// An app under a middleware, with its requests: its type is its own.
    #[must_use]
    pub const fn actix(name: &'static str, make: fn(Load) -> Scoped) -> Self {
        Maker {
            name,
            make: Make::Actix(make),
        }
    }

    /// What it is called in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn framework(&self) -> Framework {
        match self.make {
            Make::Axum(_) => Framework::Axum,
            Make::Actix(_) => Framework::Actix,
        }
    }

    /// The router, if it is one.
    #[must_use]
    pub fn layered(&self) -> Option<Layered> {
        sdk::provider();
        match self.make {
            Make::Axum(make) => Some(make()),
            Make::Actix(_) => None,
        }
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Where it belongs.
    pub group: Group,
    maker: Maker,
}

impl Row {
    /// What it is called within its group.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.maker.name
    }

    /// What it is called among all: `axum, W3C, sampled, bare`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}, {}", self.group, self.name())
    }

    /// Whether it has no layer.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.name() == BARE
    }

    /// What is measured.
    #[must_use]
    pub fn make(&self) -> Scoped {
        sdk::provider();
        self.enter();
        let mut subject = match self.maker.make {
            Make::Axum(make) => make().scoped(self.group.load),
            Make::Actix(make) => make(self.group.load),
        };
        // Services that have served for a while have had their metrics collected.
        subject.serve(1);
        sdk::collect();
        subject
    }

    /// To be called before it serves.
    pub fn enter(&self) {
        sdk::sample_roots(self.group.load.sampled);
    }
}

/// All rows, group by group.
#[must_use]
pub fn rows(makers: &[Maker], loads: &[Load]) -> Vec<Row> {
    let mut rows = Vec::new();
    for framework in [Framework::Axum, Framework::Actix] {
        for &load in loads {
            let group = Group { framework, load };
            let makers = makers.iter().filter(|maker| maker.framework() == framework);
            rows.extend(makers.map(|&maker| Row { group, maker }));
        }
    }
    rows
}
