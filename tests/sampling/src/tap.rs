//! What clients send.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Tap {
    /// Its method.
    pub method: &'static str,
    /// Its path.
    pub path: String,
    /// Its headers, but for those of HTTP itself.
    pub headers: Vec<(String, String)>,
    /// Who sends it, where no socket tells.
    pub from: SocketAddr,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Tap {
    /// A GET of this path, from an address on the internet.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Tap {
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            from: (Ipv4Addr::new(203, 0, 113, 9), 40_000).into(),
        }
    }

    /// With another method.
    #[must_use]
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// From this address.
    #[must_use]
    pub fn from(mut self, address: impl Into<IpAddr>) -> Self {
        self.from = (address.into(), 40_000).into();
        self
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// In this trace, with the client's sampled flag.
    #[must_use]
    pub fn trace(self, id: u128, is_sampled: bool) -> Self {
        let flags = u8::from(is_sampled);
        let span = (id as u64) | 1;
        self.header(
            "traceparent",
            format!("00-{id:032x}-{span:016x}-{flags:02x}"),
        )
    }

    /// App, session and user, as the web SDK tells them in `tracestate`.
    #[must_use]
    pub fn rum(self, app: &str, session: &str, user: &str) -> Self {
        let member = format!("rum=v2&browser&{app}&{session}&{user}");
        self.header("tracestate", member)
    }

    /// The same in `baggage`.
    #[must_use]
    pub fn rum_in_baggage(self, app: &str, session: &str, user: &str) -> Self {
        let entries = format!("rum=v2,appType=browser,pid={app},sid={session},uid={user}");
        self.header("baggage", entries)
    }

    /// With the headers that a site says it sends on: see [`Site`](crate::Site).
    #[must_use]
    pub fn sent_on(mut self, told: &Answer) -> Self {
        let lines = told.body.lines();
        let pairs = lines.map(|line| line.split_once(": ").expect("a header"));
        self.headers
            .extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self
    }
}
