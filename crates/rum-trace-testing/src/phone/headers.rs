//! The headers of one request, written field by field as each SDK does. None of
//! the printers of `rum-trace-propagation` is used: what tests the readers must
//! not come from the same hands.

use super::client::{Client, Protocol};
use super::request::{PhoneRequest, Told};
use super::{Phone, base64, ids};
use rum_trace_propagation::sw8;

/// What JavaScript writes for a value that is not set.
const UNDEFINED: &str = "undefined";

pub(super) fn write(phone: &Phone, method: String, url: String) -> PhoneRequest {
    let mut request = PhoneRequest {
        method,
        url,
        headers: Vec::new(),
        trace_id: String::new(),
        parent_span_id: String::new(),
        sampled: phone.sampled,
        sw8_ids: None,
        told: Told::default(),
    };
    match phone.protocol {
        Protocol::W3c => w3c(phone, &mut request),
        Protocol::Sw8 => sw8(phone, &mut request),
    }
    told_only_if_a_value(&mut request.told);
    request
}

fn w3c(phone: &Phone, request: &mut PhoneRequest) {
    request.trace_id = match phone.client.platform() {
        Some(_) => phone.ids.hex32(),
        None => phone.ids.page_trace(),
    };
    request.parent_span_id = phone.ids.hex16();
    let flags = u8::from(phone.sampled);
    let traceparent = format!(
        "00-{}-{}-{flags:02x}",
        request.trace_id, request.parent_span_id
    );
    request.headers.push(("traceparent", traceparent));
    if phone.tracestate {
        w3c_tracestate(phone, request);
    }
    baggage(phone, request);
}

fn w3c_tracestate(phone: &Phone, request: &mut PhoneRequest) {
    let user = !phone.documented && phone.client != Client::MiniApp;
    match phone.client.platform() {
        Some(platform) if !phone.documented => platform_member(phone, platform, request),
        _ => rum_member(phone, user, request),
    }
}

fn rum_member(phone: &Phone, with_user: bool, request: &mut PhoneRequest) {
    let mut value = format!(
        "rum=v2&{}&{}&{}",
        phone.client.app_type(),
        app_id(phone),
        phone.session()
    );
    if with_user {
        value.push('&');
        value.push_str(&phone.user());
    }
    request.headers.push(("tracestate", value));
    tell_rum(phone, with_user, &mut request.told);
}

/// Beside any trace header, if the web SDK is set to.
fn baggage(phone: &Phone, request: &mut PhoneRequest) {
    if !phone.baggage || phone.client != Client::Browser {
        return;
    }
    let value = format!(
        "rum=v2,appType={},pid={},sid={},uid={}",
        phone.client.app_type(),
        app_id(phone),
        phone.session(),
        phone.user()
    );
    request.headers.push(("baggage", value));
    tell_rum(phone, true, &mut request.told);
}

fn tell_rum(phone: &Phone, with_user: bool, told: &mut Told) {
    told.rum_version = Some("v2".into());
    told.app_type = Some(phone.client.app_type().into());
    told.app_id.clone_from(&phone.identity.app_id);
    told.session_id = Some(phone.session());
    told.user_id = with_user.then(|| phone.user());
}

fn platform_member(phone: &Phone, platform: &str, request: &mut PhoneRequest) {
    let me = &phone.identity;
    let channel = phone.client.channel(phone.custom_trace);
    let value = format!(
        "alibabacloud_rum={platform}/{}/{}_{channel}",
        me.sdk_version, me.app_version
    );
    request.headers.push(("tracestate", value));
    request.told.app_type = Some(phone.client.app_type().into());
    request.told.sdk_version = Some(me.sdk_version.clone());
    request.told.app_version = Some(me.app_version.clone());
    request.told.app_channel = Some(channel.into());
}

fn sw8(phone: &Phone, request: &mut PhoneRequest) {
    let (trace, segment, fields) = match phone.client.platform() {
        Some(_) => native_sw8(phone, request),
        None => page_sw8(phone, request),
    };
    request.trace_id = sw8::otel_trace_id(&trace).to_string();
    request.parent_span_id = sw8::otel_span_id(&segment, 0).to_string();
    let value = format!(
        "{}-{}-{}-0-{}",
        u8::from(phone.sampled),
        base64::utf8(&trace),
        base64::utf8(&segment),
        fields.join("-")
    );
    request.headers.push(("sw8", value));
    request.sw8_ids = Some((trace, segment));
    if let (Client::Android, Some(platform)) = (phone.client, phone.client.platform()) {
        if phone.tracestate && !phone.documented {
            platform_member(phone, platform, request);
        }
    }
    baggage(phone, request);
}

/// The ids' text, and service, instance, endpoint and peer encoded.
type Sw8Content = (String, String, [String; 4]);

/// The Android SDK: 32 hex, 16 hex (its span's id), and UTF-8 names.
fn native_sw8(phone: &Phone, request: &PhoneRequest) -> Sw8Content {
    let trace = phone.ids.hex32();
    let span = phone.ids.span_number();
    let segment = if phone.custom_trace && phone.client == Client::Android {
        as_java_long(span)
    } else {
        format!("{span:016x}")
    };
    let endpoint = match request.url.as_str() {
        "" => "/",
        url => url,
    };
    let me = &phone.identity;
    let fields = [&me.app_label, &me.app_version, endpoint, "0.0.0.0"].map(base64::utf8);
    (trace, segment, fields)
}

/// The web SDK: dashed UUIDs, and names through `btoa`.
fn page_sw8(phone: &Phone, request: &mut PhoneRequest) -> Sw8Content {
    let trace = ids::dashed(&phone.ids.uuid());
    let segment = ids::dashed(&phone.ids.uuid());
    let me = &phone.identity;
    let view = me.view.as_deref().unwrap_or(UNDEFINED);
    let fields = [app_id(phone), &me.app_version, view, &me.host].map(base64::latin1);
    request.told.app_id = me.app_id.clone().filter(|id| is_app_id(id));
    (trace, segment, fields)
}

fn app_id(phone: &Phone) -> &str {
    phone.identity.app_id.as_deref().unwrap_or(UNDEFINED)
}

/// `[a-z0-9]+@[0-9a-f]+`: the only form by which a service name in `sw8` can be
/// known for an app id.
fn is_app_id(text: &str) -> bool {
    let Some((name, number)) = text.split_once('@') else {
        return false;
    };
    let name_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let number_char = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    !name.is_empty()
        && !number.is_empty()
        && name.chars().all(name_char)
        && number.chars().all(number_char)
}

/// An empty value and the text `undefined` tell nothing.
fn told_only_if_a_value(told: &mut Told) {
    for field in [
        &mut told.app_id,
        &mut told.session_id,
        &mut told.user_id,
        &mut told.app_version,
        &mut told.sdk_version,
    ] {
        field.take_if(|value| value.is_empty() || value == UNDEFINED);
    }
}

/// A span id as Java prints a `long`: the same 64 bits with a sign.
fn as_java_long(id: u64) -> String {
    i64::from_be_bytes(id.to_be_bytes()).to_string()
}
