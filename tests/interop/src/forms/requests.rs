//! What is sent: the forms on file, and what `rum_trace_testing::Phone` sends.

use std::collections::{BTreeMap, HashMap};

use rum_trace_testing::{Phone, PhoneRequest};
use serde::Deserialize;

use crate::BoxError;

const FILE: &str = include_str!("../../../data/forms/agents.json");

/// A request, and what a service must make of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) trace_id: String,
    pub(crate) parent_id: String,
    pub(crate) sampled: bool,
    /// Of the SERVER span; those that are `None` must not be there.
    pub(crate) attributes: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    systems: HashMap<String, Vec<Request>>,
}

/// All that is known of a system, by its row's name.
pub(crate) fn of(name: &str) -> Result<Vec<Request>, BoxError> {
    let mut file: File = serde_json::from_str(FILE)?;
    let mut requests = file.systems.remove(name).unwrap_or_default();
    let tap = |(name, phone): (&str, Phone)| {
        Request::tapped(name, &phone.tap("GET", "https://shop.example.com/call"))
    };
    requests.extend(phones(name).into_iter().map(tap));
    Ok(requests)
}

fn phones(name: &str) -> Vec<(&'static str, Phone)> {
    match name {
        "rum-android" => vec![
            ("phone, W3C", Phone::android()),
            ("phone, unsampled", Phone::android().sampled(false)),
            ("phone, sw8", Phone::android().sw8()),
            ("phone, sw8 by hand", Phone::android().sw8().custom_trace()),
        ],
        "rum-ios" => vec![
            ("phone, W3C", Phone::ios()),
            ("phone, W3C by hand", Phone::ios().custom_trace()),
            ("phone, unsampled", Phone::ios().sampled(false)),
            ("phone, sw8", Phone::ios().sw8()),
        ],
        "rum-uniapp" => vec![
            ("phone, W3C", Phone::uniapp()),
            ("phone, unsampled", Phone::uniapp().sampled(false)),
        ],
        _ => Vec::new(),
    }
}

impl Request {
    /// A phone's, with what it tells.
    pub(crate) fn tapped(name: &str, phone: &PhoneRequest) -> Self {
        let headers = phone.headers().iter();
        let told = [
            ("rum.version", phone.rum_version()),
            ("rum.app.id", phone.app_id()),
            ("rum.app.type", phone.app_type()),
            ("rum.app.version", phone.app_version()),
            ("rum.app.channel", phone.app_channel()),
            ("rum.sdk.version", phone.sdk_version()),
            ("session.id", phone.session_id()),
            ("user.id", phone.user_id()),
            ("sw8.trace_id", phone.sw8_trace_id()),
            ("sw8.parent_segment_id", phone.sw8_segment_id()),
        ];
        Request {
            name: name.to_owned(),
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            trace_id: phone.trace_id().to_owned(),
            parent_id: phone.parent_span_id().to_owned(),
            sampled: phone.sampled(),
            attributes: told
                .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
                .into(),
        }
    }

    /// The trace id by which SkyWalking's backend joins.
    pub(crate) fn trace_text(&self) -> &str {
        let text = self.attributes.get("sw8.trace_id");
        text.and_then(Option::as_deref).unwrap_or(&self.trace_id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rum_trace_propagation::sw8::{Sw8, otel_span_id, otel_trace_id};

    use super::*;
    use crate::peer;

    fn file() -> HashMap<String, Vec<Request>> {
        let file: File = serde_json::from_str(FILE).expect("the file");
        file.systems
    }

    /// A form of nobody's would never be played.
    #[test]
    fn each_system_is_a_row_that_is_not_had() {
        let peers = peer::all().expect("the peers");
        for name in file().keys() {
            let row = peers.iter().find(|peer| peer.name == *name);
            let not_had = row.and_then(|peer| peer.about.not_had.as_ref());
            assert!(not_had.is_some(), "{name}");
        }
    }

    /// The judge tells the requests of a cell apart by their traces.
    #[test]
    fn no_two_requests_of_a_system_are_of_one_trace() {
        for (name, requests) in file() {
            let ids: HashSet<_> = requests.iter().map(|it| &it.trace_id).collect();
            assert_eq!(ids.len(), requests.len(), "{name}");
        }
    }

    /// The ids on file were worked out apart from these crates.
    #[test]
    fn the_ids_are_those_of_the_header() {
        let all = file().into_values().flatten();
        let sw8 = all.filter(|it| it.headers.contains_key("sw8"));
        let mut seen = 0;
        for request in sw8 {
            let sw8 = Sw8::parse(request.headers["sw8"].as_bytes()).expect("sw8");
            let told = |name: &str| request.attributes[name].clone().expect("told");
            assert_eq!(sw8.trace_id(), told("sw8.trace_id"), "{}", request.name);
            assert_eq!(sw8.segment_id(), told("sw8.parent_segment_id"));
            let index: u32 = told("sw8.parent_span_id").parse().expect("an index");
            let trace_id = otel_trace_id(sw8.trace_id()).to_string();
            assert_eq!(trace_id, request.trace_id, "{}", request.name);
            let parent_id = otel_span_id(sw8.segment_id(), index).to_string();
            assert_eq!(parent_id, request.parent_id, "{}", request.name);
            seen += 1;
        }
        assert!(seen > 10, "{seen}");
    }
}
