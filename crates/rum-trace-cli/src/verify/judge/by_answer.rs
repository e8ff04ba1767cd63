//! By what our layer answered: each header as it arrived.

use rum_trace_propagation::TraceParent;

use super::{Fate, Judgement};
use crate::verify::answer::{Answer, Line};
use crate::verify::diagnosis::Code;
use crate::verify::probe::Sent;

pub(crate) fn judge(sent: &Sent, answer: &Answer) -> Judgement {
    let names = sent.names();
    let fates = names
        .into_iter()
        .map(|name| (name, fate(name, sent, answer)));
    let mut judgement = Judgement::of(fates.collect());
    if decides_on_sampling(sent, answer) {
        judgement.codes.insert(Code::ChangesSampling);
    }
    if answer.skipped {
        judgement.codes.insert(Code::Skipped);
    }
    if let Some(code) = of_trace(sent, answer, judgement.is_whole()) {
        judgement.codes.insert(code);
    }
    judgement
}

fn fate(name: &str, sent: &Sent, answer: &Answer) -> Fate {
    let arrived = answer.texts(name);
    if arrived.is_empty() {
        // There may have been no room for it.
        return if answer.omitted > 0 {
            Fate::Unknown
        } else {
            Fate::Missing
        };
    }
    let texts: Vec<&str> = sent.texts(name).collect();
    let same = |(arrived, sent): (&&Line, &&str)| arrived.is(sent);
    if arrived.len() == texts.len() && arrived.iter().zip(&texts).all(same) {
        return Fate::Arrived;
    }
    match name {
        "traceparent" => of_traceparent(&texts, &arrived),
        "tracestate" => of_list(&texts, &arrived),
        _ => of_text(&sent.whole(name), &arrived),
    }
}

fn of_traceparent(sent: &[&str], arrived: &[&Line]) -> Fate {
    let [line] = arrived else {
        return Fate::Doubled;
    };
    let parse = |text: &str| TraceParent::parse(text.as_bytes()).ok();
    let sent = sent.first().and_then(|text| parse(text));
    let (Some(sent), Some(arrived)) = (sent, parse(line.begin())) else {
        return Fate::Changed;
    };
    let sampled = arrived.flags().is_sampled();
    if arrived.trace_id() != sent.trace_id() {
        Fate::OtherTrace
    } else if arrived.parent_id() != sent.parent_id() {
        Fate::OtherSpan
    } else if sampled != sent.flags().is_sampled() {
        Fate::OtherFlags { sampled }
    } else {
        Fate::Arrived
    }
}

/// Whether the trace arrives with another decision, whoever's span it names.
fn decides_on_sampling(sent: &Sent, answer: &Answer) -> bool {
    let parse = |text: &str| TraceParent::parse(text.as_bytes()).ok();
    let sent = sent.texts("traceparent").next().and_then(parse);
    let arrived = answer.texts("traceparent");
    let arrived = arrived.first().and_then(|line| parse(line.begin()));
    sent.zip(arrived).is_some_and(|(sent, arrived)| {
        sent.trace_id() == arrived.trace_id()
            && sent.flags().is_sampled() != arrived.flags().is_sampled()
    })
}

/// Of a `tracestate` that did not arrive line by line as it was sent.
fn of_list(sent: &[&str], arrived: &[&Line]) -> Fate {
    if let ([line], true) = (arrived, sent.len() > 1) {
        if line.is(&sent.join(",")) || line.is(&sent.join(", ")) {
            return Fate::Folded { lines: sent.len() };
        }
    }
    if !arrived.iter().all(|line| line.is_whole()) {
        return of_long_list(&sent.join(","), arrived);
    }
    let list = |lines: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        let members = lines.flat_map(|line| line.split(','));
        members.map(|member| member.trim().to_owned()).collect()
    };
    let wanted = list(&mut sent.iter().copied());
    let found = list(&mut arrived.iter().map(|line| line.begin()));
    let kept = wanted
        .iter()
        .filter(|member| found.contains(member))
        .count();
    let is_sent = |line: &&&Line| sent.iter().any(|text| line.is(text));
    let lines = arrived.iter().filter(is_sent).count();
    if kept == wanted.len() {
        return Fate::Extended;
    }
    if sent.len() > 1 && lines > 0 && kept == lines {
        return Fate::LinesLost {
            arrived: lines,
            sent: sent.len(),
        };
    }
    // Without a member of ours it is somebody else's list.
    if kept == 0 {
        return of_text(&sent.join(","), arrived);
    }
    Fate::MembersLost {
        arrived: kept,
        sent: wanted.len(),
    }
}

/// Of one that the answer had no room for: by its length, and its begin.
fn of_long_list(sent: &str, arrived: &[&Line]) -> Fate {
    let lengths = arrived.iter().map(|line| line.len());
    let commas = arrived.len().saturating_sub(1);
    let length = lengths.fold(commas, usize::saturating_add);
    let begin = sent.split(',').next().unwrap_or(sent);
    let has_begin = arrived.iter().any(|line| line.begin().contains(begin));
    if length < sent.len() {
        Fate::Shortened {
            arrived: length,
            sent: sent.len(),
        }
    } else if has_begin && length > sent.len() {
        Fate::Extended
    } else {
        Fate::Changed
    }
}

