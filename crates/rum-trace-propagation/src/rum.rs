//! What RUM SDKs tell of app, session and user, in `tracestate` and `baggage`.
//!
//! Carrying a list on and knowing what stands in it are two things: a list with
//! an illegal member must not be carried on, but its RUM member is still read,
//! since a user id may hold any character that an app chose.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

use crate::baggage;
use crate::text::{split, split_once, trim_ows};

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
        let (rum, platform) = find_members(tracestate);
        if let Some(value) = rum {
            fields.add_rum(RumMember::read(value));
        }
        if let Some(value) = platform {
            fields.add_platform(value);
        }
        let mut baggage = baggage.into_iter();
        if let Some(line) = baggage.next() {
            fields.add_baggage(std::iter::once(line).chain(baggage));
        }
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

    fn add_rum(&mut self, member: RumMember<'a>) {
        let source = RumSource::Rum;
        fill(&mut self.version, member.version, source);
        fill(&mut self.app_type, member.app_type, source);
        fill(&mut self.app_id, member.app_id, source);
        fill(&mut self.session_id, member.session_id, source);
        fill(&mut self.user_id, member.user_id, source);
    }

    // Rare: kept out of the way of what most requests run.
    #[inline(never)]
    fn add_platform(&mut self, value: &'a [u8]) {
        let member = PlatformMember::read(value);
        let source = RumSource::AlibabaCloudRum;
        fill(
            &mut self.app_type,
            member.platform.map(product_name),
            source,
        );
        fill(&mut self.sdk_version, member.sdk_version, source);
        fill(&mut self.app_version, member.app_version, source);
        fill(&mut self.channel, member.channel, source);
    }

    #[inline(never)]
    fn add_baggage(&mut self, lines: impl IntoIterator<Item = &'a [u8]>) {
        let source = RumSource::Baggage;
        let [version, app_type, app_id, session_id, user_id] = first_entries(lines);
        fill(&mut self.version, version, source);
        fill(&mut self.app_type, app_type, source);
        fill(&mut self.app_id, app_id, source);
        fill(&mut self.session_id, session_id, source);
        fill(&mut self.user_id, user_id, source);
    }
}

fn fill<'a>(field: &mut Option<RumField<'a>>, value: Option<Cow<'a, str>>, source: RumSource) {
    if field.is_none() {
        *field = value.map(|value| RumField { value, source });
    }
}

/// The platforms as the RUM product writes them in its own data.
fn product_name(platform: Cow<'_, str>) -> Cow<'_, str> {
    match &*platform {
        "Android" => Cow::Borrowed("android"),
        "iOS" => Cow::Borrowed("ios"),
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
    found.map(|value| value.and_then(present))
}

/// A literal `undefined`, as the web SDK writes it, and an empty field say nothing.
fn present(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!value.is_empty() && value != "undefined").then_some(value)
}

/// A field of a member.
fn field(bytes: Option<&[u8]>) -> Option<Cow<'_, str>> {
    present(String::from_utf8_lossy(bytes?))
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
        // Checked once for all fields: nearly all values are UTF-8.
        match std::str::from_utf8(value) {
            Ok(text) => RumMember::from_fields(split_fields(text).map(Cow::Borrowed)),
            Err(_) => {
                let mut fields = value.splitn(5, |byte| *byte == b'&');
                let next = |_| String::from_utf8_lossy(fields.next().unwrap_or_default());
                RumMember::from_fields([(); 5].map(next))
            }
        }
    }

    fn from_fields(fields: [Cow<'a, str>; 5]) -> Self {
        let [version, app_type, app_id, session_id, user_id] = fields.map(present);
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

/// The text up to each of the first four `&`s, and the rest.
fn split_fields(mut text: &str) -> [&str; 5] {
    let mut fields = [""; 5];
    let [first @ .., last] = &mut fields;
    for field in first {
        let at = memchr(b'&', text.as_bytes());
        let found = at.and_then(|at| text.split_at_checked(at));
        let (before, behind) = found.unwrap_or((text, ""));
        *field = before;
        text = behind.get(1..).unwrap_or_default();
    }
    *last = text;
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
        let mut fields = value.splitn(3, |byte| *byte == b'/');
        let (platform, sdk_version) = (field(fields.next()), field(fields.next()));
        let app = fields.next();
        let (app_version, channel) = match app.and_then(rsplit_underscore) {
            Some((version, channel)) => (Some(version), Some(channel)),
            None => (app, None),
        };
        let (app_version, channel) = (field(app_version), field(channel));
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

fn rsplit_underscore(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value.iter().rposition(|byte| *byte == b'_')?;
    let (version, rest) = value.split_at_checked(at)?;
    Some((version, rest.get(1..)?))
}
