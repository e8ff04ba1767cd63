//! What a single span tells, by the conventions that it follows.

use std::cmp::Ordering;

use rum_trace::RumKey;
use rum_trace_propagation::rum;

use crate::collector::{MAX_KEY, Span, SpanKind, clip};

/// What native SDKs write for the peer in `sw8`: they tell no app beside it.
const NATIVE_PEER: &str = "0.0.0.0";

pub(crate) const KEPT_ALONE: &str = "rum.sampling.kept_alone";

/// Whether it tells of app, session or user.
pub(crate) fn tells_rum(span: &Span) -> bool {
    RumKey::ALL
        .iter()
        .any(|key| span.text(key.attribute()).is_some())
}

/// Whether it is the SERVER span of a request that may come from a phone.
pub(crate) fn may_be_asked_by_phone(span: &Span) -> bool {
    span.kind == SpanKind::Server
        && span.parent.is_some()
        && (tells_rum(span) || span.text("sw8.peer") == Some(NATIVE_PEER))
}

/// Whether its trace state holds a RUM member.
pub(crate) fn has_rum_member(span: &Span) -> bool {
    let mut found = false;
    if let Some(list) = &span.trace_state {
        rum::visit([list.as_bytes()], [], |_, _, _| found = true);
    }
    found
}

/// Whether its trace is sampled. Senders from before OTLP had a place for it say
/// nothing, which is not the same as no.
pub(crate) const fn sampled(span: &Span) -> Option<bool> {
    const SAMPLED: u32 = 0x1;
    const TELLS_FLAGS: u32 = 0x100;
    match span.flags {
        flags if flags & SAMPLED != 0 => Some(true),
        flags if flags & TELLS_FLAGS != 0 => Some(false),
        _ => None,
    }
}

/// Which headers its trace came in by, as far as it tells.
pub(crate) fn carrier(span: &Span) -> Option<&'static str> {
    if span.text("sw8.trace_id").is_some() {
        return Some("sw8");
    }
    // No other carrier has one.
    let by_w3c = span.parent.is_some() && span.trace_state.is_some();
    by_w3c.then_some("w3c")
}

/// By time; where that is the same, by what does not depend on the order of
/// arrival. Of two halves of a call the client's comes first.
pub(crate) fn by_start(one: &Span, other: &Span) -> Ordering {
    let key = |span: &Span| (span.start, !is_calling(span), span.span_id, span.kind as u8);
    let by_service = || one.service().cmp(other.service());
    key(one).cmp(&key(other)).then_with(by_service)
}

/// Nothing ends before it starts.
pub(crate) fn end(span: &Span) -> u64 {
    span.start.saturating_add(duration(span))
}

pub(crate) fn duration(span: &Span) -> u64 {
    u64::try_from(span.duration().as_nanos()).unwrap_or(u64::MAX)
}

/// As much of a text as a list shows. An attribute may have 64 KiB, and a list a
/// thousand of them.
pub(crate) fn short(text: &str) -> &str {
    clip(text, MAX_KEY)
}

/// Here and below by the conventions of today, and by those before them.
pub(crate) fn http_status(span: &Span) -> Option<i64> {
    span.number("http.response.status_code")
        .or_else(|| span.number("http.status_code"))
}

pub(crate) fn method(span: &Span) -> Option<&str> {
    span.text("http.request.method")
        .or_else(|| span.text("http.method"))
}

pub(crate) fn path(span: &Span) -> Option<&str> {
    span.text("url.path")
        .or_else(|| Some(target(span)?.split('?').next().unwrap_or_default()))
}

fn query(span: &Span) -> Option<&str> {
    let query = span.text("url.query");
    let query = query.or_else(|| Some(target(span)?.split_once('?')?.1));
    query.filter(|query| !query.is_empty())
}

/// Path and query in one.
fn target(span: &Span) -> Option<&str> {
    span.text("http.target")
}

/// The route: of HTTP, or the method of an RPC.
pub(crate) fn route(span: &Span) -> Option<&str> {
    span.text("http.route").or_else(|| span.text("rpc.method"))
}

/// The address that a call goes to: `host:port`, or `host`.
pub(crate) fn peer(span: &Span) -> Option<String> {
    address(span, "net.peer.name", "net.peer.port")
}

