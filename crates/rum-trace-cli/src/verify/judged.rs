//! The requests with what became of each.

use super::diagnosis::Code;
use super::judge::{self, Judgement, Learned};
use super::play::Exchange;
use super::watch::Watched;

/// A request with what became of it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) exchange: Exchange,
    pub(crate) learned: Learned,
    pub(crate) judgement: Judgement,
    /// Why nothing could be learned of it.
    pub(crate) problem: Option<String>,
}

/// Who is known to export to where spans are looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exports {
    pub(crate) service: bool,
    pub(crate) gateway: bool,
}

impl Judged {
    pub(crate) fn of(watched: Watched, exports: Exports) -> Self {
        // Of what is not sampled a gateway exports nothing, as it should be.
        let is_exported = exports.gateway && !watched.exchange.sent.sampled;
        let is_parent_known = watched.is_parent_known() || is_exported;
        let tells = tells_of_the_service(&watched, exports.service);
        let learned = match watched.answer {
            Some(answer) => Learned::Answer(Box::new(answer)),
            None if tells => Learned::Spans(watched.found),
            None => Learned::Nothing,
        };
        let mut judgement = judge::judge(&watched.exchange.sent, &learned);
        if is_parent_known && judgement.codes.remove(&Code::RewritesSpan) {
            judgement.codes.insert(Code::GatewaySpans);
        }
        Judged {
            exchange: watched.exchange,
            learned,
            judgement,
            problem: watched.problem,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.exchange.probe.name
    }

    pub(crate) const fn is_answered(&self) -> bool {
        matches!(self.learned, Learned::Answer(_))
    }
}

/// Whether the spans tell anything: there is one, or there should be one. Where nothing
/// shows that the service was reached, a gateway may have answered in its place, and a
/// collector that could not be asked tells nothing.
fn tells_of_the_service(watched: &Watched, exports: bool) -> bool {
    let Some(response) = watched.response() else {
        return false;
    };
    if watched.found.entry().is_some() || watched.found.timing.is_some() {
        return watched.exchange.sent.span.is_some();
    }
    let is_well = response.status.as_u16() < 300;
    exports && is_well && watched.exchange.sent.sampled && watched.problem.is_none()
}
