//! What a request's client tells of its app, session and user.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

use opentelemetry::{Context, StringValue};
use rum_trace_propagation::Sw8;
use rum_trace_propagation::rum::{self, RumFieldKey as WireKey, RumSource as WireSource};

use crate::inbound::Inbound;
use crate::privacy::{Hiding, Shown};
use crate::semconv;
use crate::tracer::SpanSink;
use crate::{intern, limits};

/// What the client tells of app, session and user: the fields of the RUM
/// members, whichever header they came in.
///
/// Every value is what the client claimed: it identifies, it does not
/// authenticate. Values are cut to 256 bytes and hold no control characters; session
/// and user are as [`Privacy`](crate::Privacy) lets them be, by default as told. A
/// clone is a copy of all of them, in one allocation.
///
/// It is in the request's OpenTelemetry [`Context`], so that code under the
/// handler finds it too:
///
/// ```
/// use rum_trace_core::RumContext;
///
/// fn audit() -> String {
///     let rum = RumContext::current();
///     format!("session {}", rum.session_id().unwrap_or("unknown"))
/// }
/// assert_eq!(audit(), "session unknown");
/// ```
#[derive(Clone, Default)]
pub struct RumContext {
    /// The list that is carried on, of which most fields are parts; then those
    /// that are no part of it: from baggage, from `sw8`, or cleaned.
    text: Box<str>,
    list: usize,
    fields: [Option<Field>; RumKey::COUNT],
    /// Made when it is first asked for: most services never do.
    session: OnceLock<Arc<str>>,
}

/// The fields of a [`RumContext`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RumKey {
    /// The app's id in the RUM product, called pid there: `rum.app.id`.
    AppId,
    /// `browser`, `uniapp`, `android`, `ios`, …: `rum.app.type`.
    AppType,
    /// The app's own version: `rum.app.version`.
    AppVersion,
    /// How the app was built or how it sends: `APK`, `NSURLSession`, …: `rum.app.channel`.
    AppChannel,
    /// The RUM SDK's version: `rum.sdk.version`.
    SdkVersion,
    /// The session, 32 hex digits by default: `session.id`.
    SessionId,
    /// The user, whatever the app set: `user.id`.
    UserId,
    /// The RUM member's format version, `v2`: `rum.version`.
    Version,
}

/// Where a field of a [`RumContext`] was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RumSource {
    /// The `rum` member of `tracestate`.
    Rum,
    /// The `alibabacloud_rum` member of `tracestate`.
    AlibabaCloudRum,
    /// The RUM entries of `baggage`.
    Baggage,
    /// The service name in `sw8`, where it has an app id's form.
    Sw8,
}

/// A part of the text. Small: eight of them are moved about with each request.
#[derive(Clone, Copy, Debug)]
struct Field {
    start: u16,
    /// One less than the length: none is empty, and none is over the limit.
    len_less_one: u8,
    source: RumSource,
}

const _: () = assert!(limits::MAX_RUM_FIELD <= 1 + u8::MAX as usize);

impl Field {
    fn range(self) -> Range<usize> {
        let start = usize::from(self.start);
        start..start + usize::from(self.len_less_one) + 1
    }
}

impl RumKey {
    const COUNT: usize = 8;

    /// All of them, in the order in which they are written to a span.
    pub const ALL: [RumKey; RumKey::COUNT] = [
        RumKey::AppId,
        RumKey::AppType,
        RumKey::AppVersion,
        RumKey::AppChannel,
        RumKey::SdkVersion,
        RumKey::SessionId,
        RumKey::UserId,
        RumKey::Version,
    ];

    /// The span attribute that holds it, for example `rum.app.id`.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            RumKey::AppId => semconv::RUM_APP_ID,
            RumKey::AppType => semconv::RUM_APP_TYPE,
            RumKey::AppVersion => semconv::RUM_APP_VERSION,
            RumKey::AppChannel => semconv::RUM_APP_CHANNEL,
            RumKey::SdkVersion => semconv::RUM_SDK_VERSION,
            RumKey::SessionId => semconv::SESSION_ID,
            RumKey::UserId => semconv::USER_ID,
            RumKey::Version => semconv::RUM_VERSION,
        }
    }
}

impl RumContext {
    /// What the client of the current request told, as known to the current
    /// OpenTelemetry context; empty outside of a request.
    #[must_use]
    pub fn current() -> Self {
        Context::map_current(Self::from_context)
    }

    /// The same for a given OpenTelemetry context.
    #[must_use]
    pub fn from_context(cx: &Context) -> Self {
        Self::in_context(cx).clone()
    }

    /// The same without a copy, for processors and samplers.
    ///
    /// ```
    /// use opentelemetry::Context;
    /// use rum_trace_core::RumContext;
    ///
    /// assert_eq!(RumContext::in_context(&Context::current()).user_id(), None);
    /// ```
    #[must_use]
    pub fn in_context(cx: &Context) -> &Self {
        static NOTHING: LazyLock<RumContext> = LazyLock::new(RumContext::default);
        let inbound = cx.get::<Inbound>();
        inbound.map_or_else(|| &*NOTHING, |inbound| &inbound.rum)
    }

