//! `--print`: traces drawn in the terminal as they become whole.

mod drawing;

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use rum_trace_propagation::TraceId;

use crate::analysis::findings::Findings;
use crate::analysis::phone::Tap;
use crate::analysis::summary::Summary;
use crate::collector::{Kept, Store};
use crate::terminal::Style;
use crate::terminal::escape::for_terminal;
use crate::tree::{self, Row};

pub(crate) use drawing::Drawing;
use drawing::Waiting;

/// Traces that are drawn at a time; of more it is only said that they came.
const MAX_TRACES: usize = 50;
/// Findings below a tree.
const MAX_FINDINGS: usize = 10;
/// Traces of which it is remembered that they were drawn.
const MAX_REMEMBERED: usize = 10_000;

#[derive(Debug)]
struct Printer {
    style: Style,
    /// How many spans a trace had when it was drawn.
    drawn: HashMap<TraceId, usize>,
    order: VecDeque<TraceId>,
}

impl Printer {
    fn new() -> Self {
        Self::with_style(Style::of(&io::stdout()))
    }

    fn with_style(style: Style) -> Self {
        Self {
            style,
            drawn: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Draws the traces on standard output.
    fn draw(&mut self, store: &Store, whole: &Waiting) -> io::Result<()> {
        let text = self.text(store, whole);
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn text(&mut self, store: &Store, whole: &Waiting) -> String {
        let mut text = String::new();
        for id in &whole.traces {
            // It may have given way to others already.
            if let Some(kept) = store.get(*id) {
                let before = self.remember(*id, kept.spans.len());
                text.push('\n');
                draw(&mut text, *id, &kept, before, self.style);
            }
        }
        if whole.more > 0 {
            let line = format!(
                "… and {} more traces at the same time: see the page",
                whole.more
            );
            let _ = writeln!(text, "\n{}", self.style.faint(&line));
        }
        text
    }

    /// How many spans were drawn of it before, if any.
    fn remember(&mut self, id: TraceId, spans: usize) -> Option<usize> {
        let before = self.drawn.insert(id, spans);
        if before.is_none() {
            self.order.push_back(id);
            if self.order.len() > MAX_REMEMBERED {
                let oldest = self.order.pop_front();
                oldest.and_then(|oldest| self.drawn.remove(&oldest));
            }
        }
        before
    }
}

fn draw(text: &mut String, id: TraceId, kept: &Kept, before: Option<usize>, style: Style) {
    let (rows, summary, findings) = kept.look(|evidence| {
        let findings = Findings::of(evidence);
        let summary = kept.summary(id, findings.count());
        let mut rows = vec![head(&summary, evidence.tap)];
        let tap = evidence.tap.map(|tap| tap.span_id);
        rows.extend(tree::rows(&kept.spans, tap));
        (rows, summary, findings)
    });
    let mut drawn = String::new();
    tree::write(&mut drawn, &rows, style);
    let (first, below) = drawn.split_once('\n').unwrap_or((&drawn, ""));
    let _ = writeln!(text, "{first}");
    for line in told(&summary, before) {
        let _ = writeln!(text, "{}", style.faint(&format!("╎  {line}")));
    }
    text.push_str(below);
    missing(text, &findings, style);
}

/// The tap; where there is none, the trace.
fn head(summary: &Summary, tap: Option<&Tap>) -> Row {
    let name = for_terminal(summary.name.as_bytes());
    let (left, note) = match tap {
        Some(_) => (format!("╌ {name}"), "inferred"),
        None => (format!("● {name}"), ""),
    };
    let took = tap.map_or(summary.duration_ns, |tap| tap.end.saturating_sub(tap.start));
    Row {
        left,
        status: summary.status,
        took: Some(Duration::from_nanos(took)),
        failed: summary.status.is_some_and(|status| status >= 500),
        note: note.into(),
    }
}

fn told(summary: &Summary, before: Option<usize>) -> Vec<String> {
    let spans = match before {
        Some(before) => format!("{} spans, {before} of them drawn before", summary.spans),
        None => format!("{} spans", summary.spans),
    };
    let by = summary
        .carrier
        .map_or(String::new(), |carrier| format!(" by {carrier}"));
    let mut lines = vec![format!("trace {}{by} · {spans}", summary.trace_id)];
    let app = [&summary.app_id, &summary.app_type, &summary.app_version];
    let app: Vec<_> = app.into_iter().filter_map(Option::as_deref).collect();
    let parts = [
        ("app", app.join(" ")),
        ("session", summary.session_id.clone().unwrap_or_default()),
        ("user", summary.user_id.clone().unwrap_or_default()),
    ];
    let who = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let who: Vec<_> = who
        .map(|(name, value)| format!("{name} {}", for_terminal(value.as_bytes())))
        .collect();
    lines.extend((!who.is_empty()).then(|| who.join(" · ")));
    lines
}

fn missing(text: &mut String, findings: &Findings, style: Style) {
    for finding in findings.list.iter().take(MAX_FINDINGS) {
        let line = format!("!  {}", for_terminal(finding.text.as_bytes()));
        let _ = writeln!(text, "{}", style.error(&line));
    }
    if let Some(more @ 1..) = findings.count().checked_sub(MAX_FINDINGS) {
        let _ = writeln!(
            text,
            "{}",
            style.error(&format!("!  … and {more} more findings"))
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{Clock, Limits, QUIET, SpanBuilder};

    fn drawn(
        spans: impl IntoIterator<Item = SpanBuilder>,
        printer: &mut Printer,
        store: &Store,
        clock: &Clock,
    ) -> String {
        store.insert(spans.into_iter().map(|span| span.try_build().unwrap()));
        clock.advance(QUIET);
        let mut whole = Waiting::default();
        whole.extend(store.settle());
        // One that is whole again while it waits is drawn once.
        whole.extend(whole.traces.first().copied());
        printer.text(store, &whole)
    }

    fn bare() -> (Printer, Store, Clock) {
        let clock = Clock::manual();
        let store = Store::with_clock(Limits::default(), clock.clone());
        (Printer::with_style(Style { colours: false }), store, clock)
    }

    fn server() -> SpanBuilder {
        SpanBuilder::new("shop", 1, 2, 9)
            .server()
            .name("GET /a")
            .time(10, 50)
            .text("rum.app.type", "ios")
            .text("session.id", "s\x1b[2J")
            .text("url.path", "/a")
            .number("http.response.status_code", 200)
    }

    #[test]
    fn a_tap_is_on_top_and_what_is_missing_below() {
        let (mut printer, store, clock) = bare();
        let work = SpanBuilder::new("shop", 1, 3, 2).name("work").time(20, 21);
        let orphan = SpanBuilder::new("stock", 1, 5, 4)
            .name("alone")
            .time(30, 31);
        let text = drawn([server(), work, orphan], &mut printer, &store, &clock);
        let expected = "
╌ ios.request:/a             200   40.0 ms  inferred
╎  trace 01010101010101010101010101010101 · 3 spans
╎  app ios · session s\\u{1b}[2J
├─ SERVER shop  GET /a       200   40.0 ms
│  └─ INTERNAL shop  work           1.0 ms
└─ INTERNAL stock  alone            1.0 ms  its parent 0404040404040404 never arrived
!  The parent of “alone” (“stock”) never came: span 0404040404040404. It belongs to “stock” itself";
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn what_comes_later_is_drawn_with_what_was_there() {
        let (mut printer, store, clock) = bare();
        let first = drawn([server()], &mut printer, &store, &clock);
        assert!(first.contains(" · 1 spans\n"), "{first}");
        let late = SpanBuilder::new("shop", 1, 3, 2).name("late").time(20, 21);
        let again = drawn([late], &mut printer, &store, &clock);
        assert!(again.contains("2 spans, 1 of them drawn before"), "{again}");
        assert!(again.contains("INTERNAL shop  late"), "{again}");
        assert_eq!(drawn([], &mut printer, &store, &clock), "");
    }

    #[test]
    fn of_many_traces_at_a_time_some_are_drawn() {
        let (mut printer, store, clock) = bare();
        let spans = (1..=60).map(|trace| SpanBuilder::new("shop", trace, 2, 0).name("job"));
        let text = drawn(spans, &mut printer, &store, &clock);
        assert_eq!(text.matches("● job").count(), MAX_TRACES);
        assert!(
            text.ends_with("… and 10 more traces at the same time: see the page\n"),
            "{text}"
        );
    }
}
