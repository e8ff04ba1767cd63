//! Which traces are looked for.

use memchr::memmem::Finder;

use super::Listed;
use crate::analysis::digest::{Digest, Field};
use crate::analysis::facts;

/// What is asked for is combined by and. A text matches by any span of the trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) app: Option<String>,
    pub(crate) app_type: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) service: Option<String>,
    /// The name of a peer of the topology: of a trace that has been quiet once.
    pub(crate) peer: Option<String>,
    /// A part of a route or of a path.
    pub(crate) route: Option<String>,
    /// Its first hex digits, in lower case.
    pub(crate) trace_id: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    /// Of the whole trace, in nanoseconds.
    pub(crate) shortest: Option<u64>,
    pub(crate) longest: Option<u64>,
    /// Whether something was found to be missing.
    pub(crate) missing: Option<bool>,
    /// A part of any text, in any case; of one line.
    pub(crate) text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusFilter {
    /// The answer's that the trace is listed with.
    Code(i64),
    /// 5 for 500 to 599.
    Class(i64),
    /// Any span in error.
    Error,
}

impl Filter {
    pub(super) fn matcher(&self) -> Matcher<'_> {
        let lower = self.text.as_ref().map(|text| text.to_lowercase());
        Matcher {
            filter: self,
            text: lower.map(|text| Finder::new(text.as_bytes()).into_owned()),
            route: self.route.as_ref().map(|part| Finder::new(part.as_bytes())),
            lower: String::new(),
        }
    }
}

/// A filter made ready for many traces.
pub(super) struct Matcher<'a> {
    filter: &'a Filter,
    text: Option<Finder<'static>>,
    route: Option<Finder<'a>>,
    /// Used again for each text.
    lower: String,
}

impl Matcher<'_> {
    pub(super) fn matches(&mut self, trace: &Listed) -> bool {
        let (filter, digest) = (self.filter, &*trace.digest);
        // What is cheap comes first.
        self.is_listed_so(trace)
            && has(digest, Field::App, filter.app.as_deref())
            && has(digest, Field::AppType, filter.app_type.as_deref())
            && has(digest, Field::Session, filter.session.as_deref())
            && has(digest, Field::User, filter.user.as_deref())
            && has(digest, Field::Service, filter.service.as_deref())
            && filter
                .status
                .is_none_or(|status| has_status(digest, status))
            && filter
                .peer
                .as_deref()
                .is_none_or(|peer| has_peer(trace, peer))
            && self.has_route(digest)
            && self.has_text(trace)
    }

    fn is_listed_so(&self, trace: &Listed) -> bool {
        let filter = self.filter;
        let duration = trace.digest.duration();
        let starts_with = |start: &String| trace.id.encode_hex().starts_with(start.as_bytes());
        filter.shortest.is_none_or(|shortest| duration >= shortest)
            && filter.longest.is_none_or(|longest| duration <= longest)
            && filter
                .missing
                .is_none_or(|missing| missing == (trace.findings > 0))
            && filter.trace_id.as_ref().is_none_or(starts_with)
    }

    fn has_route(&self, digest: &Digest) -> bool {
        let Some(part) = &self.route else {
            return true;
        };
        let mut texts = digest.texts(Field::Route).chain(digest.texts(Field::Path));
        texts.any(|text| part.find(text.as_bytes()).is_some())
    }

    fn has_text(&mut self, trace: &Listed) -> bool {
        let Some(part) = &self.text else {
            return true;
        };
        if part.find(trace.digest.lower().as_bytes()).is_some() {
            return true;
        }
        to_lower(trace.digest.name(), &mut self.lower);
        let name = part.find(self.lower.as_bytes());
        name.is_some() || part.find(&trace.id.encode_hex()).is_some()
    }
}

fn has(digest: &Digest, field: Field, asked: Option<&str>) -> bool {
    asked.is_none_or(|text| digest.has(field, text))
}

fn has_peer(trace: &Listed, peer: &str) -> bool {
    let topology = trace.topology.as_ref();
    topology.is_some_and(|topology| topology.has_peer(peer))
}

fn has_status(digest: &Digest, status: StatusFilter) -> bool {
    let listed = || digest.lead().and_then(|lead| facts::http_status(lead));
    match status {
        StatusFilter::Code(code) => listed() == Some(code),
        StatusFilter::Class(class) => listed().is_some_and(|code| code / 100 == class),
        StatusFilter::Error => digest.errors > 0,
    }
}

fn to_lower(text: &str, lower: &mut String) {
    lower.clear();
    if text.is_ascii() {
        lower.push_str(text);
        lower.make_ascii_lowercase();
    } else {
        lower.push_str(&text.to_lowercase());
    }
}
