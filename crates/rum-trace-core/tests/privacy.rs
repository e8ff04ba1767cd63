//! What becomes of session and user ids, wherever a client tells them.

mod support;

use std::collections::{BTreeMap, HashMap};

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use rum_trace_core::{
    BuildError, IdPolicy, Injection, Instrumenter, Privacy, RumContext, RumTracePropagator,
    TraceProtocol, Trust, TrustPolicy,
};
use support::{Harness, Lines, RUM, Request, SW8, TRACEPARENT, attributes};

const KEY: &str = "0123456789abcdef";
const SESSION: &str = "4f04d2f5a1b2c3d4";
const USER: &str = "uid_zoe17";
/// By openssl, see `Privacy`.
const SESSION_HASH: &str = "hmac-b705c10c3ce2da287381ddc2150245c6";
const USER_HASH: &str = "hmac-13bfb159da70989d77a52d10a62e4b10";
/// A user id that no list can hold, and its hash.
const ODD_USER: &str = "zo\u{eb}=17;x";
const ODD_HASH: &str = "hmac-6865d069a0eeabee6a6f78bb195f10c4";

const POLICIES: [IdPolicy; 3] = [IdPolicy::Keep, IdPolicy::Hash, IdPolicy::Drop];

fn privacy(session: IdPolicy, user: IdPolicy) -> Privacy {
    let privacy = Privacy::keep_all().session_id(session).user_id(user);
    privacy.hash_key(KEY)
}

fn shown<'a>(policy: IdPolicy, raw: &'a str, hash: &'a str) -> Option<&'a str> {
    match policy {
        IdPolicy::Keep => Some(raw),
        IdPolicy::Hash => Some(hash),
        _ => None,
    }
}

/// A request that tells a session and a user.
struct Told {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    user: (&'static str, &'static str),
    /// No list of it may go on.
    refused: bool,
}

impl Told {
    fn of(name: &'static str, headers: &[(&'static str, &str)]) -> Self {
        let own = |(name, value): &(&'static str, &str)| {
            let value = value.replace("{S}", SESSION).replace("{U}", USER);
            (*name, value.replace("{ODD}", ODD_USER))
        };
        Told {
            name,
            headers: headers.iter().map(own).collect(),
            user: (USER, USER_HASH),
            refused: false,
        }
    }

    fn odd(mut self) -> Self {
        self.user = (ODD_USER, ODD_HASH);
        self
    }

    fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    fn all() -> Vec<Told> {
        const P: (&str, &str) = ("traceparent", TRACEPARENT);
        const S: &str = "tracestate";
        vec![
            Told::of("rum member", &[P, (S, "rum=v2&browser&shop@1&{S}&{U}")]),
            Told::of(
                "among others",
                &[
                    P,
                    (S, "congo=t61,rum=v2&browser&shop@1&{S}&{U},rojo=00f067"),
                ],
            ),
            Told::of(
                "duplicate members",
                &[
                    P,
                    (S, "rum=v2&browser&shop@1&{S}&{U},rum=v2&b&p&{S}&{U}"),
                    (S, "rum=v2&b&p&{U}&{S}"),
                ],
            ),
            Told::of(
                "several lines",
                &[
                    P,
                    (S, "congo=t61"),
                    (S, "rum=v2&browser&shop@1&{S}&{U}"),
                    (S, "x={U}"),
                ],
            ),
            Told::of(
                "in members of others",
                &[P, (S, "a={S},b=u:{U},rum=v2&browser&shop@1&{S}&{U},{S}=c")],
            ),
            Told::of(
                "an illegal list",
                &[P, (S, "rum=v2&browser&shop@1&{S}&{ODD},Bad")],
            )
            .odd()
            .refused(),
            Told::of(
                "no traceparent",
                &[(S, "rum=v2&browser&shop@1&{S}&{U},x={U}")],
            ),
            Told::of(
                "beside sw8",
                &[("sw8", SW8), (S, "rum=v2&browser&shop@1&{S}&{U},x={U}")],
            ),
            Told::of(
                "baggage",
                &[
                    P,
                    (
                        "baggage",
                        "rum=v2,appType=browser,pid=shop@1,sid={S},uid={U}",
                    ),
                ],
            ),
            Told::of(
                "baggage of several lines, encoded, with properties",
                &[
                    P,
                    ("baggage", "sid=%34f04d2f5a1b2c3d4;p=1,tenant=blue"),
                    (
                        "baggage",
                        "uid=zo%C3%AB%3D17%3Bx;q={ODD},user=zo%C3%AB%3D17%3Bx",
                    ),
                    ("baggage", "uid=second,enduser={ODD},x=1;user={S}"),
                ],
            )
            .odd(),
            Told::of(
                "both",
                &[
                    P,
                    (S, "rum=v2&browser&shop@1&{S}&{U}"),
                    ("baggage", "sid=another,uid=another_user,a=1,b=another_user"),
                ],
            ),
            Told::of(
                "SkyWalking's correlation",
                &[
                    P,
                    (S, "rum=v2&browser&shop@1&{S}&{U}"),
                    // uid:uid_zoe17, user:uid_zoe17, tenant:blue
                    (
                        "sw8-correlation",
                        "dWlk:dWlkX3pvZTE3,dXNlcg==:dWlkX3pvZTE3,dGVuYW50:Ymx1ZQ==",
                    ),
                ],
            ),
        ]
    }

    fn request(&self) -> Request {
        let headers = self.headers.iter();
        headers.fold(Request::get("/cart"), |request, (name, value)| {
            request.header(name, value)
        })
    }

    fn message(&self) -> Lines {
        let headers = self.headers.iter();
        let headers: Vec<_> = headers.map(|(name, value)| (*name, &**value)).collect();
        Lines::of(&headers)
    }
}

