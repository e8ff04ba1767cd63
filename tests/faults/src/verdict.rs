//! Whether a row holds.

use std::time::Duration;

use crate::report::Books;
use crate::rows::{Ending, Row, Wants, Weather};
use crate::run::Outcome;
use crate::service::ours::DEADLINE;

/// A process has more to do at its end than the pipeline.
const TO_END: Duration = Duration::from_secs(2);

/// What ours misses in this row: nothing, if all is well.
pub(crate) fn misses(row: &Row, outcome: &Outcome) -> Vec<String> {
    let mut misses = Vec::new();
    let mut want = |holds: bool, text: String| {
        if !holds {
            misses.push(text);
        }
    };
    want(
        outcome.looks.wrong == 0,
        format!(
            "the books were wrong {} times under load",
            outcome.looks.wrong
        ),
    );
    want(
        outcome.looks.times > 0,
        "nobody looked at the books".to_owned(),
    );
    let under_load = matches!(row.end, Ending::TerminatedUnderLoad { .. });
    want(
        under_load || outcome.latencies.failed == 0,
        format!("{} requests got no answer", outcome.latencies.failed),
    );
    want(outcome.created > 0, "no span was made".to_owned());
    let repeated = outcome.received.repeated;
    want(
        row.collector != Weather::Up || repeated == 0,
        format!("{repeated} came twice to a collector that never failed"),
    );
    // A process that was killed could say nothing.
    want(
        row.end == Ending::Killed || outcome.end.farewell.is_some(),
        "the service died without a word".to_owned(),
    );
    let second = outcome.second.as_ref();
    want(
        row.spool == second.is_some_and(|end| end.farewell.is_some()),
        "the service that was started again died without a word".to_owned(),
    );
    want(
        !row.spool || outcome.looks.spooled > 0 || recovered(outcome) > 0,
        "nothing went to the disk".to_owned(),
    );
    for end in [Some(&outcome.end), outcome.second.as_ref()]
        .into_iter()
        .flatten()
    {
        want(
            end.took <= DEADLINE + TO_END,
            format!("the end took {:?}", end.took),
        );
        if let Some(last) = &end.farewell {
            let lost = last.books.lost();
            want(
                books_close(&last.books),
                format!("wrong at the end: {:?}", last.books),
            );
            want(
                last.shutdown.is_ok() == (lost == 0),
                format!("shutdown says {:?} with {lost} lost", last.shutdown),
            );
        }
    }
    let received = outcome.received.spans;
    match row.wants {
        Wants::Everything => want(
            received == outcome.created,
            format!("{received} of {} were received", outcome.created),
        ),
        Wants::Counted | Wants::CountedAndFlowing => {
            let flowing = outcome.looks.exported > 0;
            want(
                row.wants == Wants::Counted || flowing,
                "nothing was exported as long as the load ran".to_owned(),
            );
            let exported = last(outcome).exported;
            // What was cut off at the deadline may have arrived all the same.
            want(
                received >= exported,
                format!("{exported} exported, and {received} received"),
            );
        }
        Wants::AllButOneBatch => {
            let panicked = last(outcome).dropped.get("exporter_panic").copied();
            let panicked = panicked.unwrap_or(0);
            want(panicked > 0, "no panic was counted".to_owned());
            want(
                received + panicked == outcome.created,
                format!(
                    "{received} received and {panicked} lost of {}",
                    outcome.created
                ),
            );
        }
        Wants::Spooled => {
            let spooled = outcome.spooled;
            want(spooled > 0, "nothing was spooled".to_owned());
            let recovered = recovered(outcome);
            want(
                received == spooled && recovered == spooled,
                format!("{spooled} on disk, {recovered} recovered, {received} received"),
            );
        }
    }
    misses
}

/// Nothing is in no count, and nothing is left without a fate.
fn books_close(books: &Books) -> bool {
    books.in_no_count() == 0 && books.created == books.ended && books.queued + books.in_flight == 0
}

/// What a service that was started again found on disk.
fn recovered(outcome: &Outcome) -> u64 {
    let second = outcome.second.as_ref();
    let farewell = second.and_then(|end| end.farewell.as_ref());
    farewell.map_or(0, |it| it.books.recovered)
}

