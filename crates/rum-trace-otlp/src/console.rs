//! Spans on the standard output, for looking on while one develops.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Link, SpanId, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Prints a line for each span: start, kind, name, duration, ids, status,
/// scope, attributes, events and links.
///
/// The form is for people and may change; it is no format to be parsed.
#[derive(Debug)]
pub(crate) struct ConsoleExporter;

impl SpanExporter for ConsoleExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let text: String = batch.iter().fold(String::new(), |mut text, span| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", Line(span));
            text
        });
        // Locked, so that no other output comes between.
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|error| OTelSdkError::InternalFailure(format!("the standard output: {error}")))
    }
}

struct Line<'a>(&'a SpanData);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = self.0;
        let took = span.end_time.duration_since(span.start_time);
        write!(
            f,
            "{} {} {:?} {:?} trace={} span={}",
            Timestamp(span.start_time),
            kind(&span.span_kind),
            span.name,
            took.unwrap_or_default(),
            span.span_context.trace_id(),
            span.span_context.span_id(),
        )?;
        if span.parent_span_id != SpanId::INVALID {
            write!(f, " parent={}", span.parent_span_id)?;
        }
        match &span.status {
            Status::Unset => {}
            Status::Ok => f.write_str(" status=ok")?,
            Status::Error { description } if description.is_empty() => {
                f.write_str(" status=error")?;
            }
            Status::Error { description } => write!(f, " status=error:{description:?}")?,
        }
        write!(f, " scope={}", Word(span.instrumentation_scope.name()))?;
        attributes(f, &span.attributes)?;
        for event in &span.events.events {
            let after = event.timestamp.duration_since(span.start_time);
            let after = after.unwrap_or_default();
            write!(f, " event={}@{after:?}{{", Word(&event.name))?;
            attributes(f, &event.attributes)?;
            f.write_str(" }")?;
        }
        span.links
            .links
            .iter()
            .try_for_each(|linked| link(f, linked))
    }
}

fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "CLIENT",
        SpanKind::Server => "SERVER",
        SpanKind::Producer => "PRODUCER",
        SpanKind::Consumer => "CONSUMER",
        SpanKind::Internal => "INTERNAL",
    }
}

fn link(f: &mut fmt::Formatter<'_>, link: &Link) -> fmt::Result {
    let (trace, span) = (link.span_context.trace_id(), link.span_context.span_id());
    write!(f, " link={trace}/{span}")
}

fn attributes(f: &mut fmt::Formatter<'_>, attributes: &[KeyValue]) -> fmt::Result {
    attributes.iter().try_for_each(|attribute| {
        write!(f, " {}=", Word(attribute.key.as_str()))?;
        match &attribute.value {
            Value::String(text) => write!(f, "{:?}", text.as_str()),
            other => write!(f, "{}", Word(&other.to_string())),
        }
    })
}

/// A text as it is, or in quotes if it holds anything that would break the
/// line or move the terminal's cursor: names come from requests too.
struct Word<'a>(&'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'=' | b'\\');
        if !self.0.is_empty() && self.0.bytes().all(plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

/// A time as RFC 3339 writes it, in UTC to the microsecond.
struct Timestamp(SystemTime);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: u64 = 86_400;
        let since: Duration = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / DAY, since.as_secs() % DAY);
        let (year, month, day) = date(days);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60,
            since.subsec_micros(),
        )
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
///
/// Counted in years that begin with March, so that the leap day is the last:
/// then month `m` of such a year begins on day (153 m + 2) / 5.
fn date(days: u64) -> (u64, u64, u64) {
    const FROM_YEAR_0: u64 = 719_468;
    const FOUR_CENTURIES: u64 = 146_097;
    let days = days + FROM_YEAR_0;
    let (era, day) = (days / FOUR_CENTURIES, days % FOUR_CENTURIES);
    let leap_days = day / 1_460 - day / 36_524 + day / 146_096;
    let year = (day - leap_days) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{Event, SpanContext, TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    fn context(span: u64) -> SpanContext {
        SpanContext::new(
            TraceId::from(0xabc),
            SpanId::from(span),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        )
    }

    fn span() -> SpanData {
        let start = UNIX_EPOCH + Duration::from_micros(1_763_805_600_123_456);
        let mut events = SpanEvents::default();
        events.events.push(Event::new(
            "exception",
            start + Duration::from_millis(2),
            vec![KeyValue::new("exception.type", "E")],
            0,
        ));
        let mut links = SpanLinks::default();
        links.links.push(Link::new(context(9), Vec::new(), 0));
        SpanData {
            span_context: context(2),
            parent_span_id: SpanId::from(1),
            parent_span_is_remote: true,
            span_kind: SpanKind::Server,
            name: "GET /pay".into(),
            start_time: start,
            end_time: start + Duration::from_micros(12_500),
            attributes: vec![
                KeyValue::new("url.path", "/pay?\n\u{1b}[2J"),
                KeyValue::new("http.response.status_code", 500),
                KeyValue::new("a b", true),
            ],
            dropped_attributes_count: 0,
            events,
            links,
            status: Status::error("boom"),
            instrumentation_scope: InstrumentationScope::builder("rum-trace").build(),
        }
    }

    #[test]
    fn a_span_is_one_line_without_control_characters() {
        assert_eq!(
            Line(&span()).to_string(),
            "2025-11-22T10:00:00.123456Z SERVER \"GET /pay\" 12.5ms \
             trace=00000000000000000000000000000abc span=0000000000000002 \
             parent=0000000000000001 status=error:\"boom\" scope=rum-trace \
             url.path=\"/pay?\\n\\u{1b}[2J\" http.response.status_code=500 \"a b\"=true \
             event=exception@2ms{ exception.type=\"E\" } \
             link=00000000000000000000000000000abc/0000000000000009"
        );
    }

    #[test]
    fn what_is_not_there_is_not_printed() {
        let line = Line(&SpanData {
            parent_span_id: SpanId::INVALID,
            status: Status::Unset,
            attributes: Vec::new(),
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            ..span()
        })
        .to_string();
        assert!(
            line.ends_with("span=0000000000000002 scope=rum-trace"),
            "{line}"
        );
    }

    #[test]
    fn dates_go_through_leap_years_and_centuries() {
        for (days, wanted) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (789, (1972, 2, 29)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_453, (2025, 12, 31)),
            (20_454, (2026, 1, 1)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(days), wanted, "{days}");
        }
    }
}