/// All that a context tells whoever may ask: in it, and in what goes on from it.
fn told_by(cx: &Context) -> String {
    let mut told = format!("{:?}\n", RumContext::from_context(cx));
    told += &cx.span().span_context().trace_state().header();
    for (key, (value, metadata)) in cx.baggage() {
        told += &format!("\n{key}={value};{metadata:?}");
    }
    for injection in [Injection::to_own_service(), Injection::to_third_party()] {
        for protocol in [TraceProtocol::W3c, TraceProtocol::Sw8, TraceProtocol::Both] {
            let mut headers = HashMap::new();
            injection.protocol(protocol).inject(cx, &mut headers);
            for (name, value) in headers {
                let plain = percent_encoding::percent_decode_str(&value).decode_utf8_lossy();
                told += &format!("\n{name}: {value}\n{plain}");
            }
        }
    }
    told
}

fn check(told: &Told, policies: [IdPolicy; 2], cx: &Context, what: &str) {
    let [session, user] = policies;
    let (raw, hash) = told.user;
    let name = format!("{what}, {}: session {session:?}, user {user:?}", told.name);
    let rum = RumContext::from_context(cx);
    assert_eq!(
        rum.session_id(),
        shown(session, SESSION, SESSION_HASH),
        "{name}"
    );
    assert_eq!(rum.user_id(), shown(user, raw, hash), "{name}");
    let told = told_by(cx);
    for (policy, raw) in [(session, SESSION), (user, raw)] {
        let hidden = policy != IdPolicy::Keep;
        assert!(!hidden || !told.contains(raw), "{name}: {raw} in {told}");
    }
}

