//! The texts: what is seen, what it may come from, and what to do.

use rum_trace_propagation::SpanId;

use super::Hop;
use super::clocks::Skew;
use crate::collector::{Span, SpanKind};

/// How much of a name is quoted.
const MAX_QUOTE: usize = 120;

fn quote(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(MAX_QUOTE).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("“{start}{more}”")
}

pub(super) fn with_times(text: String, times: usize) -> String {
    if times > 1 {
        format!("{text} Seen {times} times in this trace.")
    } else {
        text
    }
}

pub(super) fn missing_parent(span: &Span, parent: SpanId, times: usize) -> String {
    let service = quote(span.service());
    let who = match times {
        1 => format!("The parent of {} ({service})", quote(&span.name)),
        _ => format!(
            "The parent of {} ({service}) and {} more spans",
            quote(&span.name),
            times - 1
        ),
    };
    let why = match span.kind {
        SpanKind::Server | SpanKind::Consumer => format!(
            "Who called {service} exports nothing to here, did not sample its span, or lost it: let \
             the caller export to this collector too, and look at its exporter's errors."
        ),
        _ => format!(
            "It belongs to {service} itself: it is still running, was dropped by a full queue of the \
             exporter, or the process ended before its last batch was sent."
        ),
    };
    format!("{who} never came: span {parent}. {why}")
}

pub(super) fn circle(span: &Span) -> String {
    format!(
        "{} ({}) is its own ancestor: its parents go round in a circle. Whoever makes span ids \
         there gives the same one twice, or sets parents by hand.",
        quote(&span.name),
        quote(span.service())
    )
}

pub(super) fn lost_tracestate(hop: &Hop) -> String {
    let (from, to) = (quote(&hop.from), quote(&hop.to));
    format!(
        "{from} knew the phone's app or session, {to} was told nothing of it: the RUM member of \
         tracestate was lost on the way. Either {from} does not name {to} as its own host (the RUM \
         members go to no others), or a gateway between them drops tracestate, or {to} reads \
         traceparent only. Name the host in {from}, let the gateway pass tracestate, or use the \
         layer in {to}."
    )
}

pub(super) fn rum_differs(hop: &Hop, what: &str) -> String {
    format!(
        "{what} is another one in {} than in {}. Something between them writes its own, or one of \
         the two hides ids by its privacy settings and the other does not.",
        quote(&hop.to),
        quote(&hop.from)
    )
}

pub(super) fn kept_alone(span: &Span, why: &str) -> String {
    let why = match why {
        "error" => "ended in an error".to_owned(),
        "slow" => "was slow".to_owned(),
        other => format!("was kept for {}", quote(other)),
    };
    format!(
        "{} ({}) was not sampled and was exported only since it {why}: what it called was not \
         recorded. Raise the share that is sampled, or add a rule for what you look for.",
        quote(&span.name),
        quote(span.service())
    )
}

pub(super) fn recorded_unsampled(service: &str, times: usize) -> String {
    let spans = if times == 1 {
        "A span".to_owned()
    } else {
        format!("{times} spans")
    };
    format!(
        "{spans} of {} came though not sampled: the services beyond were told not to record, so \
         that what they did is not here. Look at the sampler of the first service of the trace.",
        quote(service)
    )
}

pub(super) fn unsampled_branch(from: &str, to: &str) -> String {
    let (from, to) = (quote(from), quote(to));
    format!(
        "{from} called {to}, which is known from other traces, and no span of {to} came for it: the \
         trace was not sampled there, a gateway between them dropped traceparent so that {to} began \
         a trace of its own, or its spans were lost. Look at the sampler of {to} (it should follow \
         its parent), then at what the gateway passes."
    )
}

pub(super) fn no_span_of_service(from: &str, to: &str) -> String {
    let (from, to) = (quote(from), quote(to));
    format!(
        "{from} called {to}, and no span of {to} came for this call, though others did: it is still \
         under way, or was answered before it reached the layer (by a gateway, a health check, a \
         filter)."
    )
}

pub(super) fn no_span_beyond(from: &str, peer: &str) -> String {
    format!(
        "{} called {}, and no span came from beyond: not instrumented, not sampled, exported \
         elsewhere, or still under way. Of a third party there is none to expect.",
        quote(from),
        quote(peer)
    )
}

pub(super) fn clock_skew(hop: &Hop, skew: Skew, by: u64) -> String {
    let ms = by / 1_000_000;
    let what = match skew {
        Skew::BeginsBefore => format!("begins {ms} ms before its parent in"),
        Skew::BeginsAfterEnd => format!("begins {ms} ms after the end of the call by"),
        Skew::EndsLongAfter => format!("ends {ms} ms after the end of the call by"),
    };
    let (from, to) = (quote(&hop.from), quote(&hop.to));
    if from == to {
        return format!(
            "A span of {to} {what} the same service: its instances have clocks that differ, a \
             clock was set meanwhile, or the span was given its times by hand. Compare their \
             durations, not their times."
        );
    }
    format!(
        "A span of {to} {what} {from}: the clocks of the two differ. Let both machines follow the \
         same time service; until then compare their durations, not their times."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spans_of_one_service_are_not_said_to_be_two() {
        let said = |from: &str, to: &str| {
            let (from, to) = (from.to_owned(), to.to_owned());
            clock_skew(&Hop { from, to }, Skew::BeginsBefore, 7_000_000)
        };
        assert!(said("shop", "stock").contains("“shop”: the clocks of the two differ"));
        let one = said("shop", "shop");
        assert!(one.starts_with("A span of “shop” begins 7 ms before its parent in the same"));
        assert!(!one.contains("the two"), "{one}");
    }
}
