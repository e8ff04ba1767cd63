//! What is printed.

mod json;
mod text;

use std::io::{self, Write as _};

use http::Method;

use super::args::VerifyArgs;
use super::diagnosis::{self, HopReport};
use super::plan::Plan;
use crate::terminal::Style;

/// All of it, on standard output.
pub(crate) fn print(args: &VerifyArgs, plan: &Plan, hops: &[HopReport]) -> io::Result<()> {
    let diagnoses = diagnosis::diagnose(hops);
    let mut out = io::stdout().lock();
    let text = if args.json {
        let mut text = json::report(&plan.method, hops, &diagnoses).to_string();
        text.push('\n');
        text
    } else {
        text::report(&plan.method, hops, &diagnoses, Style::of(&out))
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// As a person gets it, and as JSON.
pub(crate) fn both(method: &Method, hops: &[HopReport]) -> (String, String) {
    let diagnoses = diagnosis::diagnose(hops);
    let plain = Style { colours: false };
    let text = text::report(method, hops, &diagnoses, plain);
    (text, json::report(method, hops, &diagnoses).to_string())
}
