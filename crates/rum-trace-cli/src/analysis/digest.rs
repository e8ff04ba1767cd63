//! What a list needs to know of a trace, kept up with each span that arrives: a
//! search reads these, and no spans.

use std::cmp::Ordering;
use std::sync::Arc;

use rum_trace::RumKey;

use super::{facts, phone};
use crate::collector::Span;

/// How many values of one field are remembered of a trace; a search finds it by
/// no others.
pub(crate) const MAX_VALUES: usize = 256;

const APP: &str = RumKey::AppId.attribute();
const APP_TYPE: &str = RumKey::AppType.attribute();
const APP_VERSION: &str = RumKey::AppVersion.attribute();
const SESSION: &str = RumKey::SessionId.attribute();
const USER: &str = RumKey::UserId.attribute();

/// What a trace can be found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    App,
    AppType,
    Session,
    User,
    Service,
    /// Of HTTP, or the method of an RPC.
    Route,
    Path,
}

impl Field {
    /// As lists show it, and as it is searched.
    pub(crate) fn of(self, span: &Span) -> Option<&str> {
        let text = match self {
            Self::App => span.text(APP),
            Self::AppType => span.text(APP_TYPE),
            Self::Session => span.text(SESSION),
            Self::User => span.text(USER),
            Self::Service => Some(&*span.resource.service),
            Self::Route => facts::route(span),
            Self::Path => facts::path(span),
        };
        text.map(facts::short)
    }
}

const FIELDS: [Field; 7] = [
    Field::App,
    Field::AppType,
    Field::Session,
    Field::User,
    Field::Service,
    Field::Route,
    Field::Path,
];

#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    pub(crate) spans: u32,
    pub(crate) errors: u32,
    /// The earliest start and the latest end.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Different values, in order.
    values: Vec<(Field, Arc<str>)>,
    text_bytes: usize,
    /// All of them in lower case, a line each.
    lower: String,
    /// The earliest spans that tell them.
    app: Option<Arc<Span>>,
    app_type: Option<Arc<Span>>,
    app_version: Option<Arc<Span>>,
    session: Option<Arc<Span>>,
    user: Option<Arc<Span>>,
    /// The earliest span without a parent, otherwise the earliest.
    root: Option<Arc<Span>>,
    /// The SERVER span under the phone's, if there is one, and the phone's name.
    entry: Option<(Arc<Span>, Box<str>)>,
}

fn keep_first(
    first: &mut Option<Arc<Span>>,
    span: &Arc<Span>,
    order: impl Fn(&Span, &Span) -> Ordering,
) {
    if first
        .as_ref()
        .is_none_or(|first| order(span, first).is_lt())
    {
        *first = Some(Arc::clone(span));
    }
}

fn find(values: &[(Field, Arc<str>)], field: Field, text: &str) -> Result<usize, usize> {
    values.binary_search_by(|(known, value)| known.cmp(&field).then_with(|| (**value).cmp(text)))
}

impl Digest {
    /// The digest of all of them, with the span under the phone's.
    #[cfg(test)]
    pub(crate) fn of(spans: &[Arc<Span>]) -> Self {
        let mut digest = Self::default();
        for span in spans {
            digest.add(span);
        }
        let tree = super::tree::Tree::new(spans);
        let tap = super::phone::Tap::of(spans, &tree);
        digest.set_entry(tap.map(|tap| Arc::clone(&spans[tap.entry])));
        digest
    }

    pub(crate) fn add(&mut self, span: &Arc<Span>) {
        self.start = if self.spans == 0 {
            span.start
        } else {
            self.start.min(span.start)
        };
        self.end = self.end.max(facts::end(span));
        self.spans = self.spans.saturating_add(1);
        self.errors = self
            .errors
            .saturating_add(u32::from(span.status.is_error()));
        for field in FIELDS {
            self.remember(field, field.of(span), span);
        }
        self.hear(span);
        let orphan = |span: &Span| span.parent.is_some();
        keep_first(&mut self.root, span, |one, other| {
            orphan(one)
                .cmp(&orphan(other))
                .then_with(|| facts::by_start(one, other))
        });
    }

