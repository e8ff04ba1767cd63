//! What differs from SDK to SDK.

/// The SDK that a phone plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Android,
    Ios,
    Browser,
    MiniApp,
    UniApp,
}

impl Client {
    /// The app type in the products' spelling, as it stands in `rum=`.
    pub(crate) const fn app_type(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Browser => "browser",
            Self::MiniApp => "miniapp",
            Self::UniApp => "uniapp",
        }
    }

    /// The SDK release whose headers were read.
    pub(crate) const fn sdk_version(self) -> &'static str {
        match self {
            Self::Android => "2.3.2",
            Self::Ios => "2.3.3",
            // Not sent by these; the web SDK's captures are of this release.
            Self::Browser | Self::MiniApp | Self::UniApp => "0.0.37",
        }
    }

    /// Native SDKs write `alibabacloud_rum=`, the others `rum=`.
    pub(crate) const fn platform(self) -> Option<&'static str> {
        match self {
            Self::Android => Some("Android"),
            Self::Ios => Some("iOS"),
            Self::Browser | Self::MiniApp | Self::UniApp => None,
        }
    }

    /// The last part of `alibabacloud_rum=`.
    pub(crate) const fn channel(self, custom_trace: bool) -> &'static str {
        match (self, custom_trace) {
            (Self::Ios, true) => "Custom",
            (Self::Ios, false) => "NSURLSession",
            _ => "APK",
        }
    }
}

/// The header family that a phone is set to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    W3c,
    Sw8,
}
