//! Phones: what real SDKs send.

mod base64;
mod client;
mod headers;
mod ids;
mod request;

use client::{Client, Protocol};
use ids::Ids;
pub use request::PhoneRequest;

/// A client with a RUM SDK. Each [`tap`](Self::tap) is one request with the
/// headers that the SDK would put on it.
///
/// The headers are written as the real SDKs write them, which is not always as
/// the vendor documents it:
///
/// | phone | W3C (default) | [`sw8`](Self::sw8) |
/// |---|---|---|
/// | [`browser`](Self::browser) | `traceparent`, `tracestate: rum=v2&browser&{app id}&{session}&{user}` | no other trace beside `sw8`: dashed UUIDs, app id, app version, view, the page's host |
/// | [`uniapp`](Self::uniapp) | the same with `uniapp` | not seen from the SDK: as the browser's |
/// | [`miniapp`](Self::miniapp) | not seen from the SDK: as documented, `rum=v2&miniapp&{app id}&{session}` | not seen from the SDK: as the browser's |
/// | [`android`](Self::android) | `traceparent`, `tracestate: alibabacloud_rum=Android/{SDK version}/{app version}_APK` | `sw8` with 32 and 16 hex digits, app label, app version, the request's full URL, `0.0.0.0`; the same `tracestate` beside it, without a `traceparent` |
/// | [`ios`](Self::ios) | `traceparent`, `tracestate: alibabacloud_rum=iOS/{SDK version}/{app version}_NSURLSession` | not seen from the SDK: Android's fields, without a `tracestate` |
///
/// [`as_documented`](Self::as_documented) gives the documented form instead.
/// Setters of what an SDK does not send change nothing. Values go out as they
/// are, unescaped, as the SDKs do it.
///
/// ```
/// use rum_trace_testing::Phone;
///
/// let phone = Phone::browser().app_id("shop@1f2e3d").session_id("s1").user_id("u1");
/// let tap = phone.tap("GET", "http://127.0.0.1:8080/cart");
/// assert_eq!(tap.header("tracestate"), Some("rum=v2&browser&shop@1f2e3d&s1&u1"));
/// assert_eq!(tap.session_id(), Some("s1"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a phone sends nothing by itself: call `tap`"]
pub struct Phone {
    client: Client,
    protocol: Protocol,
    sampled: bool,
    documented: bool,
    tracestate: bool,
    baggage: bool,
    custom_trace: bool,
    identity: Identity,
    ids: Ids,
}

/// Who the phone is; which of it is sent depends on the SDK and the protocol.
#[derive(Clone, Debug)]
struct Identity {
    app_id: Option<String>,
    session_id: Option<String>,
    user_id: Option<String>,
    app_version: String,
    sdk_version: String,
    app_label: String,
    view: Option<String>,
    host: String,
}

impl Phone {
    /// An Android app with SDK 2.3.2. It tells its platform and versions, never
    /// an app id or a session.
    pub fn android() -> Self {
        Self::new(Client::Android)
    }

    /// An iOS app with SDK 2.3.3. It tells its platform and versions, never an
    /// app id or a session.
    pub fn ios() -> Self {
        Self::new(Client::Ios)
    }

    /// A page with web SDK 0.0.37.
    pub fn browser() -> Self {
        Self::new(Client::Browser)
    }

    /// A mini program. No header of this SDK has been captured; the documented
    /// form is sent.
    pub fn miniapp() -> Self {
        Self::new(Client::MiniApp)
    }

    /// A uni-app application.
    pub fn uniapp() -> Self {
        Self::new(Client::UniApp)
    }

    fn new(client: Client) -> Self {
        Self {
            client,
            protocol: Protocol::W3c,
            sampled: true,
            documented: false,
            tracestate: true,
            baggage: false,
            custom_trace: false,
            identity: Identity {
                app_id: Some("phonetest@1a2b3c4d5e6f708".into()),
                session_id: None,
                user_id: None,
                app_version: "1.0.0".into(),
                sdk_version: client.sdk_version().into(),
                app_label: "phone-test".into(),
                view: Some("/home".into()),
                host: "www.example.com".into(),
            },
            ids: Ids::random(),
        }
    }

    /// Sends W3C `traceparent` and `tracestate`: the default.
    pub const fn w3c(mut self) -> Self {
        self.protocol = Protocol::W3c;
        self
    }

    /// Sends SkyWalking's `sw8`.
    pub const fn sw8(mut self) -> Self {
        self.protocol = Protocol::Sw8;
        self
    }

    /// Whether the phone's spans are sampled; by default they are.
    ///
    /// An unsampled request carries all of its headers too. (The Android SDK
    /// was only seen to write `1` in `sw8`; an unsampled one writes `0` here.)
    pub const fn sampled(mut self, sampled: bool) -> Self {
        self.sampled = sampled;
        self
    }