#[test]
fn each_id_from_each_source_is_what_its_policy_says() {
    for session in POLICIES {
        for user in POLICIES {
            for in_state in [true, false] {
                let harness = Harness::with(|builder| {
                    let builder = builder.privacy(privacy(session, user));
                    builder.rum_in_trace_state(in_state)
                });
                for told in Told::all() {
                    let active = harness.instrumenter.start(&told.request());
                    check(&told, [session, user], active.context(), "request");
                    active.finish();
                    let span = harness.take_span().expect("it is sampled");
                    let attributes = attributes(&span);
                    let attribute = |name: &str| attributes.get(name).map(String::as_str);
                    let name = told.name;
                    let expected = shown(session, SESSION, SESSION_HASH);
                    assert_eq!(attribute("session.id"), expected, "{name}");
                    let (raw, hash) = told.user;
                    assert_eq!(attribute("user.id"), shown(user, raw, hash), "{name}");

                    let cx = harness.instrumenter.extract(&told.message());
                    check(&told, [session, user], &cx, "message");
                    let propagator = RumTracePropagator::new(harness.instrumenter.clone());
                    let cx = propagator.extract_with_context(&Context::new(), &told.message());
                    check(&told, [session, user], &cx, "propagator");
                }
                let refused = Told::all().iter().filter(|told| told.refused).count();
                let stats = harness.instrumenter.stats();
                assert!(stats.tracestate_refused >= refused as u64);
            }
        }
    }
}

#[test]
fn a_request_without_a_span_is_no_exception() {
    let harness = Harness::with(|builder| {
        let builder = builder.privacy(privacy(IdPolicy::Hash, IdPolicy::Drop));
        builder.skip("/cart")
    });
    for told in Told::all() {
        let active = harness.instrumenter.start(&told.request());
        check(
            &told,
            [IdPolicy::Hash, IdPolicy::Drop],
            active.context(),
            "skipped",
        );
    }
    assert!(harness.spans().is_empty());
}

fn onward(session: IdPolicy, user: IdPolicy, tracestate: &[&str]) -> (String, String) {
    let harness = Harness::with(|builder| builder.privacy(privacy(session, user)));
    let mut request = Request::get("/").header("traceparent", TRACEPARENT);
    for line in tracestate {
        request = request.header("tracestate", line);
    }
    let active = harness.instrumenter.start(&request);
    let mut headers = HashMap::new();
    Injection::to_own_service().inject(active.context(), &mut headers);
    let state = active
        .context()
        .span()
        .span_context()
        .trace_state()
        .header();
    (headers.remove("tracestate").unwrap_or_default(), state)
}

/// W3C Trace Context Level 2, §3.5.
#[test]
fn a_member_that_changed_is_the_first_and_the_others_keep_their_places() {
    use IdPolicy::{Drop, Hash, Keep};
    let rum = |ids: &str| format!("rum=v2&browser&shop@1&{ids}");
    let raw = rum(&format!("{SESSION}&{USER}"));
    let hashed = rum(&format!("{SESSION_HASH}&{USER_HASH}"));
    let list = |rum: &str| format!("congo=t61,{rum},rojo=00f067");
    let moved = |rum: &str| format!("{rum},congo=t61,rojo=00f067");
    let long = "p".repeat(220);
    let table: [(IdPolicy, IdPolicy, String, String); 17] = [
        (Keep, Keep, list(&raw), list(&raw)),
        (Hash, Hash, list(&raw), moved(&hashed)),
        (
            Hash,
            Keep,
            list(&raw),
            moved(&rum(&format!("{SESSION_HASH}&{USER}"))),
        ),
        (Keep, Drop, list(&raw), moved(&rum(SESSION))),
        (Drop, Keep, list(&raw), moved(&rum(&format!("&{USER}")))),
        (Drop, Drop, list(&raw), moved(&rum(""))),
        // As an earlier service left it.
        (Hash, Hash, list(&hashed), list(&hashed)),
        (Hash, Drop, list(&hashed), moved(&rum(SESSION_HASH))),
        // There is no id to hide.
        (Hash, Hash, list(&rum("")), list(&rum(""))),
        (
            Drop,
            Hash,
            list(&rum("undefined&undefined")),
            list(&rum("undefined&undefined")),
        ),
        (
            Hash,
            Hash,
            "alibabacloud_rum=Android/2/5_APK,a=1".into(),
            "alibabacloud_rum=Android/2/5_APK,a=1".into(),
        ),
        (Hash, Hash, "rum=v2&browser".into(), "rum=v2&browser".into()),
        // Others that tell one: as it is, or percent-encoded.
        (
            Drop,
            Drop,
            format!("a=1,b=s:{SESSION},{raw},c=%75id_zoe17,d=2"),
            format!("{},a=1,d=2", rum("")),
        ),
        // Of a short id only the same value is one.
        (
            Keep,
            Hash,
            "rum=v2&b&p&s&u7,a=u7,b=u77".into(),
            "rum=v2&b&p&s&hmac-dd419b7548d6919c829aed1bd520d35e,b=u77".into(),
        ),
        // The member would be illegal: over 256 characters, or with a space at its end.
        (
            Hash,
            Keep,
            format!("rum=v2&b&{long}&{SESSION},a=1"),
            "a=1".into(),
        ),
        (Keep, Drop, "rum=v2&b&p&s &u,a=1".into(), "a=1".into()),
        (
            Keep,
            Keep,
            "rum=v2&b&p&s &u,a=1".into(),
            "rum=v2&b&p&s &u,a=1".into(),
        ),
    ];
    for (session, user, sent, expected) in table {
        let (onward, state) = onward(session, user, &[&sent]);
        assert_eq!(onward, expected, "{session:?} {user:?} {sent}");
        assert_eq!(state, expected, "{session:?} {user:?} {sent}");
    }
}

