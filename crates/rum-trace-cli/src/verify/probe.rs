//! What is sent: each form of header that RUM SDKs send, and what puts gateways to
//! the test.

mod sent;

use clap::builder::PossibleValuesParser;
use rum_trace_testing::Phone;

pub(crate) use sent::{Sent, is_carrier};

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
    /// What a page sends by other headers than W3C's and `sw8`.
    Other(Form),
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

/// Headers that a page's SDK can be set to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    B3,
    B3Multi,
    Jaeger,
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
pub(crate) static PROBES: [Probe; 22] = [
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
    of_kind(
        Kind::Other(Form::B3),
        "b3-single",
        "B3 in one header, a web page",
    ),
    of_kind(
        Kind::Other(Form::B3Multi),
        "b3-multi",
        "B3 in several headers, a web page",
    ),
    of_kind(Kind::Other(Form::Jaeger), "jaeger", "Jaeger, a web page"),
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
            Kind::Other(form) => sent.put_in(form),
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
            assert_eq!(sent.has("b3"), name == "b3-single", "{name}");
            assert_eq!(sent.has("x-b3-traceid"), name == "b3-multi", "{name}");
            assert_eq!(sent.has("uber-trace-id"), name == "jaeger", "{name}");
            let carriers = sent.names().into_iter().filter(|name| is_carrier(name));
            assert_eq!(carriers.count() > 0, probe.is_sent(), "{name}");
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
