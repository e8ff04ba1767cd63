//! What is to be seen of a tap at each service.
//!
//! What a hop keeps, by its protocol:
//!
//! | | W3C | `sw8` | both |
//! |---|---|---|---|
//! | the trace, its parents, whether it is sampled | yes | yes, by the mapping of ids | yes |
//! | the RUM member of `tracestate` | at its place | beside it, as Android sends it | at its place |
//! | the rest of the list | yes | no: it belongs to a `traceparent` | yes |
//! | RUM entries of `baggage` | yes | yes, in a `baggage` of their own | yes |
//! | the app's own baggage | yes | as `sw8-correlation` | yes |
//! | the literal text of a SkyWalking trace id | no: 32 hex digits | yes | yes |
//! | the caller's names as `sw8.*` attributes | no | yes | no: W3C is the parent |
//!
//! What is lost once does not come back. The app id that a page's `sw8` has for its
//! service is told by the phone alone: only the first service knows it.

use std::collections::BTreeMap;

use opentelemetry::trace::Status;
use rum_trace_core::{RumContext, RumKey, RumSource};
use rum_trace_propagation::{Sw8, TraceParent, sw8};
use rum_trace_testing::{PhoneRequest, SpanView};

use crate::chain::{Outcome, Settings, Spans, Told};
use crate::protocol::Wire;
use crate::seen::Seen;
use crate::taps::{AROUND, ENTRY, Tap};
use crate::telemetry::Identity;

/// Checks all of it.
///
/// # Panics
///
/// If something is not as it has to be.
pub fn check(tap: &Tap, settings: &Settings, outcome: &Outcome) {
    let [a, b, c] = &outcome.told;
    let [to_b, to_c, to_stranger] = &outcome.called;
    let [shop, price, stock] = settings.identities();
    let from_phone = Carried::from_phone(tap);
    arrived_from_phone(tap, a);

    let at_b = from_phone.over(settings.hops[0].carries(from_phone.wire));
    let to_b = Call::new(tap, &at_b, shop, to_b, a).by("GET /checkout/{item}");
    to_b.arrived(b);
    keeps_the_client(tap, a, b);

    let at_c = at_b.over(settings.hops[1].carries(at_b.wire));
    // actix-web matches the route further in.
    let to_c = Call::new(tap, &at_c, price, to_c, b).by("/price/42");
    to_c.arrived(c);
    keeps_the_client(tap, a, c);

    let at_stranger = at_c.over(stock.next.carries(at_c.wire));
    let call = Call::new(tap, &at_stranger, stock, to_stranger, c);
    call.described();
    if stock.third_parties {
        call.arrived_at_third_party(&outcome.stranger);
    } else {
        assert_eq!(outcome.stranger.headers, BTreeMap::new(), "to a stranger");
    }
    called_different_spans(outcome);
}

/// What of a trace arrives at a service.
#[derive(Clone, Debug)]
struct Carried<'a> {
    /// The carriers of the request.
    wire: Wire,
    /// The trace went by W3C all the way, at least beside `sw8`.
    always_w3c: bool,
    /// The `tracestate` that can go on from here.
    list: Option<String>,
    /// The trace id's text in `sw8`, if that is on the wire.
    sw8_trace_id: Option<&'a str>,
}

impl<'a> Carried<'a> {
    fn from_phone(tap: &'a Tap) -> Self {
        let wire = tap.wire();
        Carried {
            wire,
            always_w3c: wire.w3c,
            list: tap.header("tracestate").map(str::to_owned),
            sw8_trace_id: tap.sw8_trace_id.as_deref(),
        }
    }

    /// After one more hop.
    fn over(&self, wire: Wire) -> Self {
        let always_w3c = self.always_w3c && wire.w3c;
        Carried {
            wire,
            always_w3c,
            list: match always_w3c {
                true => self.list.clone(),
                false => self.list.as_deref().and_then(rum_members),
            },
            sw8_trace_id: self.sw8_trace_id.filter(|_| wire.sw8),
        }
    }
}

fn rum_members(list: &str) -> Option<String> {
    let members = list.split(',');
    let rum: Vec<_> = members.filter(|member| member.contains("rum=")).collect();
    (!rum.is_empty()).then(|| rum.join(","))
}

fn arrived_from_phone(tap: &Tap, first: &Told) {
    if let Some(phone) = &tap.phone {
        knows_the_phone(phone, &first.seen.rum);
    }
    if let Some(Spans { server, .. }) = &first.spans {
        assert_eq!(server.trace_id(), tap.trace_id, "the phone's trace");
        let parent = server.parent_span_id();
        assert_eq!(parent.as_ref(), Some(&tap.parent_span_id), "the tap");
        assert_eq!(server.sampled(), tap.sampled);
    }
}

