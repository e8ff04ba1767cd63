//! What must hold of a trace: each span's parent is the span that called it, and
//! nobody else is in it.

use std::collections::HashSet;

use crate::spans::{Kind, Span};

/// The trace that a request must have made.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) trace_id: String,
    /// The caller's span outside of the Collector's sight, a phone's.
    pub(crate) parent_id: Option<String>,
    /// The services in the order of the calls; none if nothing is sampled.
    pub(crate) services: Vec<String>,
}

/// Whether the trace is as expected, and otherwise why not.
pub(crate) fn judge(spans: &[Span], expected: &Expected) -> Result<(), String> {
    let trace = Trace {
        spans: spans
            .iter()
            .filter(|span| span.trace_id == expected.trace_id)
            .collect(),
    };
    trace.has_only(&expected.services)?;
    trace.has_unique_ids()?;
    let mut caller = expected.parent_id.as_deref();
    for (at, service) in expected.services.iter().enumerate() {
        let entry = trace.entry(service)?;
        trace.check_parent(entry, at, caller, &expected.services)?;
        trace.check_inside(service, entry)?;
        caller = None;
    }
    Ok(())
}

struct Trace<'a> {
    spans: Vec<&'a Span>,
}

impl<'a> Trace<'a> {
    fn has_only(&self, services: &[String]) -> Result<(), String> {
        let stranger = |span: &&&Span| !services.contains(&span.service);
        match self.spans.iter().find(stranger) {
            Some(span) if services.is_empty() => {
                Err(format!("{} recorded an unsampled trace", span.service))
            }
            Some(span) => Err(format!("a span of {} is in the trace", span.service)),
            None => Ok(()),
        }
    }

    fn has_unique_ids(&self) -> Result<(), String> {
        let mut ids = HashSet::new();
        let mut is_new = |span: &Span| ids.insert((span.span_id.clone(), index_if_lost(span)));
        let twice = self.spans.iter().find(|span| !is_new(span));
        match twice {
            Some(span) => Err(format!("span {} is there twice", show(span))),
            None => Ok(()),
        }
    }

    fn of<'s>(&'s self, service: &'s str) -> impl Iterator<Item = &'a Span> + 's {
        let spans = self.spans.iter().copied();
        spans.filter(move |span| span.service == service)
    }

    fn find(&self, id: &str) -> Option<&'a Span> {
        self.spans.iter().copied().find(|span| span.span_id == id)
    }

    /// The one span with which a service enters the trace.
    fn entry(&self, service: &str) -> Result<&'a Span, String> {
        let mut entries = self.of(service).filter(|span| span.kind == Kind::Server);
        match (entries.next(), entries.next()) {
            (Some(entry), None) => Ok(entry),
            (None, _) if self.of(service).next().is_none() => {
                Err(format!("{service} has no span in the trace"))
            }
            (None, _) => Err(format!("{service} has no SERVER span in the trace")),
            (Some(_), Some(_)) => Err(format!("{service} has two SERVER spans")),
        }
    }

    /// The parent of a service's first span is the CLIENT span of the service before.
    fn check_parent(
        &self,
        entry: &Span,
        at: usize,
        caller: Option<&str>,
        services: &[String],
    ) -> Result<(), String> {
        let Some(before) = at.checked_sub(1).and_then(|before| services.get(before)) else {
            let wanted = caller.unwrap_or_default();
            if entry.parent_id == wanted {
                return Ok(());
            }
            let id = shown(&entry.parent_id);
            return Err(format!(
                "{}'s parent is {id}, not {}",
                show(entry),
                shown(wanted)
            ));
        };
        let is_it = |parent: &Span| {
            parent.span_id == entry.parent_id
                && parent.service == *before
                && parent.kind == Kind::Client
                && is_meant(parent, entry)
        };
        if self.spans.iter().any(|parent| is_it(parent)) {
            return Ok(());
        }
        match self.find(&entry.parent_id) {
            Some(parent) => Err(format!(
                "{}'s parent is {}, not a CLIENT span of {before}",
                show(entry),
                show(parent)
            )),
            None => Err(format!(
                "{}'s parent {} is nobody's span",
                show(entry),
                shown(&entry.parent_id)
            )),
        }
    }

    /// All other spans of a service hang under its first.
    fn check_inside(&self, service: &str, entry: &Span) -> Result<(), String> {
        for span in self.of(service).filter(|span| *span != entry) {
            let mut above = span;
            let mut steps = 0;
            while above.span_id != entry.span_id {
                let parent = self.find(&above.parent_id);
                steps += 1;
                match parent {
                    Some(parent) if parent.service == service && steps <= self.spans.len() => {
                        above = parent;
                    }
                    _ => return Err(format!("{} is not under {}", show(span), show(entry))),
                }
            }
        }
        Ok(())
    }
}

/// The Collector's SkyWalking receiver makes one id of all spans of a segment whose id is a
/// dashed UUID: there they are told apart by their index.
fn index_if_lost(span: &Span) -> Option<String> {
    let segment = span.attributes.get("sw8.segment_id")?;
    segment.contains('-').then_some(())?;
    span.attributes.get("sw8.span_id").cloned()
}

/// Where both tell the literal ids of `sw8`, by which SkyWalking's own backend joins, these
/// must be the same too.
fn is_meant(parent: &Span, child: &Span) -> bool {
    let same = |of_child: &str, of_parent: &str| {
        let ids = (
            child.attributes.get(of_child),
            parent.attributes.get(of_parent),
        );
        !matches!(ids, (Some(child), Some(parent)) if child != parent)
    };
    same("sw8.parent_segment_id", "sw8.segment_id") && same("sw8.parent_span_id", "sw8.span_id")
}

