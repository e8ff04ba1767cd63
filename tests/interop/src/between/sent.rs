//! What phones send through a gateway.

use rum_trace_testing::{Phone, PhoneRequest};

use super::mode::Line;
use crate::peer::Protocol;

/// One request of a phone, as the lines that it sends.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) name: &'static str,
    pub(crate) tap: PhoneRequest,
    pub(crate) lines: Vec<Line>,
}

/// All that a cell must hold for.
pub(crate) fn all(speaks: Protocol) -> Vec<Sent> {
    let web = || Phone::browser().session_id("5e55107f").user_id("u@1");
    let sent = |name, phone: Phone| Sent::new(name, &phone);
    match speaks {
        Protocol::W3c => vec![
            sent("web", web()),
            sent("web, unsampled", web().sampled(false)),
            sent("web, baggage", web().with_baggage()),
            sent("Android", Phone::android()),
            sent("web, three lines", web()).with_list(in_the_middle),
            sent("web, a line over 8 KiB", web()).with_list(at_the_end_of_a_long_list),
        ],
        Protocol::Sw8 => vec![
            sent("web", web().sw8()),
            sent("web, unsampled", web().sw8().sampled(false)),
            sent("web, baggage", web().sw8().with_baggage()),
            sent("Android", Phone::android().sw8()),
            sent("Android, three lines", Phone::android().sw8()).with_list(in_the_middle),
            sent("Android, a line over 8 KiB", Phone::android().sw8())
                .with_list(at_the_end_of_a_long_list),
        ],
    }
}

impl Sent {
    fn new(name: &'static str, phone: &Phone) -> Self {
        let tap = phone.tap("GET", "/call");
        let lines = tap.headers().to_vec();
        Sent { name, tap, lines }
    }

    /// With the RUM member among others, as a proxy before the gateway may leave it.
    fn with_list(mut self, list: fn(String) -> Vec<String>) -> Self {
        let is_list = |line: &Line| line.0 == "tracestate";
        let member = self.lines.iter().find(|line| is_list(line)).cloned();
        self.lines.retain(|line| !is_list(line));
        let member = member.map(|(_, value)| value).unwrap_or_default();
        let list = list(member).into_iter();
        self.lines.extend(list.map(|value| ("tracestate", value)));
        self
    }
}

fn in_the_middle(member: String) -> Vec<String> {
    vec!["vendor=1".into(), member, "last=2".into()]
}

/// Legal: 31 members before it, none of them over 256 characters.
fn at_the_end_of_a_long_list(member: String) -> Vec<String> {
    let long = |number| format!("vendor-{number}={}", "x".repeat(256));
    let members: Vec<_> = (10..41).map(long).chain([member]).collect();
    vec![members.join(",")]
}
