//! An explanation for a reader's eyes.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::explain::{Explanation, Fault};
use crate::terminal::Style;
use crate::terminal::escape::for_terminal;

/// How much of a header stands above its table.
const HEADING: usize = 240;
/// How much of a malformed value stands left and right of the wrong byte.
const AROUND: usize = 24;

/// Writes the header and a table of what it says.
pub(crate) fn write(
    out: &mut dyn Write,
    explanation: &Explanation,
    style: Style,
) -> io::Result<()> {
    let rows = rows(explanation);
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut text = style.heading(&heading(&explanation.raw));
    text.push('\n');
    for (label, value) in &rows {
        let label = style.label(&format!("{label:width$}"));
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {label}  {value}");
    }
    if let Some(fault) = &explanation.error {
        let message = for_terminal(fault.message.as_bytes());
        let _ = writeln!(text, "  {}", style.error(&format!("malformed: {message}")));
        for line in pointer(explanation, fault) {
            let _ = writeln!(text, "    {line}");
        }
    }
    out.write_all(text.as_bytes())
}

fn heading(raw: &[u8]) -> String {
    let cut = boundary(raw, HEADING.min(raw.len()));
    match raw.split_at_checked(cut) {
        Some((start, rest)) if !rest.is_empty() => {
            format!("{}… ({} bytes)", for_terminal(start), raw.len())
        }
        _ => for_terminal(raw),
    }
}

/// The start of the character that this byte belongs to.
fn boundary(bytes: &[u8], at: usize) -> usize {
    let continues = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (at.saturating_sub(3)..=at)
        .rev()
        .find(|at| !continues(*at))
        .unwrap_or(at)
}

fn rows(explanation: &Explanation) -> Vec<(String, String)> {
    let mut rows = Rows::default();
    rows.opt("trace id", explanation.trace_id);
    rows.opt("parent span id", explanation.parent_span_id);
    rows.opt("caller's parent", explanation.grandparent_span_id);
    rows.opt("sampled", explanation.sampled.map(yes_no));
    rows.opt("random trace id", explanation.random.map(yes_no));
    rows.opt("debug", explanation.debug.map(yes_no));
    if let Some(rum) = &explanation.rum {
        for (name, value, source) in rum.told() {
            rows.text(
                &name.replace('_', " "),
                &format!("{value}  (from {source})"),
            );
        }
    }
    if let Some(sw8) = &explanation.sw8 {
        rows.text("sw8 trace id", &sw8.trace_id);
        rows.text("parent segment id", &sw8.segment_id);
        rows.opt("parent span index", Some(sw8.span_id));
        rows.text("parent service", &sw8.service);
        rows.text("parent instance", &sw8.instance);
        rows.text("parent endpoint", &sw8.endpoint);
        rows.text("peer", &sw8.peer);
    }
    if let Some(extension) = &explanation.sw8_x {
        rows.opt("skip analysis", Some(yes_no(extension.skip_analysis)));
        let sent = extension.sent_at_millis;
        rows.opt("sent at", sent.map(|at| format!("{at} ms since 1970")));
    }
    for pair in explanation.members.iter().flatten() {
        rows.text("member", &format!("{}={}", pair.key, pair.value));
    }
    for pair in explanation.entries.iter().flatten() {
        let properties = match pair.properties.as_str() {
            "" => String::new(),
            properties => format!("  (properties: {properties})"),
        };
        rows.text("entry", &format!("{}={}{properties}", pair.key, pair.value));
    }
    rows.0
}

#[derive(Default)]
struct Rows(Vec<(String, String)>);

impl Rows {
    /// A value of our own making.
    fn opt(&mut self, label: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.push((label.to_owned(), value.to_string()));
        }
    }

    /// A value that came in.
    fn text(&mut self, label: &str, value: &str) {
        self.0
            .push((label.to_owned(), for_terminal(value.as_bytes())));
    }
}

const fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// The value round the wrong byte, and a mark below it.
fn pointer(explanation: &Explanation, fault: &Fault) -> Vec<String> {
    // A line that is no known header is wrong as a whole.
    if explanation.protocol.is_none() {
        return Vec::new();
    }
    let value = explanation.value();
    let at = boundary(value, fault.byte.min(value.len()));
    let start = boundary(value, at.saturating_sub(AROUND));
    let end = boundary(value, at.saturating_add(AROUND).min(value.len()));
    let shown = |range| for_terminal(value.get(range).unwrap_or_default());
    let open = if start > 0 { "…" } else { "" };
    let close = if end < value.len() { "…" } else { "" };
    let left = format!("{open}{}", shown(start..at));
    let indent = " ".repeat(left.chars().count());
    vec![
        format!("{left}{}{close}", shown(at..end)),
        format!("{indent}^"),
    ]
}
