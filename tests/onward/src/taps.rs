//! The requests with which traces begin: one of each phone, and of a SkyWalking agent.

use rum_trace_propagation::sw8::{self, Sw8Parts};
use rum_trace_testing::{Phone, PhoneRequest};

use crate::protocol::Wire;

/// The members of the list that stand around the phone's, as of a gateway.
pub const AROUND: [&str; 2] = ["acme=1", "zed=2"];

/// The app's own entry of `baggage`, as it is on the wire and as it is meant.
pub const ENTRY: [(&str, &str); 2] = [("tenant", "a%20b"), ("tenant", "a b")];

/// The text of a trace id as the agents for Java, .NET and Go write it.
const AGENT_TRACE: &str = "343b4e0ef09d4a8e9f0d2b1a3c4d5e6f.71.16517042999980001";
const AGENT_SEGMENT: &str = "9b1c4e0ef09d4a8e9f0d2b1a3c4d5e6f.68.16517042999970003";

/// A request as it comes to the first service.
#[derive(Clone, Debug)]
pub struct Tap {
    /// Which it is, for messages.
    pub name: &'static str,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// The trace id as OpenTelemetry sees it.
    pub trace_id: String,
    /// The caller's span id as OpenTelemetry sees it.
    pub parent_span_id: String,
    /// Whether the caller is sampled.
    pub sampled: bool,
    /// The trace id's literal text in `sw8`.
    pub sw8_trace_id: Option<String>,
    /// What the phone told; `None` of an agent.
    pub phone: Option<PhoneRequest>,
}

impl Tap {
    /// One of each, with new ids.
    #[must_use]
    pub fn all() -> Vec<Tap> {
        let phones = [
            ("browser", Phone::browser()),
            (
                "browser, RUM in tracestate and baggage",
                Phone::browser().with_baggage(),
            ),
            (
                "browser, RUM in baggage alone",
                Phone::browser().with_baggage().without_tracestate(),
            ),
            ("browser, unsampled", Phone::browser().sampled(false)),
            ("android", Phone::android()),
            ("ios", Phone::ios()),
            ("uniapp", Phone::uniapp()),
            ("miniapp", Phone::miniapp()),
            ("browser, sw8", Phone::browser().sw8()),
            (
                "browser, sw8, unsampled",
                Phone::browser().sw8().sampled(false),
            ),
            ("android, sw8", Phone::android().sw8()),
            (
                "android, sw8 of a custom trace",
                Phone::android().sw8().custom_trace(),
            ),
            ("ios, sw8", Phone::ios().sw8()),
            ("uniapp, sw8", Phone::uniapp().sw8()),
            ("miniapp, sw8", Phone::miniapp().sw8()),
        ];
        let taps = phones.iter().map(|(name, phone)| Tap::of(name, phone));
        let mut taps: Vec<Tap> = taps.collect();
        taps.push(Tap::of_agent());
        taps
    }

    /// Those that are not sampled.
    #[must_use]
    pub fn unsampled() -> Vec<Tap> {
        let mut taps = Tap::all();
        taps.retain(|tap| !tap.sampled);
        taps
    }

    /// A request of this phone.
    #[must_use]
    pub fn of(name: &'static str, phone: &Phone) -> Tap {
        let request = phone.tap("GET", "http://shop.example/checkout/42?q=1");
        let mut headers = request.headers().to_vec();
        if request.header("traceparent").is_some() {
            add_members(&mut headers);
        }
        add_entry(&mut headers);
        Tap {
            name,
            headers,
            trace_id: request.trace_id().to_owned(),
            parent_span_id: request.parent_span_id().to_owned(),
            sampled: request.sampled(),
            sw8_trace_id: request.sw8_trace_id().map(str::to_owned),
            phone: Some(request),
        }
    }

    /// A request of a service with a SkyWalking agent.
    fn of_agent() -> Tap {
        let parts = Sw8Parts {
            sampled: true,
            trace_id: AGENT_TRACE,
            segment_id: AGENT_SEGMENT,
            span_id: 4,
            service: "mobile-gateway",
            instance: "gateway-1",
            endpoint: "/checkout",
            peer: "shop.example:80",
        };
        let mut headers = vec![("sw8", parts.encode())];
        add_entry(&mut headers);
        Tap {
            name: "agent, sw8",
            headers,
            trace_id: sw8::otel_trace_id(AGENT_TRACE).to_string(),
            parent_span_id: sw8::otel_span_id(AGENT_SEGMENT, 4).to_string(),
            sampled: true,
            sw8_trace_id: Some(AGENT_TRACE.to_owned()),
            phone: None,
        }
    }

    /// The carriers of its headers.
    #[must_use]
    pub fn wire(&self) -> Wire {
        Wire {
            w3c: self.header("traceparent").is_some(),
            sw8: self.header("sw8").is_some(),
        }
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// What goes out as `baggage` where W3C is spoken: the RUM entries only if no
    /// member of the list tells the same.
    #[must_use]
    pub fn baggage_onward(&self) -> String {
        let entry = entry();
        let list = self.header("tracestate").unwrap_or_default();
        match self.header("baggage") {
            Some(all) if !list.contains("rum=") => all.to_owned(),
            _ => entry,
        }
    }

    /// The RUM entries of that, which go out beside `sw8`.
    #[must_use]
    pub fn rum_baggage(&self) -> Option<String> {
        let all = self.baggage_onward();
        let rum = all.strip_suffix(&format!(",{}", entry()));
        rum.map(str::to_owned)
    }
}

fn entry() -> String {
    let [(key, value), _] = ENTRY;
    format!("{key}={value}")
}

fn add_members(headers: &mut Vec<(&'static str, String)>) {
    let [left, right] = AROUND;
    match headers.iter_mut().find(|(name, _)| *name == "tracestate") {
        Some((_, list)) => *list = format!("{left},{list},{right}"),
        None => headers.push(("tracestate", AROUND.join(","))),
    }
}

fn add_entry(headers: &mut Vec<(&'static str, String)>) {
    match headers.iter_mut().find(|(name, _)| *name == "baggage") {
        Some((_, entries)) => *entries = format!("{entries},{}", entry()),
        None => headers.push(("baggage", entry())),
    }
}
