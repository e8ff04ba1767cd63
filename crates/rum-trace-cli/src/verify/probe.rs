//! What is sent: each form of header that RUM SDKs send, and what puts gateways to
//! the test.

use clap::builder::PossibleValuesParser;
use rum_trace::RumKey;
use rum_trace_propagation::sw8::{self, Sw8Parts};
use rum_trace_propagation::{SpanId, TraceId};
use rum_trace_testing::{Phone, PhoneRequest};

/// A form of header, and how it is made.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) name: &'static str,
    /// For a person.
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    make: fn(Phone) -> Phone,
    phone: fn() -> Phone,
}

/// What a probe is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What an app sends.
    App,
    /// The list of `tracestate` in three lines.
    Lines,
    /// A list of 512 characters, which everybody has to hand on by W3C's rules.
    List512,
    /// A longer one, which everybody may shorten.
    ListLong,
    /// `sw8` with the same ids beside W3C's headers.
    Both,
    /// Nothing at all: does somebody on the way begin traces?
    Nothing,
}

/// Characters of the longer list: well below the 8 KiB that gateways have for a line.
const LONG: usize = 2_000;

const fn probe(
    name: &'static str,
    title: &'static str,
    phone: fn() -> Phone,
    make: fn(Phone) -> Phone,
) -> Probe {
    let kind = Kind::App;
    Probe {
        name,
        title,
        kind,
        make,
        phone,
    }
}

const fn of_kind(kind: Kind, name: &'static str, title: &'static str) -> Probe {
    let browser = probe(name, title, Phone::browser, Phone::w3c);
    Probe { kind, ..browser }
}

/// All of them, in the order in which they are sent.
pub(crate) static PROBES: [Probe; 19] = [
    probe("w3c-browser", "W3C, a web page", Phone::browser, Phone::w3c),
    probe("w3c-uniapp", "W3C, uni-app", Phone::uniapp, Phone::w3c),
    probe(
        "w3c-miniapp",
        "W3C, a mini program",
        Phone::miniapp,
        Phone::w3c,
    ),
    probe("w3c-android", "W3C, Android", Phone::android, Phone::w3c),
    probe("w3c-ios", "W3C, iOS", Phone::ios, Phone::w3c),
    probe(
        "w3c-documented",
        "W3C as documented, Android",
        Phone::android,
        Phone::as_documented,
    ),
    probe(
        "w3c-baggage",
        "W3C, a web page with baggage",
        Phone::browser,
        |phone| phone.without_tracestate().with_baggage(),
    ),
    probe(
        "w3c-bare",
        "W3C without tracestate",
        Phone::browser,
        Phone::without_tracestate,
    ),
    probe(
        "w3c-unsampled",
        "W3C, not sampled",
        Phone::browser,
        |phone| phone.sampled(false),
    ),
    probe("sw8-browser", "sw8, a web page", Phone::browser, Phone::sw8),
    probe(
        "sw8-baggage",
        "sw8, a web page with baggage",
        Phone::browser,
        |phone| phone.sw8().with_baggage(),
    ),
    probe(
        "sw8-android",
        "sw8, Android with its tracestate",
        Phone::android,
        Phone::sw8,
    ),
    probe("sw8-ios", "sw8, iOS", Phone::ios, Phone::sw8),
    probe(
        "sw8-unsampled",
        "sw8, not sampled",
        Phone::browser,
        |phone| phone.sw8().sampled(false),
    ),
    of_kind(Kind::Both, "w3c-and-sw8", "W3C and sw8 with the same ids"),
    of_kind(Kind::Lines, "tracestate-lines", "tracestate in three lines"),
    of_kind(
        Kind::List512,
        "tracestate-512",
        "tracestate of 512 characters",
    ),
    of_kind(
        Kind::ListLong,
        "tracestate-2000",
        "tracestate of 2,000 characters",
    ),
    of_kind(Kind::Nothing, "nothing", "no trace header at all"),
];

/// For `--probe`.
pub(crate) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(PROBES.iter().map(|probe| probe.name))
}

/// The probes of these names, or all.
pub(crate) fn chosen(names: &[String]) -> Vec<&'static Probe> {
    let wanted = |probe: &&Probe| names.is_empty() || names.iter().any(|name| name == probe.name);
    PROBES.iter().filter(wanted).collect()
}

