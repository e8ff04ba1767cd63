//! A trace as a tree of box-drawing characters.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use rum_trace_propagation::SpanId;

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
    let tree = Tree::new(spans, top);
    let mut rows = Vec::new();
    // A stack of its own: how deep a trace goes is up to its senders.
    let mut stack = Vec::new();
    push_siblings(&mut stack, &tree.roots, "");
    let mut drawn = HashSet::new();
    while let Some(next) = stack.pop() {
        let Some(span) = spans.get(next.index).filter(|_| drawn.insert(next.index)) else {
            continue;
        };
        if rows.len() == MAX_ROWS {
            let left = format!("… and {} more spans", spans.len().saturating_sub(MAX_ROWS));
            rows.push(Row {
                left,
                ..Row::default()
            });
            break;
        }
        rows.push(tree.row(span, &next));
        push_siblings(&mut stack, tree.children(span), &next.below());
    }
    rows
}

/// A span to draw.
struct Next {
    index: usize,
    indent: String,
    last: bool,
}

impl Next {
    fn branch(&self) -> String {
        let fork = if self.last { "└─ " } else { "├─ " };
        format!("{}{fork}", self.indent)
    }

    fn below(&self) -> String {
        let line = if self.last { "   " } else { "│  " };
        format!("{}{line}", self.indent)
    }
}

/// In reverse, since the stack gives them back so.
fn push_siblings(stack: &mut Vec<Next>, siblings: &[usize], indent: &str) {
    for (from_last, index) in siblings.iter().rev().enumerate() {
        stack.push(Next {
            index: *index,
            indent: indent.to_owned(),
            last: from_last == 0,
        });
    }
}

/// Who hangs under whom; spans by their index.
struct Tree {
    top: Option<SpanId>,
    known: HashSet<SpanId>,
    children: HashMap<SpanId, Vec<usize>>,
    /// What hangs under the top, or under nothing that arrived.
    roots: Vec<usize>,
}

impl Tree {
    fn new(spans: &[Arc<Span>], top: Option<SpanId>) -> Self {
        let mut by_start: Vec<(usize, &Arc<Span>)> = spans.iter().enumerate().collect();
        by_start.sort_by_key(|(_, span)| span.start);
        let mut tree = Self {
            top,
            known: spans.iter().map(|span| span.span_id).collect(),
            children: HashMap::new(),
            roots: Vec::new(),
        };
        for (index, span) in by_start {
            match span.parent.filter(|parent| tree.known.contains(parent)) {
                Some(parent) => tree.children.entry(parent).or_default().push(index),
                None => tree.roots.push(index),
            }
        }
        tree.break_circles(spans);
        tree
    }

    /// Spans that name each other as their parents hang under no root: one of
    /// each circle becomes one.
    fn break_circles(&mut self, spans: &[Arc<Span>]) {
        let mut reached = HashSet::new();
        for root in self.roots.clone() {
            self.reach(root, spans, &mut reached);
        }
        for index in 0..spans.len() {
            if !reached.contains(&index) {
                self.roots.push(index);
                self.reach(index, spans, &mut reached);
            }
        }
    }

    fn reach(&self, from: usize, spans: &[Arc<Span>], reached: &mut HashSet<usize>) {
        let mut waiting = vec![from];
        while let Some(index) = waiting.pop() {
            if let (true, Some(span)) = (reached.insert(index), spans.get(index)) {
                waiting.extend(self.children(span));
            }
        }
    }

    fn children(&self, span: &Span) -> &[usize] {
        self.children.get(&span.span_id).map_or(&[], Vec::as_slice)
    }

    fn row(&self, span: &Span, next: &Next) -> Row {
        let name = for_terminal(span.name.as_bytes());
        let service = for_terminal(span.service().as_bytes());
        let status = span.number("http.response.status_code");
        let notes = [self.misplaced(span, next), problem(span, status)];
        Row {
            left: format!("{}{} {service}  {name}", next.branch(), span.kind),
            status,
            took: Some(span.duration()),
            failed: span.status.is_error(),
            note: notes.into_iter().flatten().collect::<Vec<_>>().join("; "),
        }
    }

    /// Why a span stands at the margin though it does not belong there.
    fn misplaced(&self, span: &Span, next: &Next) -> Option<String> {
        match span.parent {
            None if self.top.is_some() => Some("has no parent".into()),
            None => None,
            Some(parent) if Some(parent) == self.top => None,
            Some(parent) if !self.known.contains(&parent) => {
                Some(format!("its parent {parent} never arrived"))
            }
            Some(_) if next.indent.is_empty() => Some("its parents go round in a circle".into()),
            Some(_) => None,
        }
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