fn knows_the_phone(phone: &PhoneRequest, rum: &RumContext) {
    let told = [
        (RumKey::AppId, phone.app_id()),
        (RumKey::AppType, phone.app_type()),
        (RumKey::AppVersion, phone.app_version()),
        (RumKey::AppChannel, phone.app_channel()),
        (RumKey::SdkVersion, phone.sdk_version()),
        (RumKey::SessionId, phone.session_id()),
        (RumKey::UserId, phone.user_id()),
        (RumKey::Version, phone.rum_version()),
    ];
    for (key, told) in told {
        assert_eq!(rum.get(key), told, "{key:?}");
    }
}

/// What a service behind the first knows of client and baggage.
fn keeps_the_client(tap: &Tap, first: &Told, here: &Told) {
    let goes_on = |key: &RumKey| first.seen.rum.source(*key) != Some(RumSource::Sw8);
    for key in RumKey::ALL {
        let told = first.seen.rum.get(key).filter(|_| goes_on(&key));
        assert_eq!(here.seen.rum.get(key), told, "{key:?} in the handler");
        if let Some(Spans { server, .. }) = &here.spans {
            match told {
                Some(value) => server.assert_attribute(key.attribute(), value.to_owned()),
                None => server.assert_no_attribute(key.attribute()),
            };
        }
    }
    if let (Some(phone), Some(spans), true) = (&tap.phone, &here.spans, tap.wire().w3c) {
        spans.server.assert_rum(phone);
    }
    let [_, (key, value)] = ENTRY;
    let entries = BTreeMap::from([(key.to_owned(), value.to_owned())]);
    assert_eq!(here.seen.baggage, entries, "baggage in the handler");
}

/// From one service to the next.
struct Call<'a> {
    tap: &'a Tap,
    carried: &'a Carried<'a>,
    caller: Identity,
    /// What of the caller makes the call, as `sw8` has it.
    endpoint: &'a str,
    /// The authority that is called.
    peer: &'a str,
    /// The caller's spans.
    spans: Option<&'a Spans>,
}

impl<'a> Call<'a> {
    fn new(
        tap: &'a Tap,
        carried: &'a Carried<'a>,
        caller: Identity,
        peer: &'a str,
        told: &'a Told,
    ) -> Self {
        Call {
            tap,
            carried,
            caller,
            // What a third party learns of it.
            endpoint: "/",
            peer,
            spans: told.spans.as_ref(),
        }
    }