    /// Sends the form that the vendor documents, which the real SDKs differ
    /// from: `rum={version}&{app type}&{app id}&{session}` from every client,
    /// and `sw8` with nothing beside it.
    ///
    /// ```
    /// use rum_trace_testing::Phone;
    ///
    /// let tap = Phone::android().as_documented().app_id("shop@1f").session_id("s").tap("GET", "/");
    /// assert_eq!(tap.header("tracestate"), Some("rum=v2&android&shop@1f&s"));
    /// ```
    pub const fn as_documented(mut self) -> Self {
        self.documented = true;
        self
    }

    /// Leaves `tracestate` out, as the web SDK can be set to.
    pub const fn without_tracestate(mut self) -> Self {
        self.tracestate = false;
        self
    }

    /// Adds the `baggage` header that the web SDK sends when set to, beside
    /// `sw8` too: only from a browser.
    ///
    /// ```
    /// use rum_trace_testing::Phone;
    ///
    /// let tap = Phone::browser().sw8().with_baggage().session_id("s1").tap("GET", "/");
    /// assert!(tap.header("tracestate").is_none());
    /// assert_eq!(tap.session_id(), Some("s1"));
    /// ```
    pub const fn with_baggage(mut self) -> Self {
        self.baggage = true;
        self
    }

    /// Sends what the native SDKs' custom trace API gives: on Android the
    /// `sw8` segment is a decimal number, on iOS the channel is `Custom`.
    pub const fn custom_trace(mut self) -> Self {
        self.custom_trace = true;
        self
    }

    /// The app's id (pid), by default `phonetest@1a2b3c4d5e6f708`. Sent by all
    /// but native SDKs, which send it in the documented form only.
    pub fn app_id(mut self, id: impl Into<String>) -> Self {
        self.identity.app_id = Some(id.into());
        self
    }

    /// A page without an app id: the SDK writes the text `undefined`.
    pub fn without_app_id(mut self) -> Self {
        self.identity.app_id = None;
        self
    }

    /// The session, by default 32 hex digits of the phone's own. Sent wherever
    /// the app id is, but with `sw8` only in [`baggage`](Self::with_baggage).
    pub fn session_id(mut self, id: impl Into<String>) -> Self {
        self.identity.session_id = Some(id.into());
        self
    }

    /// The user, by default `uid_` and 16 characters of the phone's own. Sent by
    /// browsers and uni-app with W3C, and by browsers in
    /// [`baggage`](Self::with_baggage).
    pub fn user_id(mut self, id: impl Into<String>) -> Self {
        self.identity.user_id = Some(id.into());
        self
    }

    /// The app's version, by default `1.0.0`. Sent by native SDKs, and with `sw8`
    /// by all as the instance.
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.identity.app_version = version.into();
        self
    }

    /// The SDK's version, by default that of the release whose headers were
    /// read. Sent by native SDKs.
    pub fn sdk_version(mut self, version: impl Into<String>) -> Self {
        self.identity.sdk_version = version.into();
        self
    }

    /// The app's name, by default `phone-test`: the service in a native SDK's
    /// `sw8`.
    pub fn app_label(mut self, label: impl Into<String>) -> Self {
        self.identity.app_label = label.into();
        self
    }

    /// The view (page path), by default `/home`: the endpoint in a page's `sw8`.
    pub fn view(mut self, view: impl Into<String>) -> Self {
        self.identity.view = Some(view.into());
        self
    }

    /// A page without a view: the SDK writes the text `undefined`.
    pub fn without_view(mut self) -> Self {
        self.identity.view = None;
        self
    }

    /// The host of the PAGE (not of the request), by default
    /// `www.example.com`: the peer in a page's `sw8`.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.identity.host = host.into();
        self
    }

    /// Gives the same ids in the same order at every run. Without a seed they
    /// differ from phone to phone and from run to run.
    ///
    /// ```
    /// use rum_trace_testing::Phone;
    ///
    /// let tap = || Phone::browser().seed(1).tap("GET", "/");
    /// assert_eq!(tap(), tap());
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.ids = Ids::seeded(seed);
        self
    }

    /// One request: a tap on the phone's glass. Each has ids of its own.
    ///
    /// The URL is not fetched; the Android SDK writes it into `sw8` (`/` if it
    /// is empty).
    #[must_use = "put its headers on a request"]
    pub fn tap(&self, method: impl Into<String>, url: impl Into<String>) -> PhoneRequest {
        headers::write(self, method.into(), url.into())
    }

    /// A `GET` [`tap`](Self::tap).
    #[must_use = "put its headers on a request"]
    pub fn request(&self, url: impl Into<String>) -> PhoneRequest {
        self.tap("GET", url)
    }

    fn session(&self) -> String {
        let set = self.identity.session_id.clone();
        set.unwrap_or_else(|| self.ids.session())
    }

    fn user(&self) -> String {
        let set = self.identity.user_id.clone();
        set.unwrap_or_else(|| self.ids.user())
    }
}