fn of_text(sent: &str, arrived: &[&Line]) -> Fate {
    let [line] = arrived else {
        return Fate::Changed;
    };
    if line.is_whole() && line.begin().contains(sent) {
        Fate::Extended
    } else if line.len() < sent.len() && sent.starts_with(line.begin()) {
        Fate::Shortened {
            arrived: line.len(),
            sent: sent.len(),
        }
    } else {
        Fate::Changed
    }
}

/// What the service did with it, if that is not what the headers say.
fn of_trace(sent: &Sent, answer: &Answer, is_whole: bool) -> Option<Code> {
    let is_continued = answer.class == "continued";
    let Some((trace, span)) = sent.span else {
        return (!answer.lines.is_empty()).then_some(Code::BeginsTraces);
    };
    if !is_whole {
        return None;
    }
    let parent = (
        answer.parent_trace_id.as_deref(),
        answer.parent_span_id.as_deref(),
    );
    let is_ours = parent == (Some(&*trace.to_string()), Some(&*span.to_string()));
    match (is_continued, is_ours) {
        (true, true) => None,
        // Another carrier went first, which nobody sent.
        (true, false) if !sent.has("traceparent") => Some(Code::OverrulesCarrier),
        _ if answer.class == "untrusted" => Some(Code::NotTrusted),
        _ => Some(Code::NotRead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::Whole("tracestate".to_owned(), text.to_owned())
    }

    fn list(sent: &[&str], arrived: &[&str]) -> Fate {
        let arrived: Vec<Line> = arrived.iter().map(|text| line(text)).collect();
        of_list(sent, &arrived.iter().collect::<Vec<_>>())
    }

    #[test]
    fn lists_that_arrive_otherwise() {
        let three = &["a=1", "rum=v2", "b=2"][..];
        let folded = Fate::Folded { lines: 3 };
        let two_lost = Fate::LinesLost {
            arrived: 1,
            sent: 3,
        };
        for (sent, arrived, fate) in [
            (three, &["a=1,rum=v2,b=2"][..], folded),
            (three, &["a=1, rum=v2, b=2"], folded),
            (three, &["a=1"], two_lost),
            (three, &["b=2"], two_lost),
            (three, &["a=1,rum=v2", "b=2"], Fate::Extended),
            (three, &["x=1,a=1,rum=v2,b=2"], Fate::Extended),
            (three, &["other=1"], Fate::Changed),
            (&["rum=v2"], &["x=1,rum=v2"], Fate::Extended),
            (&["rum=v2"], &["x=1", "rum=v2"], Fate::Extended),
            (&["rum=v2"], &["x=1"], Fate::Changed),
            (
                &["rum=v2"],
                &["rum="],
                Fate::Shortened {
                    arrived: 4,
                    sent: 6,
                },
            ),
            (
                &["rum=v2,a=1,b=2"],
                &["rum=v2,a=1"],
                Fate::MembersLost {
                    arrived: 2,
                    sent: 3,
                },
            ),
        ] {
            assert_eq!(list(sent, arrived), fate, "{sent:?} {arrived:?}");
        }
    }

    #[test]
    fn long_lists_are_known_by_their_length() {
        let sent = format!("rum=v2,{}", "v".repeat(900));
        let cut = |begin: &str, len| {
            let line = Line::Cut("tracestate".into(), begin.into(), len, "0".into());
            of_long_list(&sent, &[&line])
        };
        assert_eq!(cut("x=1,rum=v2,vv", sent.len() + 4), Fate::Extended);
        assert_eq!(
            cut("rum=v2,vv", 700),
            Fate::Shortened {
                arrived: 700,
                sent: sent.len()
            }
        );
        assert_eq!(cut("else=1,vv", sent.len() + 4), Fate::Changed);
    }

    #[test]
    fn each_part_of_a_traceparent() {
        const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let arrived = |texts: &[String]| {
            let lines: Vec<Line> = texts.iter().map(|text| line(text)).collect();
            of_traceparent(&[SENT], &lines.iter().collect::<Vec<_>>())
        };
        let with = |from: &str, to: &str| arrived(&[SENT.replace(from, to)]);
        assert_eq!(with("4bf9", "4bf8"), Fate::OtherTrace);
        assert_eq!(with("00f0", "00f1"), Fate::OtherSpan);
        assert_eq!(with("-01", "-00"), Fate::OtherFlags { sampled: false });
        assert_eq!(with("-01", "-03"), Fate::Arrived);
        assert_eq!(with("-01", ""), Fate::Changed);
        assert_eq!(arrived(&[SENT.to_owned(), SENT.to_owned()]), Fate::Doubled);
    }
}
