//! The table, a line as soon as it is known.

use crate::report::Books;
use crate::run::Outcome;
use crate::service::Kind;

pub(crate) fn head() -> String {
    format!(
        "{:<42} {:<10} {:>8} {:>8} {:>6} {:>8} {:>8}  {:<26} {:>7} {:>7} {:>8}",
        "row",
        "pipeline",
        "created",
        "received",
        "twice",
        "counted",
        "in no",
        "shutdown",
        "p50",
        "p99",
        "worst"
    ) + &format!(
        "\n{:<42} {:<10} {:>8} {:>8} {:>6} {:>8} {:>8}  {:<26} {:>7} {:>7} {:>8}",
        "", "", "", "", "", "as lost", "count", "", "µs", "µs", "µs"
    )
}

pub(crate) fn line(name: &str, outcome: &Outcome) -> String {
    let latencies = &outcome.latencies;
    let (counted, in_no_count) = known(outcome);
    format!(
        "{name:<42} {:<10} {:>8} {:>8} {:>6} {counted:>8} {in_no_count:>8}  {:<26} {:>7} {:>7} {:>8}",
        outcome.kind.name(),
        outcome.created,
        outcome.received.spans,
        outcome.received.repeated,
        shutdown(outcome),
        latencies.per_mille(500),
        latencies.per_mille(990),
        latencies.per_mille(1_000),
    )
}

/// The reasons of what was lost, for the line below.
pub(crate) fn reasons(outcome: &Outcome) -> Option<String> {
    let books = &outcome.end.farewell.as_ref()?.books;
    let reasons = books.dropped.iter();
    let reasons: Vec<_> = reasons
        .map(|(reason, spans)| format!("{reason} {spans}"))
        .collect();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// What the pipeline counts as lost, and what neither arrived nor is counted.
fn known(outcome: &Outcome) -> (String, String) {
    let dash = || "–".to_owned();
    if outcome.kind == Kind::Nothing {
        return (dash(), dash());
    }
    match &outcome.end.farewell {
        Some(farewell) => {
            let books = &farewell.books;
            (books.lost().to_string(), unknown(books).to_string())
        }
        // Killed: it knows no more; the spool is all that is left.
        None => {
            let gone = outcome.created.saturating_sub(outcome.received.spans);
            (dash(), gone.to_string())
        }
    }
}

fn unknown(books: &Books) -> i64 {
    books.in_no_count()
}

fn shutdown(outcome: &Outcome) -> String {
    let seconds = outcome.end.took.as_secs_f64();
    match &outcome.end.farewell {
        None => "– (killed)".to_owned(),
        Some(farewell) => match &farewell.shutdown {
            Ok(()) => format!("{seconds:.1} s, Ok"),
            Err(_) => format!("{seconds:.1} s, an error"),
        },
    }
}
