//! The modes that an SDK can be set to, and what is expected in each.

/// In the form that tells an app id from other names in `sw8`.
pub const APP_ID: &str = "demo123@53df7ad2afe8301";
/// What the pages say of themselves.
pub const APP_VERSION: &str = "2.4.1";
/// Where the RUM SDK's page is, which is its view's name.
pub const RUM_PAGE: &str = "/page";
/// Where SkyWalking's page is.
pub const SKYWALKING_PAGE: &str = "/skywalking";
/// Beyond ASCII and Latin-1: SkyWalking's client writes it as UTF-8.
pub const CART: &str = "/购物车";

/// A web SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// `@arms/rum-browser`
    Rum,
    /// `skywalking-client-js`
    SkyWalking,
}

impl Sdk {
    /// Its name in the registry.
    #[must_use]
    pub const fn package(self) -> &'static str {
        match self {
            Self::Rum => "@arms/rum-browser",
            Self::SkyWalking => "skywalking-client-js",
        }
    }

    /// Where its page is.
    #[must_use]
    pub const fn page(self) -> &'static str {
        match self {
            Self::Rum => RUM_PAGE,
            Self::SkyWalking => SKYWALKING_PAGE,
        }
    }
}

/// What the headers tell of app, session and user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// All of it.
    Everything,
    /// The app.
    AppId,
    /// Nothing of it.
    Nothing,
}

/// One setting of an SDK.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// What its row is called.
    pub name: &'static str,
    /// Of which SDK.
    pub sdk: Sdk,
    /// Whether CI runs it.
    pub quick: bool,
    /// The RUM SDK's `propagatorTypes`.
    pub propagators: &'static [&'static str],
    /// Whether the SDK samples.
    pub sampled: bool,
    /// The RUM SDK's option of this name.
    pub tracestate: bool,
    /// The RUM SDK's option of this name.
    pub baggage: bool,
    /// The RUM SDK's `pid`.
    pub app_id: Option<&'static str>,
    /// The RUM SDK writes 1.0.0 if the app says none.
    pub app_version: Option<&'static str>,
    /// `user.id` in the RUM SDK's options.
    pub user: Option<&'static str>,
    /// The page's name in SkyWalking's options.
    pub page_path: &'static str,
    /// The first segment of the URLs' path.
    pub collection: &'static str,
    /// The headers that must be sent; none if the SDK leaves such a URL alone.
    pub sends: &'static [&'static str],
    /// What they must tell.
    pub tells: Tells,
    /// The case in `tests/data/captures` that sent the same.
    pub capture: Option<&'static str>,
    /// What there is to know about it, for the table.
    pub note: &'static str,
}

const RUM: Mode = Mode {
    name: "",
    sdk: Sdk::Rum,
    quick: false,
    propagators: &["tracecontext"],
    sampled: true,
    tracestate: true,
    baggage: false,
    app_id: Some(APP_ID),
    app_version: Some(APP_VERSION),
    user: None,
    page_path: "",
    collection: "items",
    sends: &["traceparent", "tracestate"],
    tells: Tells::Everything,
    capture: None,
    note: "",
};

const SW8: Mode = Mode {
    propagators: &["sw8"],
    sends: &["sw8"],
    tells: Tells::AppId,
    ..RUM
};

const SKYWALKING: Mode = Mode {
    sdk: Sdk::SkyWalking,
    sends: &["sw8"],
    tells: Tells::Nothing,
    app_version: Some("v1.0.0"),
    page_path: "/cart/index.html",
    ..RUM
};

/// All of them.
pub const MODES: [Mode; 20] = [
    Mode {
        name: "tracecontext",
        quick: true,
        capture: Some("w3c"),
        ..RUM
    },
    Mode {
        name: "tracecontext, unsampled",
        sampled: false,
        capture: Some("unsampled"),
        ..RUM
    },
    Mode {
        name: "tracecontext, no tracestate",
        tracestate: false,
        sends: &["traceparent"],
        tells: Tells::Nothing,
        capture: Some("w3c_nostate"),
        ..RUM
    },
    Mode {
        name: "tracecontext, baggage",
        baggage: true,
        sends: &["traceparent", "tracestate", "baggage"],
        capture: Some("w3c_baggage"),
        ..RUM
    },
    Mode {
        name: "tracecontext, baggage, no tracestate",
        tracestate: false,
        baggage: true,
        sends: &["traceparent", "baggage"],
        ..RUM
    },
    Mode {
        name: "tracecontext, no app id",
        app_id: None,
        capture: Some("nopid"),
        ..RUM
    },
    Mode {
        name: "tracecontext, user.id in the options",
        user: Some("ada"),
        capture: Some("w3c"),
        note: "the SDK keeps its own uid_… in the headers and in its report",
        ..RUM
    },
    Mode {
        name: "tracecontext, URL with \"rum\" in it",
        collection: "forum",
        sends: &[],
        tells: Tells::Nothing,
        note: "the SDK takes it for its own endpoint and sends no header: a trace of our own",
        ..RUM
    },
    Mode {
        name: "b3",
        propagators: &["b3"],
        sends: &["b3"],
        tells: Tells::Nothing,
        capture: Some("b3"),
        ..RUM
    },
    Mode {
        name: "b3, unsampled",
        propagators: &["b3"],
        sampled: false,
        sends: &["b3"],
        tells: Tells::Nothing,
        ..RUM
    },
    Mode {
        name: "b3, baggage",
        propagators: &["b3"],
        baggage: true,
        sends: &["b3", "baggage"],
        ..RUM
    },
    Mode {
        name: "b3multi",
        propagators: &["b3multi"],
        sends: &["x-b3-traceid", "x-b3-spanid", "x-b3-sampled"],
        tells: Tells::Nothing,
        capture: Some("b3multi"),
        ..RUM
    },
    Mode {
        name: "jaeger",
        propagators: &["jaeger"],
        sends: &["uber-trace-id"],
        tells: Tells::Nothing,
        capture: Some("jaeger"),
        ..RUM
    },
    Mode {
        name: "tracecontext, b3 and jaeger",
        propagators: &["tracecontext", "b3", "jaeger"],
        sends: &["traceparent", "tracestate", "b3", "uber-trace-id"],
        capture: Some("many"),
        ..RUM
    },
    Mode {
        name: "sw8",
        quick: true,
        capture: Some("sw8"),
        ..SW8
    },
    Mode {
        name: "sw8, unsampled",
        sampled: false,
        capture: Some("sw8_unsampled"),
        ..SW8
    },
    Mode {
        name: "sw8, baggage",
        baggage: true,
        sends: &["sw8", "baggage"],
        tells: Tells::Everything,
        note: "the baggage tells session and user",
        ..SW8
    },
    Mode {
        name: "sw8, tracecontext and b3, no version",
        propagators: &["tracecontext", "sw8", "b3"],
        app_version: None,
        capture: Some("noversion"),
        note: "with sw8 in the list, the SDK sends no other carrier",
        ..SW8
    },
    Mode {
        name: "default",
        quick: true,
        capture: Some("swclient"),
        ..SKYWALKING
    },
    Mode {
        name: "page name beyond ASCII",
        page_path: CART,
        ..SKYWALKING
    },
];

impl Mode {
    /// Whether the SDK sends a trace at all.
    #[must_use]
    pub const fn traced(&self) -> bool {
        !self.sends.is_empty()
    }
}