/// By the names of today, or by these from before.
fn address(span: &Span, host: &str, port: &str) -> Option<String> {
    let host = span.text("server.address").or_else(|| span.text(host))?;
    let port = span.number("server.port").or_else(|| span.number(port));
    Some(match port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The database or messaging system that a call goes to.
pub(crate) fn system(span: &Span) -> Option<&str> {
    let keys = ["db.system.name", "db.system", "messaging.system"];
    keys.into_iter().find_map(|key| span.text(key))
}

/// Whether it calls another process.
pub(crate) const fn is_calling(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Client | SpanKind::Producer)
}

/// Whether another process called.
pub(crate) const fn is_called(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Server | SpanKind::Consumer)
}

/// The URL of a request as far as its SERVER span tells it.
pub(crate) fn url(span: &Span) -> String {
    let mut url = String::new();
    if let Some(address) = address(span, "net.host.name", "net.host.port") {
        let scheme = span.text("url.scheme").or_else(|| span.text("http.scheme"));
        url.push_str(scheme.unwrap_or("http"));
        url.push_str("://");
        url.push_str(&address);
    }
    match (path(span), span.text("rpc.method")) {
        (Some(path), _) => url.push_str(path),
        (None, Some(method)) => {
            url.push('/');
            url.push_str(method);
        }
        (None, None) => {}
    }
    if let Some(query) = query(span) {
        url.push('?');
        url.push_str(query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::SpanBuilder;

    #[test]
    fn addresses_are_put_together() {
        let span = || SpanBuilder::new("shop", 1, 2, 3);
        for (span, expected) in [
            (span(), ""),
            (span().text("url.path", "/a"), "/a"),
            (
                span()
                    .text("url.scheme", "https")
                    .text("server.address", "shop.example")
                    .text("url.path", "/a")
                    .text("url.query", "b=1"),
                "https://shop.example/a?b=1",
            ),
            (
                span()
                    .text("server.address", "127.0.0.1")
                    .number("server.port", 80)
                    .text("rpc.method", "shop.Cart/Add"),
                "http://127.0.0.1:80/shop.Cart/Add",
            ),
            (
                span()
                    .text("http.scheme", "https")
                    .text("net.host.name", "shop.example")
                    .number("net.host.port", 8443)
                    // The phone's, not its own.
                    .text("net.peer.name", "10.0.0.7")
                    .text("http.target", "/a?b=1"),
                "https://shop.example:8443/a?b=1",
            ),
        ] {
            assert_eq!(url(&span.build()), expected);
        }
    }

    #[test]
    fn older_conventions_are_read_where_those_of_today_tell_nothing() {
        let old = SpanBuilder::new("shop", 1, 2, 3)
            .text("http.method", "PUT")
            .text("http.target", "/old?a=/x")
            .number("http.status_code", 404);
        let told = |span: &Span| {
            let texts = [method(span), path(span)].map(|text| text.map(str::to_owned));
            (texts, http_status(span))
        };
        let texts = |method: &str, path: &str| [Some(method.to_owned()), Some(path.to_owned())];
        assert_eq!(
            told(&old.clone().build()),
            (texts("PUT", "/old"), Some(404))
        );
        let both = old
            .text("http.request.method", "GET")
            .text("url.path", "/new")
            .number("http.response.status_code", 200);
        assert_eq!(told(&both.build()), (texts("GET", "/new"), Some(200)));
    }

    #[test]
    fn who_may_be_asked_by_a_phone() {
        let server = || SpanBuilder::new("shop", 1, 2, 3).server();
        for (span, expected) in [
            (server(), false),
            (server().text("rum.app.id", "a@1"), true),
            (server().text("session.id", "s"), true),
            (server().text("sw8.peer", "0.0.0.0"), true),
            (server().text("sw8.peer", "shop:80"), false),
            (
                SpanBuilder::new("shop", 1, 2, 0)
                    .server()
                    .text("session.id", "s"),
                false,
            ),
            (
                SpanBuilder::new("shop", 1, 2, 3)
                    .client()
                    .text("session.id", "s"),
                false,
            ),
        ] {
            assert_eq!(may_be_asked_by_phone(&span.build()), expected);
        }
    }
}
