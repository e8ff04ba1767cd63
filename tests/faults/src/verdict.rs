//! Whether a row holds.

use std::time::Duration;

use crate::report::Books;
use crate::rows::{Ending, Row, Wants};
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
        outcome.wrong == 0,
        format!("the books were wrong {} times under load", outcome.wrong),
    );
    let under_load = row.end == Ending::TerminatedUnderLoad;
    want(
        under_load || outcome.looks > 0,
        "nobody looked at the books".to_owned(),
    );
    want(
        under_load || outcome.latencies.failed == 0,
        format!("{} requests got no answer", outcome.latencies.failed),
    );
    want(outcome.created > 0, "no span was made".to_owned());
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
        Wants::Counted => {
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
            let second = outcome
                .second
                .as_ref()
                .and_then(|end| end.farewell.as_ref());
            let recovered = second.map_or(0, |it| it.books.recovered);
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
    use crate::service::Kind;

    fn healthy() -> Row {
        *ROWS.iter().find(|row| row.name == "healthy").unwrap()
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
            looks: 1,
            wrong: 0,
        }
    }

    #[test]
    fn each_fault_is_found() {
        type Spoil = fn(&mut Outcome);
        let spoils: [(&str, Spoil); 8] = [
            ("9 of 10 were received", |it| it.received.spans = 9),
            ("wrong 1 times", |it| it.wrong = 1),
            ("nobody looked", |it| it.looks = 0),
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

    fn last_words(outcome: &mut Outcome) -> &mut Farewell {
        outcome.end.farewell.as_mut().unwrap()
    }
}
