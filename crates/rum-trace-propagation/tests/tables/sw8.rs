//! `sw8`.

use super::support::Bytes;
use super::{Expected, Fault, expect, expect_eq, run};
use rum_trace_propagation::Sw8;
use rum_trace_propagation::sw8::{Sw8Parts, is_not_recording, otel_span_id, otel_trace_id};
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(rename = "in")]
    input: Bytes,
    #[serde(flatten)]
    expected: Expected<Box<Fields>, Fault>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    sampled: bool,
    trace_id: String,
    segment_id: String,
    span_id: u32,
    service: String,
    instance: String,
    endpoint: Bytes,
    peer: String,
    otel_trace_id: Option<String>,
    otel_parent_id: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    app_id: Option<Option<String>>,
}

/// Tells a `null` in the row from a row that says nothing.
fn stated<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

#[test]
fn table() {
    run("sw8", |row: &Row| row.name.clone(), check);
}

fn check(row: &Row) -> Result<(), String> {
    match (Sw8::parse(&row.input.get()), &row.expected) {
        (Ok(header), Expected::Ok(fields)) => {
            matches(&header, fields)?;
            mapped(&header, fields)
        }
        (Err(error), Expected::Err(fault)) => {
            fault.check(error.part(), error.at())?;
            let text = error.to_string();
            expect(text.starts_with("sw8: "), || text)
        }
        (got, expected) => Err(format!("{got:?}, expected {expected:?}")),
    }
}

fn matches(header: &Sw8, fields: &Fields) -> Result<(), String> {
    let endpoint = fields.endpoint.text();
    expect_eq("sampled", header.sampled(), fields.sampled)?;
    expect_eq("trace id", header.trace_id(), &fields.trace_id)?;
    expect_eq("segment id", header.segment_id(), &fields.segment_id)?;
    expect_eq("span id", header.span_id(), fields.span_id)?;
    expect_eq("service", header.service(), &fields.service)?;
    expect_eq("instance", header.instance(), &fields.instance)?;
    expect_eq("endpoint", header.endpoint(), &endpoint)?;
    expect_eq("peer", header.peer(), &fields.peer)?;
    let parts = header.parts();
    expect_eq("sampled part", parts.sampled, fields.sampled)?;
    expect_eq("trace id part", parts.trace_id, &fields.trace_id)?;
    expect_eq("segment id part", parts.segment_id, &fields.segment_id)?;
    expect_eq("span id part", parts.span_id, fields.span_id)?;
    expect_eq("service part", parts.service, &fields.service)?;
    expect_eq("instance part", parts.instance, &fields.instance)?;
    expect_eq("endpoint part", parts.endpoint, &endpoint)?;
    expect_eq("peer part", parts.peer, &fields.peer)
}

fn mapped(header: &Sw8, fields: &Fields) -> Result<(), String> {
    let (trace_id, parent_id) = (header.otel_trace_id(), header.otel_parent_id());
    expect_eq("mapped trace id", trace_id, otel_trace_id(&fields.trace_id))?;
    let expected = otel_span_id(&fields.segment_id, fields.span_id);
    expect_eq("mapped parent id", parent_id, expected)?;
    if let Some(expected) = &fields.otel_trace_id {
        expect_eq("mapped trace id", trace_id.to_string(), expected.clone())?;
    }
    if let Some(expected) = &fields.otel_parent_id {
        expect_eq("mapped parent id", parent_id.to_string(), expected.clone())?;
    }
    match &fields.app_id {
        Some(app_id) => expect_eq("app id", header.app_id(), app_id.as_deref()),
        None => Ok(()),
    }
}

const JAVA: &str = "1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW5zdGFuY2U=-L2FwcA==-MTI3LjAuMC4xOjgwODA=";

