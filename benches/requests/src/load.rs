//! The requests: `GET /users/42` with host, user agent, peer address, and the
//! trace headers that a browser's RUM SDK sent.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use rum_trace_bench_harness::captures;

/// The path that is asked for.
pub const PATH: &str = "/users/42";
/// The route that it matches, on either framework.
pub const ROUTE: &str = "/users/{id}";
/// The `Host` header.
pub const HOST: &str = "shop.example.com:8080";
/// The `User-Agent` header.
pub const USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
/// The client's end of the connection.
pub const PEER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 5432);

/// How a request tells its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `traceparent`, and a `tracestate` whose one member is the RUM SDK's.
    W3c,
    /// SkyWalking's header.
    Sw8,
    /// Not at all.
    None,
}

/// The carrier of the requests, and whether their spans are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How the trace is told.
    pub carrier: Carrier,
    /// By the caller; without a carrier, by the sampler.
    pub sampled: bool,
}

impl Load {
    /// All of them.
    pub const ALL: [Load; 6] = [
        Load::new(Carrier::W3c, true),
        Load::new(Carrier::W3c, false),
        Load::new(Carrier::Sw8, true),
        Load::new(Carrier::Sw8, false),
        Load::new(Carrier::None, true),
        Load::new(Carrier::None, false),
    ];

    /// One of them.
    #[must_use]
    pub const fn new(carrier: Carrier, sampled: bool) -> Self {
        Load { carrier, sampled }
    }

    /// The headers of such a request.
    #[must_use]
    pub fn headers(self) -> Vec<(String, String)> {
        let usual = [("host", HOST), ("user-agent", USER_AGENT)];
        let usual = usual.map(|(name, value)| (name.to_owned(), value.to_owned()));
        usual.into_iter().chain(self.trace_headers()).collect()
    }

    fn trace_headers(self) -> Vec<(String, String)> {
        match (self.carrier, self.sampled) {
            (Carrier::W3c, true) => captures::browser("w3c_fetch"),
            (Carrier::W3c, false) => captures::browser("unsampled_fetch"),
            (Carrier::Sw8, true) => captures::browser("sw8_fetch"),
            (Carrier::Sw8, false) => captures::browser("sw8_unsampled_fetch"),
            (Carrier::None, _) => Vec::new(),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let carrier = match self.carrier {
            Carrier::W3c => "W3C",
            Carrier::Sw8 => "sw8",
            Carrier::None => "no carrier",
        };
        let sampled = if self.sampled { "sampled" } else { "unsampled" };
        write!(f, "{carrier}, {sampled}")
    }
}
