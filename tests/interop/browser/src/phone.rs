//! Does [`Phone`] write what the real SDK writes?

use rum_trace_testing::Phone;

use crate::arrivals::Headers;
use crate::cells::{Case, Identity};
use crate::modes::{RUM_PAGE, Sdk};

/// What a phone in this mode writes, with the ids of what was sent. `None` where a
/// phone has no such mode.
pub(crate) fn writes(case: &Case, who: &Identity, sent: &Headers) -> Option<Headers> {
    let phone = phone(case, who)?;
    let tap = phone.request("/");
    let headers = tap.headers().iter();
    let written = headers.map(|(name, value)| ((*name).to_owned(), value.clone()));
    Some(with_ids_of(sent, written.collect()))
}

fn phone(case: &Case, who: &Identity) -> Option<Phone> {
    let mode = case.mode;
    let first = mode.sends.first()?;
    if mode.sdk != Sdk::Rum {
        return None;
    }
    let phone = match *first {
        "traceparent" => Phone::browser(),
        "sw8" => Phone::browser().sw8(),
        _ => return None,
    };
    let others = ["b3", "uber-trace-id"];
    if mode.sends.iter().any(|name| others.contains(name)) {
        return None;
    }
    let mut phone = phone
        .sampled(mode.sampled)
        .session_id(&who.session)
        .user_id(&who.user)
        .view(RUM_PAGE)
        .host(&case.page_host);
    phone = match mode.app_id {
        Some(id) => phone.app_id(id),
        None => phone.without_app_id(),
    };
    if let Some(version) = mode.app_version {
        phone = phone.app_version(version);
    }
    if !mode.tracestate {
        phone = phone.without_tracestate();
    }
    if mode.baggage {
        phone = phone.with_baggage();
    }
    Some(phone)
}

fn with_ids_of(sent: &Headers, mut written: Headers) -> Headers {
    for name in ["traceparent", "sw8"] {
        if let (Some(theirs), Some(ours)) = (sent.get(name), written.get_mut(name)) {
            *ours = ids_from(theirs, ours);
        }
    }
    written
}

/// In both headers the second and third part are the ids.
fn ids_from(theirs: &str, ours: &str) -> String {
    let mut parts: Vec<&str> = ours.split('-').collect();
    for (at, id) in theirs.split('-').enumerate().skip(1).take(2) {
        if let Some(part) = parts.get_mut(at) {
            *part = id;
        }
    }
    parts.join("-")
}