#[test]
fn whose_ids_are_too_many_to_look_for_sends_the_rum_member_alone() {
    let second: String = (0..20).map(|i| format!("uid=user_{i},")).collect();
    let harness = Harness::with(|builder| builder.privacy(privacy(IdPolicy::Hash, IdPolicy::Hash)));
    let raw = format!("congo=t61,rum=v2&browser&shop@1&{SESSION}&{USER}");
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", &raw)
        .header("baggage", format!("{second}tenant=blue"));
    let active = harness.instrumenter.start(&request);
    let mut headers = HashMap::new();
    Injection::to_own_service().inject(active.context(), &mut headers);
    assert_eq!(
        headers["tracestate"],
        format!("rum=v2&browser&shop@1&{SESSION_HASH}&{USER_HASH}")
    );
    assert_eq!(headers.get("baggage"), None);
}

#[test]
fn baggage_goes_on_without_the_entries_that_tell() {
    let table = [
        (
            IdPolicy::Hash,
            "sid={S},uid={U},tenant=blue",
            "sid={SH},uid={UH},tenant=blue",
        ),
        (
            IdPolicy::Drop,
            "sid={S},uid={U},tenant=blue;ttl=1",
            "tenant=blue;ttl=1",
        ),
        (
            IdPolicy::Drop,
            "uid={U},a={U},b=x{U}x,c=%75id_zoe17,d=1;u={U},{U}=1,e=2",
            "e=2",
        ),
        (
            IdPolicy::Drop,
            "uid=x%2540y.example,a=x%40y.example,b=x%2540y.example,c=x@y.example,e=2",
            "e=2",
        ),
        // Nobody told it as an id.
        (IdPolicy::Drop, "a={U}", "a={U}"),
        (IdPolicy::Keep, "uid={U},a={U}", "uid={U},a={U}"),
    ];
    let ids = |text: &str| {
        let text = text.replace("{S}", SESSION).replace("{U}", USER);
        text.replace("{SH}", SESSION_HASH)
            .replace("{UH}", USER_HASH)
    };
    for (policy, sent, expected) in table {
        let harness = Harness::with(|builder| builder.privacy(privacy(policy, policy)));
        let request = Request::get("/")
            .header("traceparent", TRACEPARENT)
            .header("baggage", ids(sent));
        let active = harness.instrumenter.start(&request);
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        let mut carrier = HashMap::new();
        Injection::to_own_service().inject(active.context(), &mut carrier);
        headers.extend(carrier);
        assert_eq!(headers["baggage"], ids(expected), "{policy:?} {sent}");
    }
}

