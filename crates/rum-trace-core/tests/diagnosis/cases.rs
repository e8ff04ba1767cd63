//! The requests that there can be, and all that comes of each.

use crate::support::{RUM, Request, SPAN, SW8, TRACEPARENT};

/// A request's headers, and all that comes of them.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Class and carrier.
    pub(crate) class: &'static str,
    /// Findings with carrier and part, with a space between them.
    pub(crate) findings: &'static [&'static str],
    /// Level, and then the same.
    pub(crate) log: &'static [&'static str],
}

pub(crate) const CASES: [Case; 32] = [
    Case {
        name: "continued",
        headers: &[("traceparent", TRACEPARENT), ("tracestate", RUM)],
        class: "continued w3c",
        findings: &[],
        log: &[],
    },
    Case {
        name: "a filled sw8 needs no RUM member",
        headers: &[("sw8", SW8)],
        class: "continued sw8",
        findings: &[],
        log: &[],
    },
    Case {
        name: "nothing",
        headers: &[("accept", "*/*")],
        class: "absent",
        findings: &[],
        log: &["INFO absent"],
    },
    Case {
        name: "a decision alone names no span",
        headers: &[("b3", "0")],
        class: "absent",
        findings: &[],
        log: &["INFO absent"],
    },
    Case {
        name: "no RUM member",
        headers: &[("traceparent", TRACEPARENT), ("tracestate", "vendor=1")],
        class: "continued w3c",
        findings: &["traceparent_without_rum w3c"],
        log: &["INFO traceparent_without_rum w3c"],
    },
    Case {
        name: "the RUM fields are in baggage",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("baggage", "rum=v2,sid=4f04d2f5"),
        ],
        class: "continued w3c",
        findings: &[],
        log: &[],
    },
    Case {
        name: "only the list arrived",
        headers: &[("tracestate", RUM)],
        class: "absent",
        findings: &["tracestate_without_carrier w3c"],
        log: &["WARN tracestate_without_carrier w3c"],
    },
    Case {
        name: "several",
        headers: &[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        class: "malformed w3c",
        findings: &["several_traceparents w3c"],
        log: &["WARN several_traceparents w3c"],
    },
    Case {
        name: "version",
        headers: &[(
            "traceparent",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )],
        class: "malformed w3c",
        findings: &["malformed w3c version"],
        log: &["WARN malformed w3c version"],
    },
    Case {
        name: "trace id, and the list is nobody's",
        headers: &[
            (
                "traceparent",
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            ),
            ("tracestate", RUM),
        ],
        class: "malformed w3c",
        findings: &["malformed w3c trace-id"],
        log: &["WARN malformed w3c trace-id"],
    },
    Case {
        name: "parent id",
        headers: &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        )],
        class: "malformed w3c",
        findings: &["malformed w3c parent-id"],
        log: &["WARN malformed w3c parent-id"],
    },
    Case {
        name: "flags",
        headers: &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        )],
        class: "malformed w3c",
        findings: &["malformed w3c trace-flags"],
        log: &["WARN malformed w3c trace-flags"],
    },
    Case {
        name: "end",
        headers: &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        )],
        class: "malformed w3c",
        findings: &["malformed w3c end"],
        log: &["WARN malformed w3c end"],
    },
    Case {
        name: "a member's key",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", "rum=v2&browser,Vendor=1"),
        ],
        class: "continued w3c",
        findings: &["malformed_tracestate w3c key"],
        log: &["WARN malformed_tracestate w3c key"],
    },
    Case {
        name: "a member's value",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", "rum=v2&browser&p&s&a=b"),
        ],
        class: "continued w3c",
        findings: &["malformed_tracestate w3c value"],
        log: &["WARN malformed_tracestate w3c value"],
    },
    Case {
        name: "no member",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", "rum=v2&browser,vendor"),
        ],
        class: "continued w3c",
        findings: &["malformed_tracestate w3c list-member"],
        log: &["WARN malformed_tracestate w3c list-member"],
    },
    Case {
        name: "sample",
        headers: &[(
            "sw8",
            "2-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW4=-L2FwcA==-cA==",
        )],
        class: "malformed sw8",
        findings: &["malformed sw8 sample"],
        log: &["WARN malformed sw8 sample"],
    },
    Case {
        name: "an empty trace id is not an agent that does not record",
        headers: &[("sw8", "1--MS4yLjM=-4-c2VydmljZQ==-aW4=-L2FwcA==-cA==")],
        class: "malformed sw8",
        findings: &["malformed sw8 trace ID"],
        log: &["WARN malformed sw8 trace ID"],
    },
    Case {
        name: "segment",
        headers: &[("sw8", "1-My40LjU=-?-4-c2VydmljZQ==-aW4=-L2FwcA==-cA==")],
        class: "malformed sw8",
        findings: &["malformed sw8 parent trace segment ID"],
        log: &["WARN malformed sw8 parent trace segment ID"],
    },
    Case {
        name: "span",
        headers: &[(
            "sw8",
            "1-My40LjU=-MS4yLjM=-x-c2VydmljZQ==-aW4=-L2FwcA==-cA==",
        )],
        class: "malformed sw8",
        findings: &["malformed sw8 parent span ID"],
        log: &["WARN malformed sw8 parent span ID"],
    },
    Case {
        name: "names",
        headers: &[("sw8", "1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW4=-?-cA==")],
        class: "malformed sw8",
        findings: &["malformed sw8 parent endpoint"],
        log: &["WARN malformed sw8 parent endpoint"],
    },
    Case {
        name: "the documentation's own sample",
        headers: &[("sw8", "1-My40LjU=-MTY1MTcwNDI5OTk5OA==-xxxx-xx-x-x==")],
        class: "malformed sw8",
        findings: &["malformed sw8 number of parts"],
        log: &["WARN malformed sw8 number of parts"],
    },
    Case {
        name: "Node's agent that does not record",
        headers: &[("sw8", "")],
        class: "absent",
        findings: &["not_recording sw8"],
        log: &["INFO not_recording sw8"],
    },
    Case {
        name: "Python's agent that does not record",
        headers: &[("sw8", "1-------")],
        class: "absent",
        findings: &["not_recording sw8"],
        log: &["INFO not_recording sw8"],
    },
    Case {
        name: "b3",
        headers: &[("b3", "80f198ee56343ba864fe8b2a57d3eff7-x-1")],
        class: "malformed b3",
        findings: &["malformed b3 span id"],
        log: &["WARN malformed b3 span id"],
    },
    Case {
        name: "several b3 headers, one of which is lost",
        headers: &[("x-b3-spanid", SPAN)],
        class: "malformed b3",
        findings: &["malformed b3 trace id"],
        log: &["WARN malformed b3 trace id"],
    },
    Case {
        name: "jaeger",
        headers: &[("uber-trace-id", "1:2:0:zz")],
        class: "malformed jaeger",
        findings: &["malformed jaeger flags"],
        log: &["WARN malformed jaeger flags"],
    },
    Case {
        name: "all of them: the first names the class",
        headers: &[("traceparent", "x"), ("b3", "x"), ("uber-trace-id", "x")],
        class: "malformed w3c",
        findings: &[
            "malformed w3c version",
            "malformed b3 trace id",
            "malformed jaeger trace-id",
        ],
        log: &[
            "WARN malformed w3c version",
            "WARN malformed b3 trace id",
            "WARN malformed jaeger trace-id",
        ],
    },
    Case {
        name: "one is refused, another continued",
        headers: &[("traceparent", "x"), ("sw8", SW8)],
        class: "continued sw8",
        findings: &["malformed w3c version"],
        log: &["WARN malformed w3c version"],
    },
    Case {
        name: "two that disagree",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", RUM),
            ("sw8", SW8),
        ],
        class: "continued w3c",
        findings: &["carriers_disagree"],
        log: &["WARN carriers_disagree"],
    },
    Case {
        name: "two that agree",
        headers: &[
            ("traceparent", TRACEPARENT),
            ("tracestate", RUM),
            ("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"),
        ],
        class: "continued w3c",
        findings: &[],
        log: &[],
    },
    Case {
        name: "an agent that does not record, and a list",
        headers: &[("sw8", "1-------"), ("tracestate", RUM)],
        class: "absent",
        findings: &["tracestate_without_carrier w3c", "not_recording sw8"],
        log: &[
            "WARN tracestate_without_carrier w3c",
            "INFO not_recording sw8",
        ],
    },
];

pub(crate) fn request(headers: &[(&str, &str)]) -> Request {
    let get = Request::get("/cart");
    headers
        .iter()
        .fold(get, |request, (name, value)| request.header(name, value))
}
