//! The report for a person.

use std::fmt::Write as _;

use http::Method;

use crate::terminal::Style;
use crate::terminal::escape::for_terminal;
use crate::verify::answer::Line;
use crate::verify::client::NoResponseKind;
use crate::verify::diagnosis::{Diagnosis, HopReport, Severity};
use crate::verify::hints;
use crate::verify::judge::Learned;
use crate::verify::judged::Judged;

/// Columns of the probes' names.
const NAME: usize = 16;
/// Where the words of a diagnosis are broken.
const WIDTH: usize = 88;

pub(super) fn report(
    method: &Method,
    hops: &[HopReport],
    diagnoses: &[Diagnosis],
    style: Style,
) -> String {
    let mut text = String::new();
    for hop in hops {
        write_hop(&mut text, method, hop, style);
        text.push('\n');
    }
    for diagnosis in diagnoses {
        write_diagnosis(&mut text, diagnosis, style);
    }
    text
}

// Writing to a String does not fail, here and below.
fn write_hop(text: &mut String, method: &Method, hop: &HopReport, style: Style) {
    let name = for_terminal(hop.hop.name.as_bytes());
    let heading = format!("{name}  {method} {}", hop.hop.shown());
    let _ = writeln!(text, "{}", style.heading(&heading));
    let _ = writeln!(text, "  {}", style.faint(&learned_from(hop)));
    let is_unsent = |judged: &&Judged| judged.exchange.is(NoResponseKind::Unsent);
    for judged in hop.judged.iter().filter(|judged| !is_unsent(judged)) {
        let (mark, words) = line(judged);
        let mark = match mark {
            Mark::Lost => style.error("✗"),
            Mark::Well => "✓".to_owned(),
            Mark::Unknown => style.faint("?"),
        };
        let status = judged.exchange.response.as_ref();
        let status = status.map_or_else(
            |_| "–".to_owned(),
            |answer| answer.status.as_u16().to_string(),
        );
        let name = judged.name();
        let _ = writeln!(text, "  {mark} {name:NAME$} {status:>3}  {words}");
    }
    let unsent = hop.judged.iter().filter(is_unsent).count();
    if unsent > 0 {
        let _ = writeln!(
            text,
            "  {} {unsent} further were not sent",
            style.faint("?")
        );
    }
    // The first that says why nothing is known of it.
    let mut unknown = hop
        .judged
        .iter()
        .filter(|judged| !judged.judgement.is_known);
    let hint = unknown.find_map(|judged| {
        let response = judged.exchange.response.as_ref().ok()?;
        hints::of_response(response)
    });
    if let Some(hint) = hint {
        let _ = writeln!(text, "  {}", style.faint(&hint));
    }
}

fn learned_from(hop: &HopReport) -> String {
    let learned = hop.judged.iter().map(|judged| &judged.learned);
    let of = |learned: &Learned| match learned {
        Learned::Answer(answer) => Some(("the answer header", answer.service.clone())),
        Learned::Spans(found) => {
            let entry = found.entry();
            let way = match found.timing {
                Some(_) if entry.is_none() => "Server-Timing",
                _ => "spans",
            };
            Some((way, entry.map(|entry| entry.service.clone())))
        }
        Learned::Nothing => None,
    };
    let mut found: Vec<_> = learned.filter_map(of).collect();
    // Where there is a name it is the better.
    found.sort_by_key(|(_, service)| service.is_none());
    match found.into_iter().next() {
        Some((way, Some(service))) => {
            format!("by {way} of '{}'", for_terminal(service.as_bytes()))
        }
        Some((way, None)) => format!("by {way}"),
        None => "nothing was learned".to_owned(),
    }
}

enum Mark {
    Lost,
    Well,
    Unknown,
}

fn line(judged: &Judged) -> (Mark, String) {
    if let Err(problem) = &judged.exchange.response {
        return (Mark::Unknown, for_terminal(problem.message.as_bytes()));
    }
    if !judged.judgement.is_known {
        return (Mark::Unknown, unknown(judged));
    }
    let fates = judged.judgement.fates.iter();
    let words: Vec<String> = fates.map(|(name, fate)| format!("{name} {fate}")).collect();
    let mut codes = judged.judgement.codes.iter();
    let lost = codes.any(|code| code.severity() == Severity::Lost);
    let mut words = words.join(" · ");
    if words.is_empty() {
        words = what_came(judged);
    } else if judged
        .judgement
        .fates
        .iter()
        .all(|(_, fate)| fate.is_whole())
        && lost
    {
        words.push_str(" · the trace does not go on");
    }
    (if lost { Mark::Lost } else { Mark::Well }, words)
}

/// Of the request that sends nothing.
fn what_came(judged: &Judged) -> String {
    let Learned::Answer(answer) = &judged.learned else {
        return "nothing was sent".to_owned();
    };
    let came: Vec<&str> = answer.lines.iter().map(Line::name).collect();
    match came.as_slice() {
        [] => "nothing was sent, and nothing arrived".to_owned(),
        came => format!(
            "nothing was sent, and {} arrived",
            for_terminal(came.join(", ").as_bytes())
        ),
    }
}

fn unknown(judged: &Judged) -> String {
    let sent = &judged.exchange.sent;
    if let Some(problem) = &judged.problem {
        return for_terminal(problem.as_bytes());
    }
    let text = if sent.lines.is_empty() {
        "nothing was sent; what arrived only an answer header tells"
    } else if !sent.sampled {
        "not sampled, so that no span tells of it"
    } else {
        "nothing tells what arrived"
    };
    text.to_owned()
}

fn write_diagnosis(text: &mut String, diagnosis: &Diagnosis, style: Style) {
    let finding = &diagnosis.finding;
    let code = finding.code.as_str();
    let (mark, code) = match finding.severity {
        Severity::Lost => (style.error("✗"), style.error(code)),
        Severity::Unknown => ("?".to_owned(), style.heading(code)),
        Severity::Note => ("·".to_owned(), code.to_owned()),
        Severity::Well => ("✓".to_owned(), style.heading(code)),
    };
    let _ = writeln!(text, "{mark} {code}");
    write_wrapped(text, "  ", &diagnosis.summary);
    if finding.severity != Severity::Well {
        write_wrapped(text, "  shown by: ", &finding.probes.join(", "));
    }
    if !diagnosis.suspect.is_empty() {
        write_wrapped(text, "  suspect: ", &diagnosis.suspect);
    }
    for step in &diagnosis.mend {
        write_wrapped(text, "  → ", step);
    }
}

/// Words broken at spaces; further lines stand below the first word.
fn write_wrapped(text: &mut String, begin: &str, words: &str) {
    let indent = begin.chars().count();
    let mut column = indent;
    text.push_str(begin);
    for (at, word) in words.split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 {
            if column.saturating_add(length) >= WIDTH {
                text.push('\n');
                text.push_str(&" ".repeat(indent.min(4)));
                column = indent.min(4);
            } else {
                text.push(' ');
                column = column.saturating_add(1);
            }
        }
        text.push_str(word);
        column = column.saturating_add(length);
    }
    text.push('\n');
}
