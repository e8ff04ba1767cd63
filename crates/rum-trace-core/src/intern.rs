//! Texts that come again and again, kept for the life of the process so that a
//! span can name them without an allocation.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::OnceLock;

use foldhash::fast::FixedState;

use opentelemetry::StringValue;

use crate::limits;
use crate::method::Method;
use crate::server::Server;

/// Longer texts are not kept.
const MAX_TEXT: usize = 256;

/// How many places a text can have. Who fills them on purpose makes other
/// texts cost an allocation each, and nothing else: so no secret hash is needed.
const PROBES: usize = 4;

/// A fixed number of texts, the first that come. Looking one up takes no lock,
/// touches one place, and writes to none.
///
/// The texts are never given back: all of them together are 256 bytes times `N`.
struct Texts<T, const N: usize> {
    places: [OnceLock<T>; N],
}

/// What is kept with a text.
trait Kept {
    /// Whether a text may be kept for good, beyond what holds for all of them.
    fn may_keep(_text: &str) -> bool {
        true
    }

    fn new(text: &'static str) -> Self;
    fn text(&self) -> &'static str;
}

impl<T: Kept, const N: usize> Texts<T, N> {
    const fn new() -> Self {
        Texts {
            places: [const { OnceLock::new() }; N],
        }
    }

    /// What is kept for this text; `None` if there is no place for it, or if it
    /// is none that would be kept as it is.
    fn get(&self, text: impl AsRef<[u8]>) -> Option<&T> {
        let text = text.as_ref();
        let start = place_of(text) % N;
        let places = start..start + PROBES;
        places
            .map_while(|place| self.get_at(place % N, text))
            .find(|kept| kept.text().as_bytes() == text)
    }

    /// What is in a place, this text if there was nothing.
    fn get_at(&self, place: usize, text: &[u8]) -> Option<&T> {
        let place = self.places.get(place)?;
        if let Some(kept) = place.get() {
            return Some(kept);
        }
        // Only now: what is found was looked at when it was put there.
        let text = std::str::from_utf8(text).ok()?;
        let (clean, cut) = limits::field(text, MAX_TEXT);
        let as_it_is = !cut && clean.len() == text.len();
        let kept = as_it_is && T::may_keep(text);
        kept.then(|| place.get_or_init(|| T::new(forever(text))))
    }
}

fn place_of(text: &[u8]) -> usize {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(text);
    hasher.finish() as usize
}

/// For the life of the process.
pub(crate) fn forever(text: &str) -> &'static str {
    Box::leak(Box::from(text))
}

impl Kept for &'static str {
    fn new(text: &'static str) -> Self {
        text
    }

    fn text(&self) -> &'static str {
        self
    }
}

/// A route that is kept, and the names of the spans of its methods.
pub(crate) struct KnownRoute {
    text: &'static str,
    names: [OnceLock<&'static str>; Method::KINDS],
}

impl KnownRoute {
    /// `{method} {route}`.
    fn span_name(&self, method: &Method) -> Option<&'static str> {
        let name = self.names.get(method.kind()?)?;
        Some(name.get_or_init(|| forever(&method.span_name(Some(self.text)))))
    }
}

impl Kept for KnownRoute {
    fn new(text: &'static str) -> Self {
        KnownRoute {
            text,
            names: [const { OnceLock::new() }; Method::KINDS],
        }
    }

    fn text(&self) -> &'static str {
        self.text
    }
}

