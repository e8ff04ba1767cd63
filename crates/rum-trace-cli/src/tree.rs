//! A trace as a tree of box-drawing characters.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use rum_trace_propagation::SpanId;

use crate::analysis::facts;
use crate::analysis::tree::{Parent, Place, Tree};
use crate::collector::Span;
use crate::terminal::Style;
use crate::terminal::escape::for_terminal;

/// How many spans of a trace are drawn at most: whoever looks at a terminal
/// looks for no more, and a trace may hold anything.
const MAX_ROWS: usize = 200;
/// The longest text in front of the columns that still moves them to the right.
const MAX_LEFT: usize = 76;

/// One line: a branch and a name, then columns. All text is escaped already.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// The branch and the name.
    pub(crate) left: String,
    /// Of an HTTP answer.
    pub(crate) status: Option<i64>,
    pub(crate) took: Option<Duration>,
    pub(crate) failed: bool,
    /// What else is to be said.
    pub(crate) note: String,
}

/// The spans of a trace, children below their parents. `top` is the span that
/// is drawn above them by the caller and whose children start at the margin.
pub(crate) fn rows(spans: &[Arc<Span>], top: Option<SpanId>) -> Vec<Row> {
    let tree = Tree::new(spans);
    let mut branches = Branches::default();
    let mut rows = Vec::new();
    for place in tree.all() {
        if rows.len() == MAX_ROWS {
            let left = format!("… and {} more spans", spans.len().saturating_sub(MAX_ROWS));
            rows.push(Row {
                left,
                ..Row::default()
            });
            break;
        }
        let branch = branches.to(place);
        if let Some(span) = spans.get(place.index) {
            rows.push(row(span, &branch, misplaced(tree.parent(place.index), top)));
        }
    }
    rows
}

/// The lines on the way down to a span, and the fork in front of it.
#[derive(Debug, Default)]
struct Branches {
    /// Of each span above: whether it is the last of its siblings.
    last: Vec<bool>,
}

impl Branches {
    fn to(&mut self, place: Place) -> String {
        let depth = usize::try_from(place.depth).unwrap_or(usize::MAX);
        self.last.truncate(depth);
        let lines = self.last.iter();
        let mut branch: String = lines
            .map(|last| if *last { "   " } else { "│  " })
            .collect();
        branch.push_str(if place.last { "└─ " } else { "├─ " });
        self.last.push(place.last);
        branch
    }
}

fn row(span: &Span, branch: &str, misplaced: Option<String>) -> Row {
    let name = for_terminal(span.name.as_bytes());
    let service = for_terminal(span.service().as_bytes());
    let status = facts::http_status(span);
    let notes = [misplaced, problem(span, status)];
    Row {
        left: format!("{branch}{} {service}  {name}", span.kind),
        status,
        took: Some(span.duration()),
        failed: span.status.is_error(),
        note: notes.into_iter().flatten().collect::<Vec<_>>().join("; "),
    }
}

/// Why a span stands at the margin though it does not belong there.
fn misplaced(parent: Parent, top: Option<SpanId>) -> Option<String> {
    match parent {
        Parent::None => top.map(|_| "has no parent".into()),
        Parent::Absent(parent) if Some(parent) == top => None,
        Parent::Absent(parent) => Some(format!("its parent {parent} never arrived")),
        Parent::Circle => Some("its parents go round in a circle".into()),
        Parent::Span(_) => None,
    }
}

/// What the status column does not tell of an error.
fn problem(span: &Span, status: Option<i64>) -> Option<String> {
    let message = span.error()?;
    let kind = span.text("error.type").unwrap_or_default();
    let text = if message.is_empty() { kind } else { message };
    let told = status.is_some_and(|status| status.to_string() == text);
    (!text.is_empty() && !told).then(|| for_terminal(text.as_bytes()))
}

