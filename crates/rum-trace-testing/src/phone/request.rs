//! One request of a phone.

/// A request as a phone sends it: the headers to put on it, and what the
/// service is expected to learn from them.
///
/// Made by [`Phone::tap`](crate::Phone::tap).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) trace_id: String,
    pub(crate) parent_span_id: String,
    pub(crate) sampled: bool,
    pub(crate) sw8_ids: Option<(String, String)>,
    pub(crate) told: Told,
}

/// What a client tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) rum_version: Option<String>,
    pub(crate) app_id: Option<String>,
    pub(crate) app_type: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) app_version: Option<String>,
    pub(crate) sdk_version: Option<String>,
    pub(crate) app_channel: Option<String>,
}

impl PhoneRequest {
    /// The method given to [`Phone::tap`](crate::Phone::tap).
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The URL given to [`Phone::tap`](crate::Phone::tap).
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, to be set with any HTTP client: names are lower case.
    ///
    /// A value may hold bytes beyond ASCII if the user id does; set it from
    /// its bytes (`HeaderValue::from_bytes`) then.
    ///
    /// ```
    /// let tap = rum_trace_testing::Phone::browser().tap("GET", "/cart");
    /// let names: Vec<_> = tap.headers().iter().map(|(name, _)| *name).collect();
    /// assert_eq!(names, ["traceparent", "tracestate"]);
    /// ```
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The value of one header; `None` if this request does not carry it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The trace id as OpenTelemetry sees it: 32 lower case hex digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// The id of the phone's span, the parent of the service's SERVER span:
    /// 16 lower case hex digits.
    #[must_use]
    pub fn parent_span_id(&self) -> &str {
        &self.parent_span_id
    }

    /// Whether the headers say that the phone's span is sampled.
    #[must_use]
    pub const fn sampled(&self) -> bool {
        self.sampled
    }

    /// The trace id in `sw8` by its literal text; `None` with W3C.
    #[must_use]
    pub fn sw8_trace_id(&self) -> Option<&str> {
        self.sw8_ids.as_ref().map(|(trace, _)| trace.as_str())
    }

    /// The parent segment's id in `sw8` by its literal text; `None` with W3C.
    #[must_use]
    pub fn sw8_segment_id(&self) -> Option<&str> {
        self.sw8_ids.as_ref().map(|(_, segment)| segment.as_str())
    }

    /// The version of the `rum` member (`v2`), if the headers tell it.
    #[must_use]
    pub fn rum_version(&self) -> Option<&str> {
        self.told.rum_version.as_deref()
    }

    /// The app's id (pid), if the headers tell it: native SDKs do not.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        self.told.app_id.as_deref()
    }

    /// The app's type in the products' spelling (`android`, `browser`, …), if
    /// the headers tell it: `sw8` by itself does not.
    #[must_use]
    pub fn app_type(&self) -> Option<&str> {
        self.told.app_type.as_deref()
    }

    /// The session, if the headers tell it: only a `rum` member or baggage do.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.told.session_id.as_deref()
    }

    /// The user, if the headers tell it: the documented form does not.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.told.user_id.as_deref()
    }

    /// The app's version, if a native SDK's member tells it.
    ///
    /// The web SDK writes it as the instance in `sw8`, where nothing says that
    /// it is one; it is not counted as told.
    #[must_use]
    pub fn app_version(&self) -> Option<&str> {
        self.told.app_version.as_deref()
    }

    /// The SDK's version, if a native SDK's member tells it.
    #[must_use]
    pub fn sdk_version(&self) -> Option<&str> {
        self.told.sdk_version.as_deref()
    }

    /// By what the request was sent (`APK`, `NSURLSession`, `Custom`), if a native
    /// SDK's member tells it.
    #[must_use]
    pub fn app_channel(&self) -> Option<&str> {
        self.told.app_channel.as_deref()
    }
}