#[test]
fn two_long_ids_do_not_become_one() {
    let harness = Harness::with(|builder| {
        let builder = builder.privacy(Privacy::keep_all().user_id(IdPolicy::Hash).hash_key(KEY));
        builder.rum_in_trace_state(true)
    });
    let user = |length: usize, last: &str| {
        let id = format!("{}{last}", "u".repeat(length));
        let request = Request::get("/")
            .header("traceparent", TRACEPARENT)
            .header("tracestate", format!("rum=v2&b&p&s&{id}"));
        let active = harness.instrumenter.start(&request);
        active.rum().user_id().map(str::to_owned)
    };
    let (one, other) = (user(8_000, "1"), user(8_000, "2"));
    assert!(one.is_some() && other.is_some());
    assert_ne!(one, other);
    assert_eq!(harness.instrumenter.stats().over_limit, 0);
    // All of it or nothing.
    assert_eq!(user(8_192, "1"), None);
    assert_eq!(harness.instrumenter.stats().over_limit, 1);
}

#[test]
fn one_text_has_another_hash_as_a_session_than_as_a_user() {
    let harness = Harness::with(|builder| builder.privacy(privacy(IdPolicy::Hash, IdPolicy::Hash)));
    let request = Request::get("/").header("tracestate", "rum=v2&b&p&same_text&same_text");
    let active = harness.instrumenter.start(&request);
    let rum = active.rum();
    assert!(rum.session_id().is_some() && rum.user_id().is_some());
    assert_ne!(rum.session_id(), rum.user_id());
}

#[test]
fn a_trust_policy_is_told_no_more_than_may_be_kept() {
    for session in POLICIES {
        for user in POLICIES {
            let harness = Harness::with(|builder| {
                let builder = builder.privacy(privacy(session, user));
                builder.trust(TrustPolicy::by(move |caller| {
                    let told = caller.rum();
                    assert_eq!(told.session_id(), shown(session, SESSION, SESSION_HASH));
                    assert_eq!(told.user_id(), shown(user, USER, USER_HASH));
                    let all = format!("{caller:?}");
                    assert_eq!(all.contains(SESSION), session == IdPolicy::Keep, "{all}");
                    assert_eq!(all.contains(USER), user == IdPolicy::Keep, "{all}");
                    Trust::Link
                }))
            });
            let member = format!("rum=v2&browser&shop@1&{SESSION}&{USER}");
            let request = Request::get("/").header("traceparent", TRACEPARENT);
            harness.serve(&request.header("tracestate", member));
            assert_eq!(harness.instrumenter.stats().untrusted, 1, "it was asked");
        }
    }
}

/// The SDK's propagators read what ours does not, and put it where they please.
#[test]
fn what_the_fallback_propagator_finds_is_no_exception() {
    let composite = || {
        TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ])
    };
    for session in POLICIES {
        for user in POLICIES {
            let harness = Harness::with(|builder| {
                let builder = builder.privacy(privacy(session, user)).carriers([]);
                builder.fallback_propagator(composite())
            });
            let mut found = 0;
            for told in Told::all() {
                let active = harness.instrumenter.start(&told.request());
                check(&told, [session, user], active.context(), "fallback");
                let cx = harness.instrumenter.extract(&told.message());
                found += usize::from(cx.span().span_context().is_valid());
                check(&told, [session, user], &cx, "fallback of a message");
            }
            assert!(found > 5, "the propagator is asked");
        }
    }
}

