//! What RUM SDKs tell of app, session and user, in `tracestate` and `baggage`.
//!
//! Carrying a list on and knowing what stands in it are two things: a list with
//! an illegal member must not be carried on, but its RUM member is still read,
//! since a user id may hold any character that an app chose.

mod ids;

use std::borrow::Cow;
use std::fmt;

pub use self::ids::{id_of_entry, visit_ids, with_other_ids};

use crate::baggage;
use crate::text::{find, split, split_once, trim_ows};

/// The member that the web and uni-app SDKs send.
pub const RUM_KEY: &str = "rum";

/// The member that the Android and iOS SDKs send.
pub const ALIBABACLOUD_RUM_KEY: &str = "alibabacloud_rum";

/// Where a field was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RumSource {
    /// The `rum` member of `tracestate`.
    Rum,
    /// The `alibabacloud_rum` member of `tracestate`.
    AlibabaCloudRum,
    /// The RUM entries of `baggage`.
    Baggage,
}

impl RumSource {
    /// The name of the member or header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            RumSource::Rum => RUM_KEY,
            RumSource::AlibabaCloudRum => ALIBABACLOUD_RUM_KEY,
            RumSource::Baggage => "baggage",
        }
    }
}

/// A field and where it was read. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RumField<'a> {
    value: Cow<'a, str>,
    source: RumSource,
}

impl<'a> RumField<'a> {
    /// The field's text; what was not UTF-8 in it is replaced by U+FFFD.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The field's text, borrowed from the header where it can be.
    #[must_use]
    pub fn into_value(self) -> Cow<'a, str> {
        self.value
    }

    /// Where it was read.
    #[must_use]
    pub const fn source(&self) -> RumSource {
        self.source
    }
}

/// All that the headers of a request tell of its client.
///
/// ```
/// use rum_trace_propagation::RumFields;
///
/// let android: &[u8] = b"alibabacloud_rum=Android/2.3.2/5.0.1_APK";
/// let rum = RumFields::read([android], []);
/// assert_eq!(rum.app_type.unwrap().value(), "android");
/// assert_eq!(rum.app_version.unwrap().value(), "5.0.1");
/// assert!(rum.app_id.is_none()); // Android sends none
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RumFields<'a> {
    /// The RUM member's format version; `v2` is the only one seen so far.
    pub version: Option<RumField<'a>>,
    /// `browser`, `uniapp`, `android`, `ios`, or what else was sent.
    pub app_type: Option<RumField<'a>>,
    /// The app's id, called pid in the RUM product. Opaque.
    pub app_id: Option<RumField<'a>>,
    /// The session's id.
    pub session_id: Option<RumField<'a>>,
    /// The user's id; an app may set anything.
    pub user_id: Option<RumField<'a>>,
    /// The RUM SDK's version.
    pub sdk_version: Option<RumField<'a>>,
    /// The app's version.
    pub app_version: Option<RumField<'a>>,
    /// How the app was built or sends: `APK`, `NSURLSession`, `Custom`.
    pub channel: Option<RumField<'a>>,
}

impl<'a> RumFields<'a> {
    /// Reads the lines of `tracestate` and of `baggage`.
    ///
    /// Of several places that name the same field the first one of `rum`,
    /// `alibabacloud_rum` and `baggage` counts, field by field; of several
    /// members or entries with the same name, the first.
    pub fn read(
        tracestate: impl IntoIterator<Item = &'a [u8]>,
        baggage: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut fields = RumFields::default();
        visit(tracestate, baggage, |key, source, value| {
            let value = text(value);
            *fields.field(key) = Some(RumField { value, source });
        });
        fields
    }

    /// Whether the client told nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let fields = [
            &self.version,
            &self.app_type,
            &self.app_id,
            &self.session_id,
            &self.user_id,
            &self.sdk_version,
            &self.app_version,
            &self.channel,
        ];
        fields.iter().all(|field| field.is_none())
    }

    fn field(&mut self, key: RumFieldKey) -> &mut Option<RumField<'a>> {
        match key {
            RumFieldKey::Version => &mut self.version,
            RumFieldKey::AppType => &mut self.app_type,
            RumFieldKey::AppId => &mut self.app_id,
            RumFieldKey::SessionId => &mut self.session_id,
            RumFieldKey::UserId => &mut self.user_id,
            RumFieldKey::SdkVersion => &mut self.sdk_version,
            RumFieldKey::AppVersion => &mut self.app_version,
            RumFieldKey::Channel => &mut self.channel,
        }
    }
}

/// Which of the [`RumFields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RumFieldKey {
    /// [`RumFields::version`].
    Version,
    /// [`RumFields::app_type`].
    AppType,
    /// [`RumFields::app_id`].
    AppId,
    /// [`RumFields::session_id`].
    SessionId,
    /// [`RumFields::user_id`].
    UserId,
    /// [`RumFields::sdk_version`].
    SdkVersion,
    /// [`RumFields::app_version`].
    AppVersion,
    /// [`RumFields::channel`].
    Channel,
}

