//! Was a tap continued? And if not, what is wrong, in words.

use std::sync::Arc;

use rum_trace::RumKey;
use rum_trace_propagation::SpanId;
use rum_trace_testing::PhoneRequest;

use super::answer::{Answer, Seen};
use super::phones::Tap;
use super::round::Sent;
use super::world::{SHOP, STOCK};
use crate::collector::{Span, SpanKind};
use crate::terminal::escape::for_terminal;

/// What is known of a tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every span that belongs to it arrived, at its place.
    Continued,
    /// It is not sampled: the services were in its trace and exported nothing.
    Unsampled,
    /// Something has not arrived so far.
    Waiting(String),
    /// What arrived is wrong; waiting mends nothing.
    Broken(String),
}

impl Verdict {
    /// Why it counts as lost, unless it was continued. What has not arrived by
    /// now never did.
    pub(crate) fn problem(&self) -> Option<&str> {
        match self {
            Self::Continued | Self::Unsampled => None,
            Self::Waiting(problem) | Self::Broken(problem) => Some(problem),
        }
    }
}

/// Judges a tap by its answer and by the spans of its trace.
pub(crate) fn judge(sent: &Sent, spans: &[Arc<Span>]) -> Verdict {
    let outcome = match answered(sent) {
        Err(problem) => Err(Verdict::Broken(problem)),
        Ok(answer) if sent.tap.request.sampled() => {
            sampled(&sent.tap, answer, spans).map(|()| Verdict::Continued)
        }
        Ok(answer) => unsampled(answer, spans)
            .map(|()| Verdict::Unsampled)
            .map_err(Verdict::Broken),
    };
    outcome.unwrap_or_else(|verdict| verdict)
}

/// The SERVER span that continues the phone's, if it arrived.
pub(crate) fn continuing<'a>(tap: &PhoneRequest, spans: &'a [Arc<Span>]) -> Option<&'a Arc<Span>> {
    let mut of_shop = servers(spans, SHOP);
    of_shop.find(|span| is(span.parent, tap.parent_span_id()))
}

/// What the phone says of itself, by span attribute.
pub(crate) fn told(tap: &PhoneRequest) -> [(RumKey, Option<&str>); 8] {
    [
        (RumKey::AppId, tap.app_id()),
        (RumKey::AppType, tap.app_type()),
        (RumKey::AppVersion, tap.app_version()),
        (RumKey::AppChannel, tap.app_channel()),
        (RumKey::SdkVersion, tap.sdk_version()),
        (RumKey::SessionId, tap.session_id()),
        (RumKey::UserId, tap.user_id()),
        (RumKey::Version, tap.rum_version()),
    ]
}

/// The answer, if it is the expected one and comes from the phone's trace.
fn answered(sent: &Sent) -> Result<&Answer, String> {
    let expected = sent.tap.expected;
    let (status, answer) = match &sent.answer {
        Ok((status, answer)) => (*status, answer),
        Err(problem) => {
            let problem = for_terminal(problem.as_bytes());
            return Err(format!("the request to {SHOP} failed: {problem}"));
        }
    };
    if status != expected.status {
        return Err(format!(
            "{SHOP} answered {}, where {} was expected",
            status.as_u16(),
            expected.status.as_u16()
        ));
    }
    in_trace(SHOP, &answer.shop, &sent.tap.request)?;
    match &answer.stock {
        Some(seen) => in_trace(STOCK, seen, &sent.tap.request)?,
        None if expected.calls_stock => {
            return Err(format!("{SHOP} answered, but did not call {STOCK}"));
        }
        None => {}
    }
    Ok(answer)
}

fn in_trace(service: &str, seen: &Seen, tap: &PhoneRequest) -> Result<(), String> {
    if seen.trace_id == tap.trace_id() {
        return Ok(());
    }
    Err(format!(
        "{service} was in trace {} instead of the phone's trace {}: it started a new one",
        for_terminal(seen.trace_id.as_bytes()),
        tap.trace_id()
    ))
}

