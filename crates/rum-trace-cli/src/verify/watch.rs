//! Waits for the spans of the requests, until all are there or it is time.

use rum_trace_propagation::SpanId;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::answer::Answer;
use super::client::{Client, Response};
use super::diagnosis::Code;
use super::judge::{self, Found};
use super::learned::source::Source;
use super::learned::{Timing, Wanted};
use super::play::Exchange;
use super::progress::Progress;

/// A request with what has been learned of it so far.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) exchange: Exchange,
    pub(crate) answer: Option<Answer>,
    pub(crate) found: Found,
    /// Why nothing could be learned of it.
    pub(crate) problem: Option<String>,
    is_settled: bool,
}

/// Where spans are looked for, and until when.
pub(crate) struct Watch<'a> {
    pub(crate) client: &'a Client,
    pub(crate) source: &'a Source,
    pub(crate) deadline: Instant,
    /// A gateway's spans need not come.
    pub(crate) tracing_gateway: bool,
}

impl Watched {
    pub(crate) fn new(exchange: Exchange) -> Self {
        let response = exchange.response.as_ref().ok();
        let answer = response.and_then(|response| Answer::of(&response.headers));
        let (answer, problem) = match answer {
            Some(Ok(answer)) => (Some(answer), None),
            Some(Err(problem)) => (None, Some(problem)),
            None => (None, None),
        };
        let timing = response.and_then(|response| Timing::of(&response.headers));
        Watched {
            exchange,
            answer,
            found: Found {
                timing,
                ..Found::default()
            },
            problem,
            is_settled: false,
        }
    }

    pub(crate) fn response(&self) -> Option<&Response> {
        self.exchange.response.as_ref().ok()
    }

    /// The parent that the service told by its answer.
    pub(crate) fn told_parent(&self) -> Option<SpanId> {
        let parent = self.answer.as_ref()?.parent_span_id.as_deref()?;
        SpanId::from_hex(parent.as_bytes())
    }

    /// The answer tells all but whether the span that a gateway put between is exported.
    fn is_looked_for(&self) -> bool {
        let sent = &self.exchange.sent;
        let is_open = self
            .answer
            .as_ref()
            .is_none_or(|answer| judge::by_answer(sent, answer).has(Code::RewritesSpan));
        self.response().is_some() && sent.span.is_some() && is_open
    }

    /// Whether spans are to be expected: of what is not sampled one can come all the same.
    fn is_awaited(&self) -> bool {
        let sampled = self.exchange.sent.sampled;
        self.found.timing.map_or(sampled, |timing| timing.sampled)
    }
}

impl Watch<'_> {
    /// All hops' at once: their spans come at the same time.
    pub(crate) async fn run(&self, hops: &mut [Vec<Watched>], progress: &Progress) {
        if matches!(self.source, Source::Nowhere) {
            return;
        }
        loop {
            // What a pass that is broken off has found stays.
            let pass = timeout_at(self.deadline, self.look(hops));
            let missing = pass.await.unwrap_or(1);
            progress.waiting(missing, self.deadline);
            if missing == 0 || Instant::now() >= self.deadline {
                return;
            }
            let next = Instant::now() + self.source.every();
            sleep_until(next.min(self.deadline)).await;
        }
    }

    /// How many requests lack the spans that are expected.
    async fn look(&self, hops: &mut [Vec<Watched>]) -> usize {
        let mut missing = 0_usize;
        let all = hops.iter_mut().flatten();
        for watched in all.filter(|watched| !watched.is_settled && watched.is_looked_for()) {
            match self.found(watched).await {
                Ok(found) => {
                    watched.found = found;
                    watched.problem = None;
                }
                Err(problem) => watched.problem = Some(problem),
            }
            watched.is_settled = self.is_settled(watched);
            let is_missing = !watched.is_settled && watched.is_awaited();
            missing = missing.saturating_add(usize::from(is_missing));
        }
        missing
    }

    async fn found(&self, watched: &Watched) -> Result<Found, String> {
        let mut found = Found {
            timing: watched.found.timing,
            ..Found::default()
        };
        let timing = watched.found.timing;
        let Some((trace, span)) = watched.exchange.sent.span else {
            return Ok(found);
        };
        let wanted = Wanted {
            trace,
            phone: Some(span),
            named: timing.map(|timing| timing.span),
        };
        found.here = self.source.trace(self.client, wanted).await?;
        let other = timing.filter(|timing| timing.trace != trace);
        if let Some(timing) = other {
            let wanted = Wanted {
                trace: timing.trace,
                phone: None,
                named: Some(timing.span),
            };
            found.elsewhere = self.source.trace(self.client, wanted).await?.entry;
        }
        Ok(found)
    }

    /// Whether further spans would tell no more.
    fn is_settled(&self, watched: &Watched) -> bool {
        if watched.answer.is_some() {
            return self.tracing_gateway || watched.is_parent_known();
        }
        if watched.found.entry().is_none() {
            return false;
        }
        let judgement = judge::by_spans(&watched.exchange.sent, &watched.found);
        self.tracing_gateway || !judgement.has(Code::RewritesSpan)
    }
}

impl Watched {
    /// Whether the parent that the service told is exported, too.
    pub(crate) fn is_parent_known(&self) -> bool {
        let spans = &self.found.here.spans;
        self.told_parent()
            .is_some_and(|parent| spans.contains(&parent))
    }
}