/// Shows what [`RumFields::read`] would keep, field by field and each at most
/// once, for whoever keeps it in a form of his own.
///
/// The value is never empty. It is what stands in the header, borrowed from
/// there where it can be; nobody has looked yet whether it is UTF-8.
///
/// ```
/// use rum_trace_propagation::rum::{self, RumFieldKey};
///
/// let mut session = None;
/// rum::visit([&b"rum=v2&browser&shop@1&4f04d2f5"[..]], [], |key, _, value| {
///     if key == RumFieldKey::SessionId {
///         session = Some(value);
///     }
/// });
/// assert_eq!(session.as_deref(), Some(&b"4f04d2f5"[..]));
/// ```
pub fn visit<'a>(
    tracestate: impl IntoIterator<Item = &'a [u8]>,
    baggage: impl IntoIterator<Item = &'a [u8]>,
    show: impl FnMut(RumFieldKey, RumSource, Cow<'a, [u8]>),
) {
    let mut visitor = Visitor { show, shown: 0 };
    let (rum, platform) = find_members(tracestate);
    if let Some(value) = rum {
        visitor.show_member(RumSource::Rum, &RUM_FIELDS, &split_fields(value));
    }
    if let Some(value) = platform {
        visitor.show_platform(value);
    }
    let mut baggage = baggage.into_iter();
    if let Some(line) = baggage.next() {
        visitor.show_baggage(std::iter::once(line).chain(baggage));
    }
}

/// The fields of a `rum` member, in the order in which they stand there.
const RUM_FIELDS: [RumFieldKey; 5] = [
    RumFieldKey::Version,
    RumFieldKey::AppType,
    RumFieldKey::AppId,
    RumFieldKey::SessionId,
    RumFieldKey::UserId,
];

/// Shows each field once, the first that says something.
struct Visitor<F> {
    show: F,
    /// A bit for each field that was shown.
    shown: u8,
}

impl<'a, F: FnMut(RumFieldKey, RumSource, Cow<'a, [u8]>)> Visitor<F> {
    // Into the loop that nearly all fields come from.
    #[inline(always)]
    fn show(&mut self, source: RumSource, key: RumFieldKey, value: Cow<'a, [u8]>) {
        let bit = 1_u8.wrapping_shl(key as u32);
        if self.shown & bit == 0 && says_something(&value) {
            self.shown |= bit;
            (self.show)(key, source, value);
        }
    }

    // A loop, and not all of it once for each field.
    #[inline(never)]
    fn show_member(&mut self, source: RumSource, keys: &[RumFieldKey], values: &[&'a [u8]]) {
        for (key, value) in keys.iter().zip(values) {
            self.show(source, *key, Cow::Borrowed(value));
        }
    }

    // Rare: kept out of the way of what most requests run.
    #[inline(never)]
    fn show_platform(&mut self, value: &'a [u8]) {
        let [platform, sdk_version, app_version, channel] = platform_fields(value);
        let keys = [
            RumFieldKey::AppType,
            RumFieldKey::SdkVersion,
            RumFieldKey::AppVersion,
            RumFieldKey::Channel,
        ];
        let values = [product_name(platform), sdk_version, app_version, channel];
        self.show_member(RumSource::AlibabaCloudRum, &keys, &values);
    }

    #[inline(never)]
    fn show_baggage(&mut self, lines: impl IntoIterator<Item = &'a [u8]>) {
        for (key, value) in RUM_FIELDS.into_iter().zip(first_entries(lines)) {
            let value = match value.unwrap_or_default() {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            };
            self.show(RumSource::Baggage, key, value);
        }
    }
}

/// A literal `undefined`, as the web SDK writes it, and an empty field say nothing.
fn says_something(value: &[u8]) -> bool {
    !value.is_empty() && value != b"undefined"
}

/// The platforms as the RUM product writes them in its own data.
fn product_name(platform: &[u8]) -> &[u8] {
    match platform {
        b"Android" => b"android",
        b"iOS" => b"ios",
        _ => platform,
    }
}

/// The values of the first `rum` and the first `alibabacloud_rum` member.
fn find_members<'a>(
    tracestate: impl IntoIterator<Item = &'a [u8]>,
) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    let (mut rum, mut platform) = (None, None);
    for line in tracestate {
        for member in split(line, b',') {
            let Some((key, value)) = split_once(trim_ows(member), b'=') else {
                continue;
            };
            if key == RUM_KEY.as_bytes() {
                rum = rum.or(Some(value));
            } else if key == ALIBABACLOUD_RUM_KEY.as_bytes() {
                platform = platform.or(Some(value));
            }
        }
    }
    (rum, platform)
}