fn unsampled(answer: &Answer, spans: &[Arc<Span>]) -> Result<(), String> {
    let services = [(SHOP, Some(&answer.shop)), (STOCK, answer.stock.as_ref())];
    for (service, seen) in services {
        if seen.is_some_and(|seen| seen.sampled) {
            return Err(format!("the phone did not sample, but {service} did"));
        }
    }
    match spans.len() {
        0 => Ok(()),
        n => Err(format!(
            "the phone did not sample, but {n} spans were exported"
        )),
    }
}

fn sampled(tap: &Tap, answer: &Answer, spans: &[Arc<Span>]) -> Result<(), Verdict> {
    let server = server_of_shop(&tap.request, spans)?;
    same_client(server, &tap.request).map_err(Verdict::Broken)?;
    if answer.stock.is_some() {
        onward(server, spans)?;
    }
    Ok(())
}

fn server_of_shop<'a>(
    tap: &PhoneRequest,
    spans: &'a [Arc<Span>],
) -> Result<&'a Arc<Span>, Verdict> {
    if let Some(server) = continuing(tap, spans) {
        return Ok(server);
    }
    let (trace, phone) = (tap.trace_id(), tap.parent_span_id());
    Err(match servers(spans, SHOP).next() {
        Some(other) => Verdict::Broken(format!(
            "the SERVER span of {SHOP} is in the phone's trace, but its parent is {}, not the \
             phone's span {phone}",
            parent(other)
        )),
        None => Verdict::Waiting(format!(
            "the SERVER span of {SHOP} never arrived: trace {trace}, child of the phone's span \
             {phone}"
        )),
    })
}

/// App, session and user are what the phone told.
fn same_client(server: &Span, tap: &PhoneRequest) -> Result<(), String> {
    for (key, sent) in told(tap) {
        let attribute = key.attribute();
        let found = server.text(attribute);
        if found != sent {
            let text = |value: Option<&str>| match value {
                Some(value) => format!("“{}”", for_terminal(value.as_bytes())),
                None => "nothing".into(),
            };
            return Err(format!(
                "{attribute} arrived as {}, where the phone told {}",
                text(found),
                text(sent)
            ));
        }
    }
    Ok(())
}

/// The CLIENT span under the shop's SERVER span, and under it the stock
/// service's SERVER span.
fn onward(server: &Span, spans: &[Arc<Span>]) -> Result<(), Verdict> {
    let client = spans
        .iter()
        .find(|span| span.kind == SpanKind::Client && span.parent == Some(server.span_id));
    let Some(client) = client else {
        return Err(Verdict::Waiting(format!(
            "the CLIENT span of {SHOP} for its call to {STOCK} never arrived: trace {}, child of \
             {}",
            server.trace_id, server.span_id
        )));
    };
    let mut of_stock = servers(spans, STOCK);
    if of_stock.any(|span| span.parent == Some(client.span_id)) {
        return Ok(());
    }
    Err(match servers(spans, STOCK).next() {
        Some(other) => Verdict::Broken(format!(
            "the SERVER span of {STOCK} is in the phone's trace, but its parent is {}, not the \
             CLIENT span {} of {SHOP}",
            parent(other),
            client.span_id
        )),
        None => Verdict::Waiting(format!(
            "the SERVER span of {STOCK} never arrived: trace {}, child of {SHOP}'s CLIENT span {}",
            client.trace_id, client.span_id
        )),
    })
}

fn servers<'a>(spans: &'a [Arc<Span>], service: &'a str) -> impl Iterator<Item = &'a Arc<Span>> {
    spans
        .iter()
        .filter(move |span| span.kind == SpanKind::Server && span.service() == service)
}

fn is(id: Option<SpanId>, hex: &str) -> bool {
    id.is_some_and(|id| id.to_string() == hex)
}

fn parent(span: &Span) -> String {
    match span.parent {
        Some(id) => id.to_string(),
        None => "none".into(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