fn parts(endpoint: &str) -> Sw8Parts<'_> {
    Sw8Parts {
        sampled: true,
        trace_id: "3.4.5",
        segment_id: "1.2.3",
        span_id: 4,
        service: "service",
        instance: "instance",
        endpoint,
        peer: "127.0.0.1:8080",
    }
}

#[test]
fn the_java_vector_is_written_as_java_writes_it() {
    assert_eq!(parts("/app").encode(), JAVA);
    assert_eq!(Sw8::parse(JAVA.as_bytes()).unwrap().parts().encode(), JAVA);
    let unsampled = Sw8Parts {
        sampled: false,
        ..parts("/app")
    };
    assert_eq!(unsampled.encode(), JAVA.replacen('1', "0", 1));
}

/// Nothing that can be continued is taken for it, nor what is wrong elsewhere.
#[test]
fn what_an_agent_sends_that_does_not_record() {
    let table: [(&[u8], bool); 15] = [
        (b"", true),
        (b" \t", true),
        (b"1-------", true), // skywalking-python
        (b"0-------", true),
        (b"--------", true),
        (b" 1-------\t", true),
        (b"1----c2VydmljZQ==-aW5zdGFuY2U=-L2FwcA==-", true),
        (b"1-------more", true),
        (b"1------", false),
        (b"-", false),
        (b"2-------", false),
        (b"1---0----", false),
        (b"1-My40LjU=------", false),
        (b"1--MS4yLjM=-----", false),
        (b"1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW4=-Lw==-cA==", false),
    ];
    for (value, expected) in table {
        let shown = value.escape_ascii();
        assert_eq!(is_not_recording(value), expected, "{shown}");
        assert!(!expected || Sw8::parse(value).is_err(), "{shown}");
    }
}

#[test]
fn empty_names_are_written_as_placeholders() {
    let empty = Sw8Parts {
        service: "",
        instance: "",
        peer: "",
        ..parts("")
    };
    let read = Sw8::parse(empty.encode().as_bytes()).unwrap();
    assert_eq!(read.service(), "unknown");
    assert_eq!(read.instance(), "unknown");
    assert_eq!(read.endpoint(), "/");
    assert_eq!(read.peer(), "0.0.0.0");
}

#[test]
fn a_span_id_that_agents_cannot_hold_is_written_as_zero() {
    let span_id = |span_id| {
        let text = Sw8Parts {
            span_id,
            ..parts("/app")
        }
        .encode();
        Sw8::parse(text.as_bytes()).unwrap().span_id()
    };
    assert_eq!(span_id(2_147_483_647), 2_147_483_647);
    assert_eq!(span_id(2_147_483_648), 0);
    assert_eq!(span_id(u32::MAX), 0);
}

#[test]
fn a_long_endpoint_loses_its_query_first_and_nothing_else() {
    let endpoint = format!("https://api.example.com/orders/42?q={}", "x".repeat(2400));
    let text = parts(&endpoint).encode();
    assert!(text.len() < 2048, "{} bytes", text.len());
    let read = Sw8::parse(text.as_bytes()).unwrap();
    assert_eq!(read.endpoint(), "https://api.example.com/orders/42");
    assert_eq!(
        read.parts(),
        Sw8Parts {
            endpoint: read.endpoint(),
            ..parts("")
        }
    );
}

#[test]
fn a_query_that_fits_stays() {
    let text = parts("/orders/42?expand=items").encode();
    let read = Sw8::parse(text.as_bytes()).unwrap();
    assert_eq!(read.endpoint(), "/orders/42?expand=items");
}

#[test]
fn a_long_path_is_cut_at_a_character() {
    let endpoint = format!("/{}", "商".repeat(2000));
    let text = parts(&endpoint).encode();
    assert!(text.len() < 2048, "{} bytes", text.len());
    let read = Sw8::parse(text.as_bytes()).unwrap();
    assert!(endpoint.starts_with(read.endpoint()));
    assert_eq!(read.peer(), "127.0.0.1:8080");
}