/// What the first baggage entry of each RUM key says: version, app type, app,
/// session, user.
fn first_entries<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> [Option<Cow<'a, str>>; 5] {
    let mut found = [const { None }; 5];
    for entry in lines.into_iter().flat_map(baggage::entries).flatten() {
        let [version, app_type, app_id, session_id, user_id] = &mut found;
        let first = match entry.key() {
            "rum" => version,
            "appType" => app_type,
            "pid" => app_id,
            "sid" => session_id,
            "uid" => user_id,
            _ => continue,
        };
        first.get_or_insert_with(|| entry.into_value());
    }
    found
}

/// A field of a member, as text.
fn field(value: &[u8]) -> Option<Cow<'_, str>> {
    says_something(value).then(|| String::from_utf8_lossy(value))
}

/// The same text, with U+FFFD for what is no UTF-8.
fn text(value: Cow<'_, [u8]>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(value) => String::from_utf8_lossy(value),
        // Of baggage, decoded: it is text already.
        Cow::Owned(value) => Cow::Owned(String::from_utf8(value).unwrap_or_default()),
    }
}

/// The value of the `rum` member: `{version}&{appType}&{pid}&{sessionId}`, and
/// by the SDKs of today `&{userId}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RumMember<'a> {
    version: Option<Cow<'a, str>>,
    app_type: Option<Cow<'a, str>>,
    app_id: Option<Cow<'a, str>>,
    session_id: Option<Cow<'a, str>>,
    user_id: Option<Cow<'a, str>>,
}

impl<'a> RumMember<'a> {
    /// Reads what is there; fields may be missing, unknown versions and app
    /// types are kept. A user id keeps its `&`s.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Self {
        let [version, app_type, app_id, session_id, user_id] = split_fields(value).map(field);
        RumMember {
            version,
            app_type,
            app_id,
            session_id,
            user_id,
        }
    }

    /// `v2`.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// `browser`, `uniapp`, or what else was sent.
    #[must_use]
    pub fn app_type(&self) -> Option<&str> {
        self.app_type.as_deref()
    }

    /// The app's id.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        self.app_id.as_deref()
    }

    /// The session's id.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// The user's id.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }
}

/// What stands before each of the first four `&`s, and the rest.
fn split_fields(mut value: &[u8]) -> [&[u8]; 5] {
    let mut fields = [&b""[..]; 5];
    let [first @ .., last] = &mut fields;
    for field in first {
        let at = find(b'&', value);
        let found = at.and_then(|at| value.split_at_checked(at));
        let (before, behind) = found.unwrap_or((value, b""));
        *field = before;
        value = behind.get(1..).unwrap_or_default();
    }
    *last = value;
    fields
}

/// Prints four fields, or five if there is a user id; an absent one is empty.
impl fmt::Display for RumMember<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &Option<Cow<'_, str>>| field.as_deref().unwrap_or("").to_owned();
        let [version, app_type, app_id, session_id] = [
            &self.version,
            &self.app_type,
            &self.app_id,
            &self.session_id,
        ]
        .map(text);
        write!(f, "{version}&{app_type}&{app_id}&{session_id}")?;
        match &self.user_id {
            None => Ok(()),
            Some(user_id) => write!(f, "&{user_id}"),
        }
    }
}

/// The value of the `alibabacloud_rum` member:
/// `{platform}/{sdkVersion}/{appVersion}_{channel}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformMember<'a> {
    platform: Option<Cow<'a, str>>,
    sdk_version: Option<Cow<'a, str>>,
    app_version: Option<Cow<'a, str>>,
    channel: Option<Cow<'a, str>>,
}

impl<'a> PlatformMember<'a> {
    /// Reads what is there; fields may be missing. The app version ends at the
    /// last underscore.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Self {
        let [platform, sdk_version, app_version, channel] = platform_fields(value).map(field);
        PlatformMember {
            platform,
            sdk_version,
            app_version,
            channel,
        }
    }

    /// `Android` or `iOS`, as sent.
    #[must_use]
    pub fn platform(&self) -> Option<&str> {
        self.platform.as_deref()
    }

    /// The RUM SDK's version.
    #[must_use]
    pub fn sdk_version(&self) -> Option<&str> {
        self.sdk_version.as_deref()
    }

    /// The app's version.
    #[must_use]
    pub fn app_version(&self) -> Option<&str> {
        self.app_version.as_deref()
    }

    /// `APK`, `NSURLSession`, `Custom`.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        self.channel.as_deref()
    }
}

/// The parts of an `alibabacloud_rum` member; of those that are missing, nothing.
fn platform_fields(value: &[u8]) -> [&[u8]; 4] {
    let mut fields = value.splitn(3, |byte| *byte == b'/');
    let mut next = || fields.next().unwrap_or_default();
    let (platform, sdk_version, app) = (next(), next(), next());
    let (app_version, channel) = rsplit_underscore(app).unwrap_or((app, b""));
    [platform, sdk_version, app_version, channel]
}

fn rsplit_underscore(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value.iter().rposition(|byte| *byte == b'_')?;
    let (version, rest) = value.split_at_checked(at)?;
    Some((version, rest.get(1..)?))
}
