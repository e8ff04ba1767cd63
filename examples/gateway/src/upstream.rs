//! Where the requests go.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// The one upstream: `http://host:port`, or `h2c://host:port` if it speaks HTTP/2
/// without TLS from the first byte on, as gRPC services do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    authority: Authority,
    pub(crate) is_http2: bool,
}

impl Upstream {
    /// The URL of a request to it.
    pub(crate) fn url(&self, target: &Uri) -> Result<Uri, http::Error> {
        let target = target
            .path_and_query()
            .filter(|target| target.as_str() != "*");
        let root = PathAndQuery::from_static("/");
        Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(target.cloned().unwrap_or(root))
            .build()
    }
}

impl FromStr for Upstream {
    type Err = InvalidUpstream;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidUpstream(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(invalid)?;
        let is_http2 = match scheme {
            "http" => false,
            "h2c" => true,
            _ => return Err(invalid()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        Ok(Upstream {
            authority: authority.parse().map_err(|_| invalid())?,
            is_http2,
        })
    }
}

/// What is no upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidUpstream(String);

impl fmt::Display for InvalidUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no upstream: give http://host:port, or h2c://host:port for HTTP/2, without a path",
            self.0
        )
    }
}

impl std::error::Error for InvalidUpstream {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_and_what_is_none() {
        let table = [
            ("http://127.0.0.1:8080", Some(false)),
            ("http://stock.internal/", Some(false)),
            ("h2c://[::1]:50051", Some(true)),
            ("https://stock.internal", None),
            ("stock.internal:80", None),
            ("http://", None),
            ("http://stock.internal/path", None),
        ];
        for (text, is_http2) in table {
            let upstream = text.parse::<Upstream>().ok();
            assert_eq!(
                upstream.map(|upstream| upstream.is_http2),
                is_http2,
                "{text}"
            );
        }
    }

    #[test]
    fn the_target_is_kept_and_nothing_else() {
        let upstream: Upstream = "h2c://stock.internal:81".parse().expect("an upstream");
        let table = [
            (
                "/items/42?a=%20b",
                "http://stock.internal:81/items/42?a=%20b",
            ),
            ("http://evil.example/x", "http://stock.internal:81/x"),
            ("*", "http://stock.internal:81/"),
        ];
        for (target, url) in table {
            let target: Uri = target.parse().expect("a URI");
            assert_eq!(upstream.url(&target).expect("a URL").to_string(), url);
        }
    }
}