fn show(span: &Span) -> String {
    format!("{}'s `{}`", span.service, span.name)
}

fn shown(id: &str) -> &str {
    if id.is_empty() { "nobody" } else { id }
}

/// What arrived since, for a reader who looks for the reason: the other traces that
/// hold spans of these services.
pub(crate) fn strays(new: &[Span], expected: &Expected) -> Option<String> {
    let stray = |span: &&Span| {
        span.trace_id != expected.trace_id && expected.services.contains(&span.service)
    };
    let span = new.iter().find(stray)?;
    let (id, parent) = (&span.trace_id, shown(&span.parent_id));
    Some(format!("{} is in trace {id}, under {parent}", show(span)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// service, id, parent, kind
    fn spans(rows: &[(&str, &str, &str, Kind)]) -> Vec<Span> {
        let span = |&(service, id, parent, kind): &(&str, &str, &str, Kind)| Span {
            service: service.into(),
            trace_id: "t".into(),
            span_id: id.into(),
            parent_id: parent.into(),
            kind,
            name: id.into(),
            attributes: BTreeMap::new(),
            links: Vec::new(),
        };
        rows.iter().map(span).collect()
    }

    fn verdict(rows: &[(&str, &str, &str, Kind)], services: &[&str]) -> Result<(), String> {
        let expected = Expected {
            trace_id: "t".into(),
            parent_id: Some("phone".into()),
            services: services.iter().map(|&it| it.into()).collect(),
        };
        judge(&spans(rows), &expected)
    }

    use Kind::{Client, Other, Server};

    const GOOD: [(&str, &str, &str, Kind); 4] = [
        ("a", "1", "phone", Server),
        ("a", "2", "1", Other),
        ("a", "3", "2", Client),
        ("b", "4", "3", Server),
    ];

    #[test]
    fn a_whole_trace_passes() {
        assert_eq!(verdict(&GOOD, &["a", "b"]), Ok(()));
        assert_eq!(verdict(&[], &[]), Ok(()));
    }

    /// Envoy's, whose spans the Collector cannot tell apart.
    #[test]
    fn the_literal_ids_of_sw8_tell_spans_of_one_id_apart() {
        let with = |span: &mut Span, attributes: &[(&str, &str)]| {
            let attributes = attributes.iter();
            span.attributes = attributes
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
        };
        let trace = |segment: &str, index: &str| {
            let mut spans = spans(&[
                ("a", "1", "phone", Server),
                ("a", "1", "1", Client),
                ("b", "4", "1", Server),
            ]);
            with(
                &mut spans[0],
                &[("sw8.segment_id", segment), ("sw8.span_id", "0")],
            );
            with(
                &mut spans[1],
                &[("sw8.segment_id", segment), ("sw8.span_id", "1")],
            );
            let parent = [
                ("sw8.parent_segment_id", "s-1"),
                ("sw8.parent_span_id", index),
            ];
            with(&mut spans[2], &parent);
            let services = vec!["a".into(), "b".into()];
            judge(
                &spans,
                &Expected {
                    trace_id: "t".into(),
                    parent_id: Some("phone".into()),
                    services,
                },
            )
        };
        assert_eq!(trace("s-1", "1"), Ok(()));
        trace("s-1", "0").expect_err("the entry span is not what called");
        trace("s-2", "1").expect_err("another segment");
        trace("s1", "1").expect_err("one id, where there is no reason");
    }

    #[test]
    fn any_other_does_not() {
        let table: &[(&str, usize, (&str, &str, &str, Kind), &str)] = &[
            (
                "root",
                0,
                ("a", "1", "", Server),
                "a's `1`'s parent is nobody, not phone",
            ),
            (
                "orphan",
                1,
                ("a", "2", "9", Other),
                "a's `2` is not under a's `1`",
            ),
            (
                "loop",
                1,
                ("a", "2", "3", Other),
                "a's `2` is not under a's `1`",
            ),
            (
                "twice",
                1,
                ("a", "1", "1", Other),
                "span a's `1` is there twice",
            ),
            (
                "skipped",
                3,
                ("b", "4", "1", Server),
                "b's `4`'s parent is a's `1`, not a CLIENT span of a",
            ),
            (
                "unknown",
                3,
                ("b", "4", "9", Server),
                "b's `4`'s parent 9 is nobody's span",
            ),
            (
                "lost",
                3,
                ("b", "4", "", Server),
                "b's `4`'s parent nobody is nobody's span",
            ),
            (
                "stranger",
                3,
                ("c", "4", "3", Server),
                "a span of c is in the trace",
            ),
            (
                "no entry",
                3,
                ("b", "4", "3", Client),
                "b has no SERVER span in the trace",
            ),
            (
                "two entries",
                1,
                ("a", "2", "1", Server),
                "a has two SERVER spans",
            ),
        ];
        for (name, at, row, reason) in table {
            let mut rows = GOOD;
            rows[*at] = *row;
            assert_eq!(verdict(&rows, &["a", "b"]), Err((*reason).into()), "{name}");
        }
        let missing = Err("b has no span in the trace".to_owned());
        assert_eq!(verdict(&GOOD[..3], &["a", "b"]), missing);
        let recorded = Err("a recorded an unsampled trace".to_owned());
        assert_eq!(verdict(&GOOD[..1], &[]), recorded);
    }
}