    /// One field of the request's [`RumContext`], as the value of an attribute that
    /// many spans or log records of the request are to have: all that ask for the
    /// session share one copy of it, and apps, their types and versions have mostly
    /// been copied already. For processors and samplers.
    ///
    /// ```
    /// use opentelemetry::Context;
    /// use rum_trace_core::{RumContext, RumKey};
    ///
    /// let session = Context::map_current(|cx| RumContext::shared_value(cx, RumKey::SessionId));
    /// assert_eq!(session, None); // not in a request
    /// ```
    #[must_use]
    pub fn shared_value(cx: &Context, key: RumKey) -> Option<StringValue> {
        let rum = Self::in_context(cx);
        let text = rum.get(key)?;
        Some(match key {
            RumKey::SessionId => {
                let shared = rum.session.get_or_init(|| Arc::from(text));
                StringValue::from(Arc::clone(shared))
            }
            key => key.text_value(text),
        })
    }

    /// One field, if the client told it.
    #[must_use]
    pub fn get(&self, key: RumKey) -> Option<&str> {
        self.text(self.field(key)?)
    }

    /// Where a field was read.
    #[must_use]
    pub fn source(&self, key: RumKey) -> Option<RumSource> {
        Some(self.field(key)?.source)
    }

    /// True if the client told nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.iter().all(Option::is_none)
    }

    /// The app's id, called pid in the RUM product. Android and iOS send none.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        self.get(RumKey::AppId)
    }

    /// `browser`, `uniapp`, `android`, `ios`, or what else the client sent.
    #[must_use]
    pub fn app_type(&self) -> Option<&str> {
        self.get(RumKey::AppType)
    }

    /// The app's own version.
    #[must_use]
    pub fn app_version(&self) -> Option<&str> {
        self.get(RumKey::AppVersion)
    }

    /// The RUM SDK's version.
    #[must_use]
    pub fn sdk_version(&self) -> Option<&str> {
        self.get(RumKey::SdkVersion)
    }

    /// The session's id.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.get(RumKey::SessionId)
    }

    /// The user's id, as set by the app.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.get(RumKey::UserId)
    }

    /// The RUM member's format version.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.get(RumKey::Version)
    }

    /// The `tracestate` list that is carried on, RUM members included; empty
    /// if there is none.
    pub(crate) fn list(&self) -> &str {
        self.text.get(..self.list).unwrap_or_default()
    }

    /// The same without a list to carry on; the fields stay.
    pub(crate) fn without_list(mut self) -> Self {
        self.list = 0;
        self
    }

    /// Takes the fields from the wire, within the limits, and the list that is
    /// carried on. The second value counts the fields that were over a limit
    /// and had to be cut.
    #[inline(never)]
    pub(crate) fn from_wire<'a>(
        tracestate: impl IntoIterator<Item = &'a [u8]>,
        baggage: impl IntoIterator<Item = &'a [u8]>,
        sw8: Option<&Sw8>,
        list: &str,
        hiding: Option<&Hiding<'_>>,
    ) -> (Self, u32) {
        let mut reader = Reader::new(list);
        match hiding {
            None => rum::visit(tracestate, baggage, |key, source, value| {
                reader.take(key, source, &value);
            }),
            Some(hiding) => reader.read_hiding(hiding, tracestate, baggage),
        }
        if reader.field(RumKey::AppId).is_none() {
            if let Some(app_id) = sw8.and_then(Sw8::app_id) {
                reader.copy_text(RumKey::AppId, app_id, RumSource::Sw8);
            }
        }
        let rum = RumContext {
            text: reader.text.into_boxed_str(),
            list: list.len(),
            fields: reader.fields,
            session: OnceLock::new(),
        };
        (rum, reader.over_limit)
    }

    /// How many attributes [`describe`](Self::describe) tells.
    pub(crate) fn len(&self) -> usize {
        self.fields.iter().flatten().count()
    }

    pub(crate) fn describe(&self, sink: &mut dyn SpanSink) {
        for (key, field) in RumKey::ALL.iter().zip(&self.fields) {
            let Some(text) = field.and_then(|field| self.text(field)) else {
                continue;
            };
            match key {
                RumKey::SessionId | RumKey::UserId => sink.text(key.attribute(), text),
                _ => sink.common_text(key.attribute(), text),
            }
        }
    }

    fn field(&self, key: RumKey) -> Option<Field> {
        *self.fields.get(key as usize)?
    }

    fn text(&self, field: Field) -> Option<&str> {
        self.text.get(field.range())
    }
}

impl PartialEq for RumContext {
    fn eq(&self, other: &Self) -> bool {
        let same = |key| self.get(key) == other.get(key) && self.source(key) == other.source(key);
        RumKey::ALL.into_iter().all(same)
    }
}

impl Eq for RumContext {}