#[test]
fn what_else_the_fallback_propagator_finds_stays() {
    let harness = Harness::with(|builder| {
        let builder = builder.privacy(privacy(IdPolicy::Hash, IdPolicy::Drop));
        builder
            .carriers([])
            .fallback_propagator(TraceContextPropagator::new())
    });
    let raw = format!("congo=t61,rum=v2&browser&shop@1&{SESSION}&{USER},rojo=00f067");
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", &raw);
    let active = harness.instrumenter.start(&request);
    let expected = format!("rum=v2&browser&shop@1&{SESSION_HASH},congo=t61,rojo=00f067");
    let state = active
        .context()
        .span()
        .span_context()
        .trace_state()
        .header();
    assert_eq!(state, expected);
    let mut headers = HashMap::new();
    Injection::to_own_service().inject(active.context(), &mut headers);
    // What another propagator found is taken for added by this service.
    let rum_last = format!("congo=t61,rojo=00f067,rum=v2&browser&shop@1&{SESSION_HASH}");
    assert_eq!(headers["tracestate"], rum_last);
}

#[test]
fn wrong_settings_say_what_to_do() {
    let hash = || Privacy::keep_all().user_id(IdPolicy::Hash);
    let build = |privacy: Privacy| Instrumenter::builder().privacy(privacy).build().err();
    assert_eq!(build(hash()), Some(BuildError::HashKeyMissing));
    let short = build(hash().hash_key("fifteen bytes.."));
    assert_eq!(short, Some(BuildError::HashKeyTooShort { bytes: 15 }));
    let told = short.map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("openssl rand -hex 32"), "{told}");
    assert!(!told.contains("fifteen"), "{told}");
    for right in [
        Privacy::keep_all(),
        hash().hash_key([7; 16]),
        Privacy::keep_all().session_id(IdPolicy::Drop),
        Privacy::keep_all().hash_key(vec![7; 100]),
    ] {
        assert_eq!(build(right.clone()), None, "{right:?}");
    }
}

#[test]
fn headers_that_hold_ids_are_not_captured() {
    let names = ["tracestate", "Baggage", "sw8-correlation"];
    for name in names {
        let drop = || Privacy::keep_all().session_id(IdPolicy::Drop);
        let before = Instrumenter::builder()
            .capture_sensitive_request_header(name)
            .privacy(drop());
        let after = Instrumenter::builder()
            .privacy(drop())
            .capture_sensitive_request_header(name);
        for builder in [before, after] {
            let name = name.to_lowercase();
            assert_eq!(
                builder.build().err(),
                Some(BuildError::CapturedIds { name })
            );
        }
        let kept = Instrumenter::builder().capture_sensitive_request_header(name);
        assert!(kept.privacy(Privacy::keep_all()).build().is_ok());
    }
}

#[test]
fn the_key_is_shown_to_nobody() {
    let privacy = privacy(IdPolicy::Hash, IdPolicy::Hash);
    let builder = Instrumenter::builder().privacy(privacy.clone());
    let mut shown = format!("{privacy:?} {builder:?}");
    shown += &format!("{:?}", builder.build());
    assert!(!shown.contains(KEY), "{shown}");
    // As bytes, too.
    assert!(!shown.contains("48, 49, 50"), "{shown}");
}

#[test]
fn by_default_all_is_kept() {
    let request = Request::get("/")
        .header("traceparent", TRACEPARENT)
        .header("tracestate", format!("a=uid_1,{RUM}"))
        .header("baggage", "uid=uid_1,user=uid_1");
    for harness in [
        Harness::new(),
        Harness::with(|builder| builder.privacy(Privacy::keep_all().hash_key(KEY))),
    ] {
        let active = harness.instrumenter.start(&request);
        assert_eq!(active.rum().user_id(), Some("uid_1"));
        let mut headers = HashMap::new();
        Injection::to_own_service().inject(active.context(), &mut headers);
        assert_eq!(headers["tracestate"], format!("a=uid_1,{RUM}"));
        assert_eq!(headers["baggage"], "user=uid_1");
    }
}