    fn remember(&mut self, field: Field, text: Option<&str>, span: &Span) {
        let Some(text) = text else {
            return;
        };
        let Err(at) = find(&self.values, field, text) else {
            return;
        };
        if self.values(field).len() < MAX_VALUES {
            let text = match field {
                Field::Service => Arc::clone(&span.resource.service),
                _ => Arc::from(text),
            };
            self.text_bytes = self.text_bytes.saturating_add(text.len() + TEXT_OVERHEAD);
            self.lower.push_str(&text.to_lowercase());
            self.lower.push('\n');
            self.values.insert(at, (field, text));
        }
    }

    fn hear(&mut self, span: &Arc<Span>) {
        for (known, key) in [
            (&mut self.app, APP),
            (&mut self.app_type, APP_TYPE),
            (&mut self.app_version, APP_VERSION),
            (&mut self.session, SESSION),
            (&mut self.user, USER),
        ] {
            if span.text(key).is_some() {
                keep_first(known, span, facts::by_start);
            }
        }
    }

    /// Which span is under the phone's can change with each arrival.
    pub(crate) fn set_entry(&mut self, entry: Option<Arc<Span>>) {
        let same = match (&self.entry, &entry) {
            (Some((known, _)), Some(entry)) => Arc::ptr_eq(known, entry),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.entry = entry.map(|entry| {
                let name = phone::name(&entry).into();
                (entry, name)
            });
        }
    }

    /// The SERVER span under the phone's.
    pub(crate) fn entry(&self) -> Option<&Arc<Span>> {
        self.entry.as_ref().map(|(entry, _)| entry)
    }

    /// The span that stands for the trace: under the phone's, or the root.
    pub(crate) fn lead(&self) -> Option<&Arc<Span>> {
        self.entry().or(self.root.as_ref())
    }

    /// The phone's span as the RUM products name it, or the root's name.
    pub(crate) fn name(&self) -> &str {
        match (&self.entry, &self.root) {
            (Some((_, name)), _) => name,
            (None, Some(root)) => facts::short(&root.name),
            (None, None) => "",
        }
    }

    pub(crate) fn values(&self, field: Field) -> &[(Field, Arc<str>)] {
        let from = self.values.partition_point(|(known, _)| *known < field);
        let to = self.values.partition_point(|(known, _)| *known <= field);
        self.values.get(from..to).unwrap_or_default()
    }

    pub(crate) fn texts(&self, field: Field) -> impl Iterator<Item = &Arc<str>> {
        self.values(field).iter().map(|(_, text)| text)
    }

    /// All values in lower case, a line each.
    pub(crate) fn lower(&self) -> &str {
        &self.lower
    }

    pub(crate) fn has(&self, field: Field, text: &str) -> bool {
        find(&self.values, field, text).is_ok()
    }

    pub(crate) fn app(&self) -> Option<&str> {
        Field::App.of(self.app.as_ref()?)
    }

    pub(crate) fn app_type(&self) -> Option<&str> {
        Field::AppType.of(self.app_type.as_ref()?)
    }

    pub(crate) fn app_version(&self) -> Option<&str> {
        self.app_version
            .as_ref()?
            .text(APP_VERSION)
            .map(facts::short)
    }

    pub(crate) fn session(&self) -> Option<&str> {
        Field::Session.of(self.session.as_ref()?)
    }

    pub(crate) fn user(&self) -> Option<&str> {
        Field::User.of(self.user.as_ref()?)
    }

    pub(crate) const fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// About how many bytes of memory it takes, beside the spans.
    pub(crate) fn weight(&self) -> usize {
        let table = self.values.capacity() * size_of::<(Field, Arc<str>)>();
        let name = self.entry.as_ref().map_or(0, |(_, name)| name.len());
        size_of::<Self>() + table + self.text_bytes + self.lower.capacity() + name
    }
}

/// The counters of a shared text, and what the allocator adds.
const TEXT_OVERHEAD: usize = 32;

#[cfg(test)]
mod tests;