impl fmt::Debug for RumContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = RumKey::ALL
            .iter()
            .filter_map(|&key| Some((key.attribute(), self.get(key)?)));
        f.write_str("RumContext ")?;
        f.debug_map().entries(told).finish()
    }
}

/// Fields on their way from the wire.
struct Reader<'a> {
    list: &'a str,
    text: String,
    fields: [Option<Field>; RumKey::COUNT],
    over_limit: u32,
}

impl<'a> Reader<'a> {
    fn new(list: &'a str) -> Self {
        Reader {
            list,
            text: list.to_owned(),
            fields: [None; RumKey::COUNT],
            over_limit: 0,
        }
    }

    fn field(&self, key: RumKey) -> Option<Field> {
        *self.fields.get(key as usize)?
    }

    fn take(&mut self, key: WireKey, source: WireSource, value: &[u8]) {
        if let Some(key) = RumKey::of(key) {
            self.keep(key, RumSource::of(source), value);
        }
    }

    /// By itself, so that what hides nothing does not carry its code.
    #[inline(never)]
    fn read_hiding<'b>(
        &mut self,
        hiding: &Hiding<'_>,
        tracestate: impl IntoIterator<Item = &'b [u8]>,
        baggage: impl IntoIterator<Item = &'b [u8]>,
    ) {
        rum::visit(tracestate, baggage, |key, source, value| {
            if let Some(key) = RumKey::of(key) {
                self.show(
                    hiding.shown(key, &value),
                    key,
                    RumSource::of(source),
                    &value,
                );
            }
        });
    }

    #[inline(never)]
    fn show(&mut self, shown: Shown, key: RumKey, source: RumSource, value: &[u8]) {
        match shown {
            Shown::AsItIs => self.keep(key, source, value),
            Shown::Hashed(hash) => self.copy(key, hash.as_str().as_bytes(), source),
            Shown::Nothing => {}
        }
    }

    #[inline(always)]
    fn keep(&mut self, key: RumKey, source: RumSource, value: &[u8]) {
        // What is in a legal list is printable ASCII.
        if let Some(start) = self.place_in_list(value) {
            let kept = value.len().min(limits::MAX_RUM_FIELD);
            self.over_limit += u32::from(kept < value.len());
            return self.put(key, start, kept, source);
        }
        self.copy(key, value, source);
    }

    #[inline(never)]
    fn copy(&mut self, key: RumKey, value: &[u8], source: RumSource) {
        self.copy_text(key, &String::from_utf8_lossy(value), source);
    }

    fn copy_text(&mut self, key: RumKey, text: &str, source: RumSource) {
        let (text, cut) = limits::field(text, limits::MAX_RUM_FIELD);
        self.over_limit += u32::from(cut);
        let start = self.text.len();
        self.text.push_str(&text);
        self.put(key, start, text.len(), source);
    }

    fn put(&mut self, key: RumKey, start: usize, len: usize, source: RumSource) {
        // A list has 16 KiB at most, and all fields together 2 KiB.
        let Ok(start) = u16::try_from(start) else {
            return;
        };
        let len_less_one = len.checked_sub(1).and_then(|len| u8::try_from(len).ok());
        self.fields[key as usize] = len_less_one.map(|len_less_one| Field {
            start,
            len_less_one,
            source,
        });
    }

    /// Where the value is a part of the list's own memory.
    fn place_in_list(&self, value: &[u8]) -> Option<usize> {
        let start = (value.as_ptr() as usize).checked_sub(self.list.as_ptr() as usize)?;
        (start + value.len() <= self.list.len()).then_some(start)
    }
}

impl RumSource {
    /// The member or header, by its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            RumSource::Rum => "rum",
            RumSource::AlibabaCloudRum => "alibabacloud_rum",
            RumSource::Baggage => "baggage",
            RumSource::Sw8 => "sw8",
        }
    }

    fn of(source: WireSource) -> Self {
        match source {
            WireSource::Rum => RumSource::Rum,
            WireSource::AlibabaCloudRum => RumSource::AlibabaCloudRum,
            // The enum may grow; every other place is baggage today.
            _ => RumSource::Baggage,
        }
    }
}

impl RumKey {
    /// `None` for what the wire may tell one day.
    pub(crate) fn of(key: WireKey) -> Option<Self> {
        Some(match key {
            WireKey::AppId => RumKey::AppId,
            WireKey::AppType => RumKey::AppType,
            WireKey::AppVersion => RumKey::AppVersion,
            WireKey::Channel => RumKey::AppChannel,
            WireKey::SdkVersion => RumKey::SdkVersion,
            WireKey::SessionId => RumKey::SessionId,
            WireKey::UserId => RumKey::UserId,
            WireKey::Version => RumKey::Version,
            _ => return None,
        })
    }

    /// Text that many requests share costs no allocation. Inlined: asked for each field
    /// of each span.
    #[inline(always)]
    fn text_value(self, text: &str) -> StringValue {
        let shared = match self {
            RumKey::SessionId | RumKey::UserId => None,
            _ => intern::app(text),
        };
        shared.map_or_else(|| StringValue::from(text.to_owned()), StringValue::from)
    }
}
