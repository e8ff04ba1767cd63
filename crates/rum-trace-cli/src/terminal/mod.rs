//! What all commands write to a terminal has in common.

pub(crate) mod escape;

use std::env;
use std::io::IsTerminal;

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) colours: bool,
}

impl Style {
    /// Colours on a terminal, unless its user does not want them.
    pub(crate) fn of(out: &impl IsTerminal) -> Self {
        Self {
            colours: out.is_terminal() && wants_colours(),
        }
    }

    pub(crate) fn heading(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn label(self, text: &str) -> String {
        self.paint("36", text)
    }

    pub(crate) fn error(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What is there to be found, not to be read first.
    pub(crate) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The convention of no-color.org, and terminals that know no colours.
fn wants_colours() -> bool {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