fn last(outcome: &Outcome) -> Books {
    let farewell = outcome.end.farewell.as_ref();
    farewell.map(|it| it.books.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::End;
    use crate::collector::Received;
    use crate::load::Latencies;
    use crate::report::Farewell;
    use crate::rows::ROWS;
    use crate::run::Looks;
    use crate::service::Kind;

    fn healthy() -> Row {
        row("healthy")
    }

    fn row(name: &str) -> Row {
        *ROWS.iter().find(|row| row.name.contains(name)).unwrap()
    }

    /// Ten spans, all received.
    fn well() -> Outcome {
        let books = Books {
            created: 10,
            ended: 10,
            exported: 10,
            ..Books::default()
        };
        Outcome {
            kind: Kind::Ours,
            latencies: Latencies::default(),
            received: Received {
                spans: 10,
                repeated: 0,
            },
            created: 10,
            end: End {
                farewell: Some(Farewell {
                    books,
                    shutdown: Ok(()),
                }),
                took: Duration::from_secs(1),
            },
            spooled: 0,
            second: None,
            looks: Looks {
                times: 1,
                ..Looks::default()
            },
        }
    }

    #[test]
    fn each_fault_is_found() {
        type Spoil = fn(&mut Outcome);
        let spoils: [(&str, Spoil); 10] = [
            ("9 of 10 were received", |it| it.received.spans = 9),
            ("wrong 1 times", |it| it.looks.wrong = 1),
            ("nobody looked", |it| it.looks.times = 0),
            ("2 came twice", |it| it.received.repeated = 2),
            ("died without a word", |it| it.end.farewell = None),
            ("the end took 8s", |it| it.end.took = Duration::from_secs(8)),
            ("wrong at the end", |it| last_words(it).books.exported = 9),
            ("wrong at the end", |it| last_words(it).books.ended = 11),
            ("shutdown says Ok(()) with 2 lost", |it| {
                last_words(it).books.rejected = 2;
            }),
            ("requests got no answer", |it| it.latencies.failed = 1),
        ];
        assert_eq!(misses(&healthy(), &well()), Vec::<String>::new());
        for (said, spoil) in spoils {
            let mut outcome = well();
            spoil(&mut outcome);
            let misses = misses(&healthy(), &outcome);
            assert!(misses.iter().any(|miss| miss.contains(said)), "{misses:?}");
        }
    }

    #[test]
    fn spans_may_come_twice_only_if_the_collector_failed() {
        let mut outcome = well();
        outcome.received.repeated = 2;
        assert_eq!(misses(&row("restarted"), &outcome), Vec::<String>::new());
        assert_eq!(
            misses(&row("exporter panics"), &outcome)
                .iter()
                .filter(|miss| miss.contains("2 came twice"))
                .count(),
            1
        );
    }

    /// Ten spans on disk, and nothing known when the service was killed.
    fn spooled() -> Outcome {
        let first = well();
        let mut second = first.end.clone();
        let books = &mut second.farewell.as_mut().unwrap().books;
        *books = Books {
            recovered: 10,
            exported: 10,
            ..Books::default()
        };
        Outcome {
            end: End {
                farewell: None,
                ..first.end.clone()
            },
            spooled: 10,
            second: Some(second),
            ..first
        }
    }

    #[test]
    fn only_the_killed_may_be_silent_and_only_once() {
        let killed = row("SIGKILL");
        assert_eq!(misses(&killed, &spooled()), Vec::<String>::new());
        let again = "the service that was started again died without a word";
        let silent = Outcome {
            second: None,
            ..spooled()
        };
        assert!(misses(&killed, &silent).contains(&again.to_owned()));
        let mut silent = spooled();
        silent.second.as_mut().unwrap().farewell = None;
        assert!(misses(&killed, &silent).contains(&again.to_owned()));
        let away = misses(&row("10 s away"), &spooled());
        assert_eq!(away, ["the service died without a word"]);
    }

    #[test]
    fn a_spool_must_be_used() {
        let away = row("10 s away");
        let mut second = well().end;
        second.farewell.as_mut().unwrap().books = Books::default();
        let unused = Outcome {
            second: Some(second),
            ..well()
        };
        assert_eq!(misses(&away, &unused), ["nothing went to the disk"]);
        let mut used = unused;
        used.looks.spooled = 1;
        assert_eq!(misses(&away, &used), Vec::<String>::new());
        used.looks.spooled = 0;
        used.second = spooled().second;
        assert_eq!(misses(&away, &used), Vec::<String>::new());
    }

    #[test]
    fn an_overload_must_not_stop_the_export() {
        let overload = row("faster than the encoder");
        let starved = "nothing was exported as long as the load ran";
        assert_eq!(misses(&overload, &well()), [starved]);
        let mut flowing = well();
        flowing.looks.exported = 1;
        assert_eq!(misses(&overload, &flowing), Vec::<String>::new());
        // With the collector away there is nothing to be exported.
        assert_eq!(
            misses(&row("collector down"), &well()),
            Vec::<String>::new()
        );
    }

    fn last_words(outcome: &mut Outcome) -> &mut Farewell {
        outcome.end.farewell.as_mut().unwrap()
    }
}