/// A route of the process's routers.
#[derive(Clone, Copy)]
pub(crate) enum Route<'a> {
    Known(&'static KnownRoute),
    Other(&'a str),
}

impl<'a> Route<'a> {
    pub(crate) fn of(route: &'a str) -> Self {
        static ROUTES: Texts<KnownRoute, 1_024> = Texts::new();
        ROUTES.get(route).map_or(Route::Other(route), Route::Known)
    }

    /// The text, if it is kept.
    pub(crate) fn kept(self) -> Option<&'static str> {
        match self {
            Route::Known(known) => Some(known.text),
            Route::Other(_) => None,
        }
    }

    /// The value of `http.route`.
    pub(crate) fn value(self) -> StringValue {
        match self {
            Route::Known(known) => StringValue::from(known.text),
            Route::Other(route) => StringValue::from(route.to_owned()),
        }
    }

    /// The name of a span with this route.
    pub(crate) fn span_name(self, method: &Method) -> Cow<'static, str> {
        match self {
            Route::Known(known) => match known.span_name(method) {
                Some(name) => Cow::Borrowed(name),
                None => method.span_name(Some(known.text)),
            },
            Route::Other(route) => method.span_name(Some(route)),
        }
    }
}

/// A host that clients ask for, with its port if it names one.
pub(crate) struct KnownHost {
    text: &'static str,
    pub(crate) server: Server<'static>,
}

impl Kept for KnownHost {
    /// Credentials before the host are nobody's business.
    fn may_keep(text: &str) -> bool {
        !text.contains('@')
    }

    fn new(text: &'static str) -> Self {
        KnownHost {
            text,
            server: Server::of(text),
        }
    }

    fn text(&self) -> &'static str {
        self.text
    }
}

/// The hosts that clients ask for, as `host[:port]`.
pub(crate) fn host(host: &[u8]) -> Option<&'static KnownHost> {
    static HOSTS: Texts<KnownHost, 256> = Texts::new();
    HOSTS.get(host)
}

/// The addresses at the other end of connections.
pub(crate) fn peer(address: &str) -> Option<&'static str> {
    static PEERS: Texts<&str, 256> = Texts::new();
    PEERS.get(address).copied()
}

/// The user agents of clients: versions of a few apps, or of browsers.
pub(crate) fn user_agent(agent: &[u8]) -> Option<&'static str> {
    static AGENTS: Texts<&str, 1_024> = Texts::new();
    AGENTS.get(agent).copied()
}

/// What RUM members name that many requests share: apps, their types and
/// versions. Never a session or a user.
#[inline(always)]
pub(crate) fn app(text: &str) -> Option<&'static str> {
    static APPS: Texts<&str, 1_024> = Texts::new();
    APPS.get(text).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once() {
        static TEXTS: Texts<&str, 8> = Texts::new();
        let first = TEXTS.get("a").unwrap();
        let again = TEXTS.get(String::from("a")).unwrap();
        assert!(std::ptr::eq(*first, *again));
        assert_eq!(TEXTS.get("x".repeat(MAX_TEXT + 1)), None);
        assert_eq!(TEXTS.get("line\nbreak"), None);
    }

    #[test]
    fn a_host_is_kept_but_no_credentials() {
        let known = host(b"shop.example:8443").unwrap();
        assert_eq!(
            (known.server.address, known.server.port),
            ("shop.example", Some(8443))
        );
        assert!(host(b"user:secret@shop.example").is_none());
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        static TEXTS: Texts<&str, 16> = Texts::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let text = format!("{}", (number + thread) % 1_000);
                        assert!(TEXTS.get(&text).is_none_or(|kept| *kept == text));
                    }
                });
            }
        });
        let known = |number: &u32| TEXTS.get(number.to_string()).is_some();
        assert_eq!((0..1_000).filter(known).count(), 16);
    }

    #[test]
    fn each_method_of_a_route_has_its_name() {
        let long = "/x".repeat(MAX_TEXT);
        for (method, called) in [
            ("GET", "GET"),
            ("QUERY", "QUERY"),
            ("brew", "HTTP"),
            ("PURGE", "PURGE"),
        ] {
            let method = Method::of(method, &["PURGE"]);
            for text in ["/users/{id}", "/users/{id}", &long] {
                let route = Route::of(text);
                assert_eq!(route.span_name(&method), format!("{called} {text}"));
                assert_eq!(route.value().as_str(), text);
            }
        }
    }
}
