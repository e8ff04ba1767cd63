//! What a request's client tells of its app, session and user.

use std::fmt;
use std::sync::Arc;

use opentelemetry::{Context, KeyValue, StringValue, Value};
use rum_trace_propagation::rum::{RumField, RumSource as WireSource};
use rum_trace_propagation::{RumFields, Sw8};

use crate::inbound::Inbound;
use crate::limits;
use crate::semconv;

/// What the client tells of app, session and user: the fields of the RUM
/// members, whichever header they came in.
///
/// Cheap to clone (one reference count). Every value is what the client
/// claimed: it identifies, it does not authenticate. Values are cut to 256
/// bytes and hold no control characters.
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
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RumContext {
    fields: Option<Arc<[Option<Field>; RumKey::COUNT]>>,
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

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    text: Text,
    source: RumSource,
}

/// A field's text, shared between this context and the span's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    Static(&'static str),
    Shared(Arc<str>),
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
        cx.get::<Inbound>()
            .map(|inbound| inbound.rum.clone())
            .unwrap_or_default()
    }

    /// One field, if the client told it.
    #[must_use]
    pub fn get(&self, key: RumKey) -> Option<&str> {
        self.field(key).map(|field| field.text.as_str())
    }

    /// Where a field was read.
    #[must_use]
    pub fn source(&self, key: RumKey) -> Option<RumSource> {
        self.field(key).map(|field| field.source)
    }

    /// True if the client told nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_none()
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

    fn field(&self, key: RumKey) -> Option<&Field> {
        self.fields.as_ref()?.get(key as usize)?.as_ref()
    }

    /// Takes the fields from the wire, within the limits. The second value
    /// counts those that were over a limit and had to be cut.
    pub(crate) fn from_wire(wire: RumFields<'_>, sw8: Option<&Sw8>) -> (Self, u32) {
        let app_id = sw8.and_then(Sw8::app_id);
        if wire.is_empty() && app_id.is_none() {
            return (RumContext::default(), 0);
        }
        let mut over_limit = 0;
        let mut take = |field: Option<RumField<'_>>| {
            field.and_then(|field| Field::from_wire(&field, &mut over_limit))
        };
        // In the order of RumKey.
        let mut fields = [
            take(wire.app_id),
            take(wire.app_type),
            take(wire.app_version),
            take(wire.channel),
            take(wire.sdk_version),
            take(wire.session_id),
            take(wire.user_id),
            take(wire.version),
        ];
        if fields[RumKey::AppId as usize].is_none() {
            fields[RumKey::AppId as usize] =
                app_id.and_then(|id| Field::new(id, RumSource::Sw8, &mut over_limit));
        }
        let told = fields.iter().any(Option::is_some);
        (
            RumContext {
                fields: told.then(|| Arc::new(fields)),
            },
            over_limit,
        )
    }

    /// How many attributes [`push_attributes`](Self::push_attributes) adds at most.
    pub(crate) fn len(&self) -> usize {
        self.fields
            .as_ref()
            .map_or(0, |fields| fields.iter().flatten().count())
    }

    pub(crate) fn push_attributes(&self, attributes: &mut Vec<KeyValue>) {
        for key in RumKey::ALL {
            if let Some(field) = self.field(key) {
                attributes.push(KeyValue::new(key.attribute(), field.text.to_value()));
            }
        }
    }
}

impl fmt::Debug for RumContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = RumKey::ALL
            .iter()
            .filter_map(|&key| Some((key.attribute(), self.get(key)?)));
        f.write_str("RumContext ")?;
        f.debug_map().entries(told).finish()
    }
}

impl Field {
    fn from_wire(field: &RumField<'_>, over_limit: &mut u32) -> Option<Self> {
        let source = match field.source() {
            WireSource::Rum => RumSource::Rum,
            WireSource::AlibabaCloudRum => RumSource::AlibabaCloudRum,
            // The enum may grow; every other place is baggage today.
            _ => RumSource::Baggage,
        };
        Field::new(field.value(), source, over_limit)
    }

    fn new(text: &str, source: RumSource, over_limit: &mut u32) -> Option<Self> {
        let (text, cut) = limits::field(text, limits::MAX_RUM_FIELD);
        *over_limit += u32::from(cut);
        (!text.is_empty()).then(|| Field {
            text: Text::new(&text),
            source,
        })
    }
}

impl Text {
    /// The values that nearly every request has cost no allocation.
    const KNOWN: [&'static str; 9] = [
        "v2",
        "browser",
        "android",
        "ios",
        "uniapp",
        "miniapp",
        "web",
        "harmonyos",
        "APK",
    ];

    fn new(text: &str) -> Self {
        match Self::KNOWN.iter().find(|known| **known == text) {
            Some(known) => Text::Static(known),
            None => Text::Shared(Arc::from(text)),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Text::Static(text) => text,
            Text::Shared(text) => text,
        }
    }

    fn to_value(&self) -> Value {
        Value::String(match self {
            Text::Static(text) => StringValue::from(*text),
            Text::Shared(text) => StringValue::from(text.clone()),
        })
    }
}
