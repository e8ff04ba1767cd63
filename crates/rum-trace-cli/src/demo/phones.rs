//! Who taps, and on what.

use http::StatusCode;
use rum_trace_testing::{Phone, PhoneRequest};

/// The phones of the demo. Each keeps its session over all rounds.
#[derive(Debug)]
pub(crate) struct Phones {
    android: Phone,
    ios: Phone,
    browser: Phone,
    miniapp: Phone,
    uniapp: Phone,
}

/// One tap: a request, and what is to come of it.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    /// How the RUM product would name the phone's span.
    pub(crate) name: String,
    pub(crate) request: PhoneRequest,
    pub(crate) expected: Expected,
}

/// What a route does, if all goes as it should.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) status: StatusCode,
    pub(crate) calls_stock: bool,
}

/// A route of the shop, as the phones use it.
struct Route {
    method: &'static str,
    path: &'static str,
    expected: Expected,
}

impl Route {
    const fn new(
        method: &'static str,
        path: &'static str,
        status: StatusCode,
        calls_stock: bool,
    ) -> Self {
        let expected = Expected {
            status,
            calls_stock,
        };
        Self {
            method,
            path,
            expected,
        }
    }
}

const ITEM: Route = Route::new("GET", "/items/42", StatusCode::OK, true);
/// The slow one.
const DELIVERY: Route = Route::new("GET", "/items/42/delivery", StatusCode::OK, true);
/// The one that fails.
const ORDER: Route = Route::new("POST", "/orders", StatusCode::INTERNAL_SERVER_ERROR, true);
const SEARCH: Route = Route::new("GET", "/search?words=tea", StatusCode::OK, false);

impl Phones {
    pub(crate) fn new() -> Self {
        let of_the_shop = |phone: Phone| {
            phone
                .app_id("shopapp@18ff4c0a0d8fd8d")
                .app_label("Shop")
                .app_version("3.2.1")
                .host("shop.example.com")
                .view("/items")
        };
        Self {
            android: of_the_shop(Phone::android()),
            ios: of_the_shop(Phone::ios()),
            browser: of_the_shop(Phone::browser()),
            miniapp: of_the_shop(Phone::miniapp()),
            uniapp: of_the_shop(Phone::uniapp()),
        }
    }

    /// The taps of one round, each with new ids.
    pub(crate) fn round(&self, shop: &str) -> Vec<Tap> {
        let Self {
            android,
            ios,
            browser,
            miniapp,
            uniapp,
        } = self;
        let script = [
            ("android", android.clone(), ITEM),
            ("android", android.clone().sw8(), ORDER),
            ("ios", ios.clone(), DELIVERY),
            ("ios", ios.clone().sw8(), SEARCH),
            ("browser", browser.clone(), ITEM),
            ("browser", browser.clone().sw8(), DELIVERY),
            ("browser", browser.clone().with_baggage(), ORDER),
            ("browser", browser.clone().sampled(false), ITEM),
            ("miniapp", miniapp.clone(), ITEM),
            ("miniapp", miniapp.clone().sw8(), SEARCH),
            ("uniapp", uniapp.clone(), SEARCH),
            ("uniapp", uniapp.clone().sw8(), ITEM),
        ];
        script
            .into_iter()
            .map(|(kind, phone, route)| Tap::new(kind, &phone, shop, &route))
            .collect()
    }
}

impl Tap {
    fn new(kind: &str, phone: &Phone, shop: &str, route: &Route) -> Self {
        let url = format!("{shop}{}", route.path);
        Self {
            // So the product names them; of uni-app no name is documented, and
            // it follows the others here.
            name: format!("{kind}.request:{url}"),
            request: phone.tap(route.method, url),
            expected: route.expected,
        }
    }

    /// By which headers the trace travels.
    pub(crate) fn protocol(&self) -> &'static str {
        match (self.request.header("sw8"), self.request.header("baggage")) {
            (Some(_), _) => "sw8",
            (None, Some(_)) => "W3C and baggage",
            (None, None) => "W3C",
        }
    }
}
