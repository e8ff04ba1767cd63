//! The trace headers of one request.

use rum_trace::RumKey;
use rum_trace_propagation::sw8::{self, Sw8Parts};
use rum_trace_propagation::{SpanId, TraceId};
use rum_trace_testing::PhoneRequest;

use super::Form;

/// Header lines, and what they say.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) lines: Vec<(&'static str, String)>,
    /// None where nothing is sent.
    pub(crate) span: Option<(TraceId, SpanId)>,
    pub(crate) sampled: bool,
    /// What a service learns of app, session and user.
    pub(crate) tells: Vec<RumKey>,
}

/// Whether a header of this name says which trace goes on.
pub(crate) fn is_carrier(name: &str) -> bool {
    matches!(name, "traceparent" | "sw8" | "b3" | "uber-trace-id") || name.starts_with("x-b3-")
}

impl Sent {
    pub(super) fn of(tap: &PhoneRequest) -> Self {
        let trace = TraceId::from_hex(tap.trace_id().as_bytes());
        let span = SpanId::from_hex(tap.parent_span_id().as_bytes());
        let tells = [
            (RumKey::AppId, tap.app_id()),
            (RumKey::AppType, tap.app_type()),
            (RumKey::AppVersion, tap.app_version()),
            (RumKey::SessionId, tap.session_id()),
            (RumKey::UserId, tap.user_id()),
        ];
        let told = |(key, value): (RumKey, Option<&str>)| value.map(|_| key);
        Sent {
            lines: tap.headers().to_vec(),
            span: trace.zip(span),
            sampled: tap.sampled(),
            tells: tells.into_iter().filter_map(told).collect(),
        }
    }

    pub(super) fn nothing() -> Self {
        Sent {
            lines: Vec::new(),
            span: None,
            sampled: false,
            tells: Vec::new(),
        }
    }

    /// All lines of a header, joined as HTTP has it.
    pub(crate) fn whole(&self, name: &str) -> String {
        self.texts(name).collect::<Vec<_>>().join(",")
    }

    pub(crate) fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.lines.iter().filter(move |(sent, _)| *sent == name);
        lines.map(|(_, text)| text.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.texts(name).next().is_some()
    }

    /// The names of the headers, each once.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for (name, _) in &self.lines {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names
    }

    /// By other headers, with which no `tracestate` goes: those that a page's SDK writes.
    pub(super) fn put_in(&mut self, form: Form) {
        let Some((trace, span)) = self.span else {
            return;
        };
        self.lines = match form {
            Form::B3 => vec![("b3", format!("{trace}-{span}-1"))],
            Form::B3Multi => vec![
                ("x-b3-traceid", trace.to_string()),
                ("x-b3-spanid", span.to_string()),
                ("x-b3-sampled", "1".to_owned()),
            ],
            Form::Jaeger => vec![("uber-trace-id", format!("{trace}:{span}:0:1"))],
        };
        self.tells.clear();
    }

    pub(super) fn add_sw8(&mut self) {
        let Some((trace, span)) = self.span else {
            return;
        };
        let segment = sw8::segment_id(trace, span);
        let text = Sw8Parts {
            sampled: true,
            trace_id: &trace.to_string(),
            segment_id: &String::from_utf8_lossy(&segment),
            span_id: 0,
            service: "rum-trace-verify",
            instance: "1",
            endpoint: "/",
            peer: "0.0.0.0",
        };
        self.lines.push(("sw8", text.encode()));
    }

    /// The RUM member in the middle: who keeps one line alone loses it.
    pub(super) fn put_in_lines(&mut self) {
        let further = |at: usize| ("tracestate", format!("rumtrace{at}=verify"));
        if let Some(at) = self
            .lines
            .iter()
            .position(|(name, _)| *name == "tracestate")
        {
            self.lines.insert(at, further(1));
            self.lines.push(further(2));
        }
    }

    /// Members behind the RUM member, up to so many characters in all.
    pub(super) fn lengthen(&mut self, characters: usize) {
        const MEMBER: usize = 100;
        let list = self
            .lines
            .iter_mut()
            .find(|(name, _)| *name == "tracestate");
        let Some((_, list)) = list else {
            return;
        };
        for at in 1.. {
            let begin = format!(",rumtrace{at}=");
            let room = characters.saturating_sub(list.len());
            // The last one takes what is left.
            let length = if room < 2 * MEMBER { room } else { MEMBER };
            let filler = length.saturating_sub(begin.len());
            if filler == 0 {
                return;
            }
            list.push_str(&begin);
            list.push_str(&"v".repeat(filler));
        }
    }
}