    fn by(mut self, endpoint: &'a str) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// At one of our own services.
    fn arrived(&self, here: &Told) {
        self.described();
        self.names_the_caller(&here.seen);
        let seen = &here.seen;
        let Wire { w3c, sw8 } = self.carried.wire;
        let list = self.carried.list.as_deref();
        assert_eq!(seen.header("tracestate"), list, "the list");
        let baggage = if w3c {
            Some(self.tap.baggage_onward())
        } else {
            self.tap.rum_baggage()
        };
        assert_eq!(seen.header("baggage"), baggage.as_deref());
        assert_eq!(seen.header("sw8-correlation").is_some(), sw8);
        if let Some(spans) = &here.spans {
            self.is_parent_of(&spans.server);
        }
    }

    /// At a host that gets the trace, and nothing of the client.
    fn arrived_at_third_party(&self, seen: &Seen) {
        self.names_the_caller(seen);
        let has_list = self.carried.always_w3c && self.carried.list.is_some();
        let list = has_list.then(|| AROUND.join(","));
        assert_eq!(seen.header("tracestate"), list.as_deref(), "without RUM");
        assert_eq!(seen.header("baggage"), None);
        assert_eq!(seen.header("sw8-correlation"), None);
    }

    /// The CLIENT span is the SERVER span's child, and says who was called.
    fn described(&self) {
        let Some(Spans { server, client }) = self.spans else {
            return;
        };
        assert_eq!(client.trace_id(), self.tap.trace_id, "one trace");
        assert_eq!(client.parent_span_id(), Some(server.span_id()));
        assert_eq!(client.sampled(), self.tap.sampled);
        let (host, port) = self.peer.split_once(':').expect("host and port");
        let port: i64 = port.parse().expect("a number");
        client
            .assert_name("GET")
            .assert_attribute("server.address", host.to_owned())
            .assert_attribute("server.port", port)
            .assert_attribute("http.response.status_code", 200)
            .assert_no_attribute("error.type");
        assert_eq!(client.data().status, Status::Unset);
    }

    fn names_the_caller(&self, seen: &Seen) {
        let Wire { w3c, sw8 } = self.carried.wire;
        assert_eq!(seen.header("traceparent").is_some(), w3c, "traceparent");
        assert_eq!(seen.header("sw8").is_some(), sw8, "sw8");
        if let Some(value) = seen.header("traceparent") {
            self.is_in_traceparent(value);
        }
        if let Some(value) = seen.header("sw8") {
            self.is_in_sw8(value);
        }
        let [w3c, sw8] = callers(seen);
        if let (Some(w3c), Some(sw8)) = (w3c, sw8) {
            assert_eq!(w3c, sw8, "both name the same span");
        }
    }

    fn is_in_traceparent(&self, value: &str) {
        let parent = TraceParent::parse(value.as_bytes()).expect("a traceparent");
        assert_eq!(parent.trace_id().to_string(), self.tap.trace_id);
        assert_eq!(parent.flags().is_sampled(), self.tap.sampled);
        if let Some(spans) = self.spans {
            assert_eq!(parent.parent_id().to_string(), spans.client.span_id());
        }
    }

    fn is_in_sw8(&self, value: &str) {
        let sw8 = Sw8::parse(value.as_bytes()).expect("an sw8");
        assert_eq!(sw8.sampled(), self.tap.sampled);
        assert_eq!(sw8.trace_id(), self.sw8_trace_id(), "the text");
        assert_eq!(sw8.otel_trace_id().to_string(), self.tap.trace_id);
        if let Some(spans) = self.spans {
            assert_eq!(sw8.otel_parent_id().to_string(), spans.client.span_id());
        }
        let names = [sw8.service(), sw8.instance(), sw8.endpoint(), sw8.peer()];
        assert_eq!(names, self.names());
    }

    fn sw8_trace_id(&self) -> &str {
        self.carried.sw8_trace_id.unwrap_or(&self.tap.trace_id)
    }

    fn names(&self) -> [&str; 4] {
        [
            self.caller.service,
            self.caller.instance,
            self.endpoint,
            self.peer,
        ]
    }

    fn is_parent_of(&self, server: &SpanView) {
        let client = &self.spans.expect("all are recorded or none").client;
        assert_eq!(server.trace_id(), self.tap.trace_id, "one trace");
        assert_eq!(server.parent_span_id(), Some(client.span_id()));
        assert!(server.data().parent_span_is_remote);
        assert_eq!(server.sampled(), self.tap.sampled);
        assert_eq!(server.data().links.len(), 0, "carriers that agree");
        let sw8 = self.sw8_attributes(client);
        for (name, value) in sw8 {
            if self.carried.wire == Wire::SW8 {
                server.assert_attribute(name, value);
            } else {
                server.assert_no_attribute(name);
            }
        }
    }

    fn sw8_attributes(&self, client: &SpanView) -> [(&'static str, opentelemetry::Value); 7] {
        let [service, instance, endpoint, peer] = self.names().map(str::to_owned);
        [
            ("sw8.trace_id", self.sw8_trace_id().to_owned().into()),
            ("sw8.parent_segment_id", segment_id(client).into()),
            ("sw8.parent_span_id", 0.into()),
            ("sw8.parent_service", service.into()),
            ("sw8.parent_service_instance", instance.into()),
            ("sw8.parent_endpoint", endpoint.into()),
            ("sw8.peer", peer.into()),
        ]
    }
}

/// The segment that stands for a span.
fn segment_id(span: &SpanView) -> String {
    let context = &span.data().span_context;
    let trace = rum_trace_propagation::TraceId::from_bytes(context.trace_id().to_bytes());
    let span = rum_trace_propagation::SpanId::from_bytes(context.span_id().to_bytes());
    let segment = sw8::segment_id(trace.expect("not zero"), span.expect("not zero"));
    segment.into_iter().map(char::from).collect()
}

/// The span that a request's W3C and `sw8` name.
fn callers(seen: &Seen) -> [Option<String>; 2] {
    let w3c = seen.header("traceparent").map(|value| {
        let parent = TraceParent::parse(value.as_bytes()).expect("a traceparent");
        parent.parent_id().to_string()
    });
    let sw8 = seen.header("sw8").map(|value| {
        let sw8 = Sw8::parse(value.as_bytes()).expect("an sw8");
        sw8.otel_parent_id().to_string()
    });
    [w3c, sw8]
}

/// Also where there are no spans to look at: each call is one of its own.
fn called_different_spans(outcome: &Outcome) {
    let seen = outcome.told.iter().map(|told| &told.seen);
    let seen = seen.chain([&outcome.stranger]);
    let mut ids: Vec<String> = seen
        .filter_map(|seen| callers(seen).into_iter().flatten().next())
        .collect();
    let calls = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), calls, "each call has a span of its own");
}
