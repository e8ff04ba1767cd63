//! The RUM fields, read leniently from lists that may be illegal.

use super::{baggage, bytes, latin1, trim};

/// A value with the name of the carrier that it came from.
pub(crate) type Found = Option<(String, &'static str)>;

/// What the carriers say, by field.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) version: Found,
    pub(crate) app_type: Found,
    pub(crate) app_id: Found,
    pub(crate) session_id: Found,
    pub(crate) user_id: Found,
    pub(crate) sdk_version: Found,
    pub(crate) app_version: Found,
    pub(crate) channel: Found,
}

/// All fields of all lines of `tracestate` and `baggage`.
pub(crate) fn read(tracestate: &[&[u8]], baggage: &[&[u8]]) -> Fields {
    let rum = member(tracestate, "rum").map(|value| rum_member(&value));
    let rum = |at: usize| Some((rum.as_ref()?[at].clone()?, "rum"));
    let platform = member(tracestate, "alibabacloud_rum").map(|value| platform_member(&value));
    let platform = |at: usize| Some((platform.as_ref()?[at].clone()?, "alibabacloud_rum"));
    let entries = baggage_entries(baggage);
    let bag = |key: &str| {
        let entry = entries.iter().find(|(name, _)| name == key)?;
        Some((present(&entry.1)?, "baggage"))
    };
    let product = |name: String| match name.as_str() {
        "Android" => "android".to_owned(),
        "iOS" => "ios".to_owned(),
        _ => name,
    };
    Fields {
        version: rum(0).or(bag("rum")),
        app_type: rum(1)
            .or(platform(0).map(|(name, source)| (product(name), source)))
            .or(bag("appType")),
        app_id: rum(2).or(bag("pid")),
        session_id: rum(3).or(bag("sid")),
        user_id: rum(4).or(bag("uid")),
        sdk_version: platform(1),
        app_version: platform(2),
        channel: platform(3),
    }
}

/// The value of the first member of that key, whatever else the list holds.
pub(crate) fn member(fields: &[&[u8]], wanted: &str) -> Option<Vec<u8>> {
    let lines: Vec<String> = fields.iter().map(|field| latin1(field)).collect();
    let all = lines.join(",");
    let found = all.split(',').map(trim).find_map(|member| {
        let (key, value) = member.split_once('=')?;
        (key == wanted).then(|| value.to_owned())
    })?;
    Some(bytes(&found))
}

/// Version, app type, app id, session and user of a `rum` value.
pub(crate) fn rum_member(value: &[u8]) -> Vec<Option<String>> {
    fields(value, '&', 5)
}

/// Platform, SDK version, app version and channel of an `alibabacloud_rum`
/// value.
pub(crate) fn platform_member(value: &[u8]) -> Vec<Option<String>> {
    let text = String::from_utf8_lossy(value).into_owned();
    let mut parts: Vec<String> = text.splitn(3, '/').map(str::to_owned).collect();
    parts.resize(3, String::new());
    let third = parts.remove(2);
    let (version, channel) = third.rsplit_once('_').unwrap_or((&third, ""));
    parts.push(version.to_owned());
    parts.push(channel.to_owned());
    parts.iter().map(|part| present(part)).collect()
}

fn fields(value: &[u8], separator: char, count: usize) -> Vec<Option<String>> {
    let text = String::from_utf8_lossy(value).into_owned();
    let mut found: Vec<_> = text.splitn(count, separator).map(present).collect();
    found.resize(count, None);
    found
}

/// The web SDK writes the text `undefined` for what the page does not set.
fn present(text: &str) -> Option<String> {
    (!text.is_empty() && text != "undefined").then(|| text.to_owned())
}

fn baggage_entries(fields: &[&[u8]]) -> Vec<(String, String)> {
    let entries = fields.iter().flat_map(|field| baggage::entries(field));
    entries.flatten().map(|e| (e.key, e.value)).collect()
}
