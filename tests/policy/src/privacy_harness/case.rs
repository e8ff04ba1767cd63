//! What is sent to which service.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rum_trace_core::{IdPolicy, Privacy, TraceProtocol};

/// What the service is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What becomes of the session's id.
    pub session: IdPolicy,
    /// What becomes of the user's.
    pub user: IdPolicy,
    /// The protocol to its own hosts; `None`: the one that came in.
    pub protocol: Option<TraceProtocol>,
    /// See [`InstrumenterBuilder`](rum_trace_core::InstrumenterBuilder::rum_in_trace_state).
    pub rum_in_trace_state: bool,
    /// See [`InstrumenterBuilder`](rum_trace_core::InstrumenterBuilder::tracing_spans).
    pub tracing_spans: bool,
    /// Whether W3C's headers are read by the SDK's propagators.
    pub fallback: bool,
    /// Whether the request has no span.
    pub skipped: bool,
}

impl Settings {
    pub(super) fn privacy(&self) -> Privacy {
        let privacy = Privacy::keep_all().hash_key("a key that nobody guesses");
        privacy.session_id(self.session).user_id(self.user)
    }
}

/// Who the client is.
#[derive(Clone, Debug)]
pub struct Ids {
    /// The session.
    pub session: String,
    /// The user.
    pub user: String,
}

/// A request, and the service that gets it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Of the service.
    pub settings: Settings,
    /// Of the client.
    pub ids: Ids,
    /// The client's headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Case {
    /// The bytes of the request.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        let mut head =
            "GET /cart HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n".to_owned();
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// The ids of which nothing may be seen.
    #[must_use]
    pub fn hidden(&self) -> Vec<&str> {
        let ids = [
            (self.settings.session, &self.ids.session),
            (self.settings.user, &self.ids.user),
        ];
        let hidden = ids.iter().filter(|(policy, _)| *policy != IdPolicy::Keep);
        hidden.map(|(_, id)| id.as_str()).collect()
    }
}

/// Any policies, any ids, any headers in which they are told.
pub fn any_case() -> impl Strategy<Value = Case> {
    (settings(), ids()).prop_flat_map(|(settings, ids)| {
        headers(&ids).prop_map(move |headers| Case {
            settings: settings.clone(),
            ids: ids.clone(),
            headers,
        })
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let policy = || select(vec![IdPolicy::Keep, IdPolicy::Hash, IdPolicy::Drop]);
    let protocols = [TraceProtocol::W3c, TraceProtocol::Sw8, TraceProtocol::Both];
    let protocols = protocols.map(Some).into_iter().chain([None]);
    (
        (policy(), policy()),
        select(protocols.collect::<Vec<_>>()),
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |((session, user), protocol, state, tracing, fallback, skipped)| Settings {
                session,
                user,
                protocol,
                rum_in_trace_state: state,
                tracing_spans: tracing,
                fallback,
                skipped,
            },
        )
}

/// Long enough not to be found by chance.
fn ids() -> impl Strategy<Value = Ids> {
    let session = "[0-9a-f]{32}|[0-9a-zA-Z._~%=+/@-]{8,32}";
    // Without white space at its ends, which no header holds; a comma ends a member.
    let user = "uid_[0-9a-z]{16}|[0-9a-zA-Z&=%+/;\"@\u{e9}\u{fc}\u{65e5}]{2}[0-9a-zA-Z &=%+/;\"@\u{e9}\u{fc}\u{65e5}]{6,20}[0-9a-z&\u{e9}]";
    (session, user).prop_map(|(session, user)| Ids { session, user })
}

/// One place at least tells each id whole; the others are as they come.
fn headers(ids: &Ids) -> impl Strategy<Value = Vec<(&'static str, String)>> + use<> {
    let Ids { session, user } = ids.clone();
    let encoded = |id: &str| utf8_percent_encode(id, NON_ALPHANUMERIC).to_string();
    let rum = format!("rum=v2&browser&shop@1a2b&{session}&{user}");
    let in_baggage = format!("sid={},uid={}", encoded(&session), encoded(&user));
    let members = vec![
        rum.clone(),
        format!("rum=v2&browser&shop@1a2b&{session}&{user}"),
        format!("x={user}"),
        format!("y=s:{session}"),
        format!("z={}", encoded(&user)),
        "congo=t61rcWkgMzE".to_owned(),
        "alibabacloud_rum=Android/2.3.2/5.0.1_APK".to_owned(),
        "Bad member".to_owned(),
    ];
    let entries = vec![
        "rum=v2".to_owned(),
        "appType=browser".to_owned(),
        format!("sid={session}"),
        format!("uid={user}"),
        "tenant=blue;ttl=1".to_owned(),
        format!("user={user}"),
        format!("enduser=x{}x", encoded(&user)),
        format!("note=1;by={session}"),
        format!("remark=1;by={}", encoded(&user)),
    ];
    let word = |text: &str| STANDARD.encode(text);
    let correlation = format!(
        "{}:{},{}:{},{}:{}",
        word("sid"),
        word(&session),
        word("user"),
        word(&user),
        word("tenant"),
        word("blue")
    );
    let count = members.len();
    let entry_count = entries.len();
    (
        any::<bool>(),
        select(parents()),
        subsequence(members, 0..=count).prop_shuffle(),
        vec(prop::bool::weighted(0.3), count),
        subsequence(entries, 0..=entry_count).prop_shuffle(),
        vec(prop::bool::weighted(0.3), entry_count),
        any::<bool>(),
    )
        .prop_map(
            move |(by_member, parent, members, breaks, entries, splits, correlated)| {
                let mut headers: Vec<(&'static str, String)> = parent
                    .iter()
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect();
                let teller = if by_member {
                    ("tracestate", rum.clone())
                } else {
                    ("baggage", in_baggage.clone())
                };
                headers.push(teller);
                headers.extend(lines(&members, &breaks).map(|line| ("tracestate", line)));
                headers.extend(lines(&entries, &splits).map(|line| ("baggage", line)));
                headers.extend(correlated.then(|| ("sw8-correlation", correlation.clone())));
                headers
            },
        )
}

/// The carriers of a trace.
fn parents() -> Vec<&'static [(&'static str, &'static str)]> {
    const W3C: (&str, &str) = (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    );
    const SW8: (&str, &str) = (
        "sw8",
        "1-My40LjU=-MS4yLjM=-4-c2VydmljZQ==-aW5zdGFuY2U=-L2FwcA==-MTI3LjAuMC4xOjgwODA=",
    );
    const B3: (&str, &str) = ("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1");
    vec![
        &[W3C],
        &[W3C],
        &[SW8],
        &[W3C, SW8],
        &[B3],
        &[],
        &[("traceparent", "00-4bf9-00f0-01")],
    ]
}

/// The parts in lines that end where it says so.
fn lines(parts: &[String], breaks: &[bool]) -> impl Iterator<Item = String> + use<> {
    let mut lines: Vec<String> = Vec::new();
    for (part, is_break) in parts.iter().zip(breaks) {
        match lines.last_mut() {
            Some(line) if !is_break => line.extend([",", part]),
            _ => lines.push(part.clone()),
        }
    }
    lines.into_iter()
}
