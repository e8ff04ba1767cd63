//! RUM fields, and the two members that they are read from.

use super::support::Bytes;
use super::{expect_eq, run};
use rum_trace_propagation::RumFields;
use rum_trace_propagation::rum::{PlatformMember, RumField, RumMember, RumSource};
use serde::Deserialize;

/// A value and the name of its carrier.
type Found = Option<(String, String)>;

#[derive(Deserialize)]
struct Row {
    name: String,
    tracestate: Vec<Bytes>,
    baggage: Vec<Bytes>,
    expect: Fields,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    version: Found,
    app_type: Found,
    app_id: Found,
    session_id: Found,
    user_id: Found,
    sdk_version: Found,
    app_version: Found,
    channel: Found,
}

#[test]
fn table() {
    run(
        "rum",
        |row: &Row| row.name.clone(),
        |row| {
            let lines = |fields: &[Bytes]| fields.iter().map(Bytes::get).collect::<Vec<_>>();
            let (tracestate, baggage) = (lines(&row.tracestate), lines(&row.baggage));
            let read = RumFields::read(
                tracestate.iter().map(Vec::as_slice),
                baggage.iter().map(Vec::as_slice),
            );
            expect_eq("empty", read.is_empty(), row.expect == Fields::default())?;
            expect_eq("fields", &fields(read), &row.expect)
        },
    );
}

fn fields(read: RumFields<'_>) -> Fields {
    Fields {
        version: found(read.version),
        app_type: found(read.app_type),
        app_id: found(read.app_id),
        session_id: found(read.session_id),
        user_id: found(read.user_id),
        sdk_version: found(read.sdk_version),
        app_version: found(read.app_version),
        channel: found(read.channel),
    }
}

fn found(field: Option<RumField<'_>>) -> Found {
    let field = field?;
    let source = field.source().as_str().to_owned();
    let value = field.value().to_owned();
    assert_eq!(field.into_value(), value);
    Some((value, source))
}

#[test]
fn sources_are_named_by_what_carries_them() {
    assert_eq!(RumSource::Rum.as_str(), "rum");
    assert_eq!(RumSource::AlibabaCloudRum.as_str(), "alibabacloud_rum");
    assert_eq!(RumSource::Baggage.as_str(), "baggage");
}

#[test]
fn a_rum_member_prints_absent_fields_empty() {
    let print = |value: &str| RumMember::read(value.as_bytes()).to_string();
    assert_eq!(print("v2&browser&p@1&s&u"), "v2&browser&p@1&s&u");
    assert_eq!(print("v2&browser&p@1&s"), "v2&browser&p@1&s");
    assert_eq!(print("v2&browser&p@1&s&"), "v2&browser&p@1&s");
    assert_eq!(print("v2&browser&undefined&s&u"), "v2&browser&&s&u");
    assert_eq!(print("v2&browser&p@1&s&a&b"), "v2&browser&p@1&s&a&b");
    assert_eq!(print("v2"), "v2&&&");
}

#[test]
fn a_platform_member_keeps_the_platform_as_sent() {
    let member = PlatformMember::read(b"Android/2.3.2/1.4.0_beta_APK");
    assert_eq!(member.platform(), Some("Android"));
    assert_eq!(member.sdk_version(), Some("2.3.2"));
    assert_eq!(member.app_version(), Some("1.4.0_beta"));
    assert_eq!(member.channel(), Some("APK"));
    let member = PlatformMember::read(b"undefined//");
    assert_eq!(member.platform(), None);
    assert_eq!(member.sdk_version(), None);
    assert_eq!(member.app_version(), None);
    assert_eq!(member.channel(), None);
}