/// The trace headers of one request.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) lines: Vec<(&'static str, String)>,
    /// None where nothing is sent.
    pub(crate) span: Option<(TraceId, SpanId)>,
    pub(crate) sampled: bool,
    /// What a service learns of app, session and user.
    pub(crate) tells: Vec<(RumKey, String)>,
}

impl Probe {
    /// A request of this form, with ids of its own.
    pub(crate) fn tap(&self, method: &str, url: &str, app_id: Option<&str>) -> Sent {
        let mut phone = (self.make)((self.phone)());
        if let Some(app_id) = app_id {
            phone = phone.app_id(app_id);
        }
        let mut sent = Sent::of(&phone.tap(method, url));
        match self.kind {
            Kind::App => {}
            Kind::Both => sent.add_sw8(),
            Kind::Lines => sent.put_in_lines(),
            Kind::List512 => sent.lengthen(512),
            Kind::ListLong => sent.lengthen(LONG),
            Kind::Nothing => sent = Sent::nothing(),
        }
        sent
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.kind != Kind::Nothing
    }
}

impl Sent {
    fn of(tap: &PhoneRequest) -> Self {
        let trace = TraceId::from_hex(tap.trace_id().as_bytes());
        let span = SpanId::from_hex(tap.parent_span_id().as_bytes());
        let tells = [
            (RumKey::AppId, tap.app_id()),
            (RumKey::AppType, tap.app_type()),
            (RumKey::AppVersion, tap.app_version()),
            (RumKey::SessionId, tap.session_id()),
            (RumKey::UserId, tap.user_id()),
        ];
        let told = |(key, value): (RumKey, Option<&str>)| Some((key, value?.to_owned()));
        Sent {
            lines: tap.headers().to_vec(),
            span: trace.zip(span),
            sampled: tap.sampled(),
            tells: tells.into_iter().filter_map(told).collect(),
        }
    }

    fn nothing() -> Self {
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

    fn add_sw8(&mut self) {
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
    fn put_in_lines(&mut self) {
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
    fn lengthen(&mut self, characters: usize) {
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

#[cfg(test)]
mod tests {
    use rum_trace_propagation::{Sw8, TraceParent, TraceState};

    use super::*;

    #[test]
    fn each_sends_what_its_name_says() {
        for probe in &PROBES {
            let sent = probe.tap("GET", "http://shop.example/cart", Some("shop@1f"));
            let name = probe.name;
            assert_eq!(
                sent.has("traceparent"),
                name.starts_with("w3c") || name.starts_with("trace")
            );
            assert_eq!(sent.has("sw8"), name.contains("sw8"), "{name}");
            assert_eq!(sent.has("baggage"), name.contains("baggage"), "{name}");
            assert_eq!(
                sent.sampled,
                !name.contains("unsampled") && name != "nothing",
                "{name}"
            );
            let lines = sent.texts("tracestate").map(str::as_bytes);
            assert!(TraceState::parse_fields(lines).is_ok(), "{name}");
            if let Some(text) = sent.texts("traceparent").next() {
                let parent = TraceParent::parse(text.as_bytes()).unwrap();
                assert_eq!(
                    Some((parent.trace_id(), parent.parent_id())),
                    sent.span,
                    "{name}"
                );
            }
            if let Some(text) = sent.texts("sw8").next() {
                let parent = Sw8::parse(text.as_bytes()).unwrap();
                let ids = (parent.otel_trace_id(), parent.otel_parent_id());
                assert_eq!(Some(ids), sent.span, "{name}");
            }
        }
    }

    #[test]
    fn lists_are_as_long_as_they_say() {
        let length = |name: &str| {
            let probe = PROBES.iter().find(|probe| probe.name == name).unwrap();
            let sent = probe.tap("GET", "/", None);
            (
                sent.whole("tracestate").len(),
                sent.texts("tracestate").count(),
            )
        };
        assert_eq!(length("tracestate-512"), (512, 1));
        assert_eq!(length("tracestate-2000"), (2_000, 1));
        assert_eq!(length("tracestate-lines").1, 3);
    }

    #[test]
    fn names_differ() {
        let names: std::collections::HashSet<_> = PROBES.iter().map(|probe| probe.name).collect();
        assert_eq!(names.len(), PROBES.len());
        assert_eq!(chosen(&["w3c-ios".to_owned()]).len(), 1);
        assert_eq!(chosen(&[]).len(), PROBES.len());
    }
}