/// Writes the rows with their columns one below the other.
pub(crate) fn write(text: &mut String, rows: &[Row], style: Style) {
    let lengths = rows.iter().map(|row| row.left.chars().count());
    let width = lengths
        .filter(|length| *length <= MAX_LEFT)
        .max()
        .unwrap_or(0);
    for row in rows {
        let mark = if row.failed { "✗" } else { " " };
        let status = row
            .status
            .map(|status| status.to_string())
            .unwrap_or_default();
        let took = row.took.map(duration).unwrap_or_default();
        // Padded before it is painted: colours have no width.
        let left = format!("{:width$}", row.left);
        let status = format!("{mark} {status:>3}");
        let (left, status) = if row.failed {
            (style.error(&left), style.error(&status))
        } else {
            (left, status)
        };
        let line = format!("{left}  {status}  {took:>8}  {}", style.faint(&row.note));
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// A duration as one reads it: three digits or so, and its unit.
fn duration(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::SpanBuilder;

    const PLAIN: Style = Style { colours: false };

    fn id(byte: u8) -> Option<SpanId> {
        SpanId::from_bytes([byte; 8])
    }

    fn span(span: u8, parent: u8) -> SpanBuilder {
        SpanBuilder::new("shop", 1, span, parent)
    }

    fn drawn(spans: &[Arc<Span>], top: Option<SpanId>) -> String {
        let mut text = String::new();
        write(&mut text, &rows(spans, top), PLAIN);
        text
    }

    #[test]
    fn children_hang_below_their_parents_in_order_of_time() {
        let spans = [
            span(4, 2).time(30, 31).build(),
            span(3, 2).client().time(20, 25).build(),
            span(2, 9)
                .server()
                .name("GET /")
                .number("http.response.status_code", 200)
                .time(10, 50)
                .build(),
            span(5, 3).time(22, 23).build(),
            span(6, 9).time(60, 2_060).build(),
        ];
        assert_eq!(
            drawn(&spans, id(9)),
            "\
├─ SERVER shop  GET /             200   40.0 ms
│  ├─ CLIENT shop  span 3                5.0 ms
│  │  └─ INTERNAL shop  span 5           1.0 ms
│  └─ INTERNAL shop  span 4              1.0 ms
└─ INTERNAL shop  span 6                 2.00 s
"
        );
    }

    #[test]
    fn what_does_not_belong_at_the_margin_says_why() {
        let spans = [
            span(2, 7).build(),
            span(3, 0).build(),
            span(4, 5).build(),
            span(5, 4).build(),
            span(6, 6).build(),
        ];
        let text = drawn(&spans, id(9));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(
            lines[0].contains("span 2")
                && lines[0].ends_with("its parent 0707070707070707 never arrived")
        );
        assert!(lines[1].contains("span 3") && lines[1].ends_with("has no parent"));
        assert!(
            lines[2].contains("span 4") && lines[2].ends_with("its parents go round in a circle")
        );
        assert!(lines[3].starts_with("│  └─") && lines[3].contains("span 5"));
        assert!(
            lines[4].contains("span 6") && lines[4].ends_with("its parents go round in a circle")
        );
        // Without a span above them, a root is where it belongs.
        assert!(!drawn(&spans, None).contains("no parent"));
    }

    #[test]
    fn errors_are_marked_and_nothing_from_the_wire_reaches_the_terminal() {
        let spans = [
            span(2, 9)
                .error("")
                .text("error.type", "500")
                .number("http.response.status_code", 500)
                .build(),
            span(3, 9).error("boom\x1b[2J").name("\x1b]0;x\x07").build(),
        ];
        let text = drawn(&spans, id(9));
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].contains("✗ 500") && lines[0].ends_with("µs"),
            "{text}"
        );
        assert!(lines[1].ends_with(r"boom\u{1b}[2J"), "{text}");
        assert!(lines[1].contains(r"\u{1b}]0;x\u{7}"), "{text}");
        let mut coloured = String::new();
        write(&mut coloured, &rows(&spans, id(9)), Style { colours: true });
        assert!(coloured.contains("\x1b[31m└─") && !coloured.contains("\x1b[2J"));
    }

    #[test]
    fn a_trace_without_end_is_cut() {
        let chain = |span: u32| {
            let mut id = [1_u8; 8];
            id[4..].copy_from_slice(&span.to_be_bytes());
            SpanId::from_bytes(id).unwrap().to_string()
        };
        let spans: Vec<_> = (0..5_000)
            .map(|n| {
                let span = span(1, 0).parent(&chain(n)).span_id(&chain(n + 1));
                span.build()
            })
            .collect();
        let rows = rows(&spans, None);
        assert_eq!(rows.len(), MAX_ROWS + 1);
        assert_eq!(rows[MAX_ROWS].left, "… and 4800 more spans");
    }
}
