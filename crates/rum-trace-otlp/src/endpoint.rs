//! The address of the collector, which may be a secret.

use std::fmt;

use http::Uri;
use http::uri::{PathAndQuery, Scheme};

use crate::error::{PipelineError, Setting};
use crate::protocol::Protocol;

/// OTLP/HTTP's path for traces below a base endpoint.
const TRACES_PATH: &str = "/v1/traces";

/// A checked address. Managed services put the credential into the path, so
/// printing one shows scheme, host and port only.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    uri: Uri,
}

impl Endpoint {
    /// A base endpoint: for HTTP the path of the traces signal is appended.
    pub(crate) fn base(
        setting: Setting,
        url: &str,
        protocol: Protocol,
    ) -> Result<Self, PipelineError> {
        let endpoint = Self::whole(setting, url, protocol)?;
        match protocol {
            Protocol::Grpc => Ok(endpoint),
            Protocol::HttpProtobuf => endpoint.append_traces_path(setting),
        }
    }

    /// An endpoint that is taken as it stands.
    pub(crate) fn whole(
        setting: Setting,
        url: &str,
        protocol: Protocol,
    ) -> Result<Self, PipelineError> {
        let uri = parse(url).map_err(|problem| PipelineError::invalid(setting, problem))?;
        let endpoint = Self { uri };
        if protocol == Protocol::Grpc && endpoint.has_path() {
            return Err(PipelineError::invalid(
                setting,
                "a gRPC endpoint has no path: give scheme, host and port only \
                 (http://collector:4317), or use the protocol http/protobuf",
            ));
        }
        Ok(endpoint)
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// The parts that must not show up anywhere: the whole path and query,
    /// and each piece of them, also of a managed service's `adapt_x_y`.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        let path = self.path_and_query();
        if path == TRACES_PATH {
            return Vec::new();
        }
        const PIECES: [char; 4] = ['/', '?', '&', '='];
        std::iter::once(path)
            .chain(path.split(PIECES))
            .chain(path.split(PIECES).flat_map(|piece| piece.split('_')))
            .filter(|part| !matches!(*part, "" | "/" | "v1" | "api" | "otlp" | "traces"))
            .collect()
    }

    fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    fn has_path(&self) -> bool {
        self.path_and_query() != "/"
    }

    fn append_traces_path(self, setting: Setting) -> Result<Self, PipelineError> {
        let base = self.uri.path().trim_end_matches('/');
        let query = self
            .uri
            .query()
            .map(|q| format!("?{q}"))
            .unwrap_or_default();
        let path = format!("{base}{TRACES_PATH}{query}");
        let mut parts = self.uri.into_parts();
        parts.path_and_query = Some(
            PathAndQuery::try_from(path)
                .map_err(|_| PipelineError::invalid(setting, "the path is not valid"))?,
        );
        let uri = Uri::from_parts(parts)
            .map_err(|_| PipelineError::invalid(setting, "the URL is not valid"))?;
        Ok(Self { uri })
    }
}

/// The problem is in words of ours: `http`'s error types hold no text of the
/// URL today, but nothing promises that.
fn parse(url: &str) -> Result<Uri, &'static str> {
    const SHAPE: &str = "not a URL of the form http://host:port/path or https://host:port/path";
    let uri: Uri = url.trim().parse().map_err(|_| SHAPE)?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        Some(_) => return Err("the scheme must be http or https"),
        None => return Err("the URL must begin with http:// or https://"),
    }
    let authority = uri.authority().ok_or(SHAPE)?;
    if authority.as_str().contains('@') {
        return Err("user and password in the URL are not supported; \
                    use `header(\"authorization\", …)`");
    }
    if authority.host().is_empty() {
        return Err(SHAPE);
    }
    if authority.as_str().ends_with(':')
        || (has_port(authority.as_str()) && authority.port_u16().is_none())
    {
        return Err("the port must be a number from 1 to 65535");
    }
    Ok(uri)
}

/// Whether text follows the host: a colon outside of the brackets of IPv6.
fn has_port(authority: &str) -> bool {
    authority
        .rsplit_once(']')
        .map_or(authority, |(_, rest)| rest)
        .contains(':')
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or("http");
        let authority = self.uri.authority().map_or("", |a| a.as_str());
        let path = match self.path_and_query() {
            "/" => "/",
            TRACES_PATH => TRACES_PATH,
            _ => "/…",
        };
        write!(f, "{scheme}://{authority}{path}")
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTING: Setting = Setting::Code("endpoint");
    const HTTP: Protocol = Protocol::HttpProtobuf;

    #[test]
    fn the_traces_path_is_appended_to_a_base() {
        let cases = [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("https://c.example/otlp", "https://c.example/otlp/v1/traces"),
            (
                "https://c.example/otlp/",
                "https://c.example/otlp/v1/traces",
            ),
            ("http://c/a?x=1", "http://c/a/v1/traces?x=1"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ];
        for (given, wanted) in cases {
            let endpoint = Endpoint::base(SETTING, given, HTTP).unwrap();
            assert_eq!(endpoint.uri().to_string(), wanted, "{given}");
        }
    }

    #[test]
    fn a_whole_endpoint_is_taken_as_it_stands() {
        for url in [
            "http://c/adapt_a_b/api/otlp/traces",
            "http://c/",
            "http://c/x/",
        ] {
            let endpoint = Endpoint::whole(SETTING, url, HTTP).unwrap();
            assert_eq!(endpoint.uri().to_string(), url);
        }
    }

    #[test]
    fn only_scheme_host_and_port_are_printed() {
        let cases = [
            (
                "https://c.example:443/adapt_secret/api/otlp/traces",
                "https://c.example:443/…",
            ),
            ("https://c.example/?key=secret", "https://c.example/…"),
            (
                "http://localhost:4318/v1/traces",
                "http://localhost:4318/v1/traces",
            ),
            ("http://localhost:4318", "http://localhost:4318/"),
        ];
        for (given, wanted) in cases {
            let endpoint = Endpoint::whole(SETTING, given, HTTP).unwrap();
            assert_eq!(
                format!("{endpoint} {endpoint:?}"),
                format!("{wanted} {wanted}")
            );
        }
    }

    #[test]
    fn a_bad_url_is_an_error_that_does_not_print_it() {
        let cases = [
            "adapt_secret",
            "ftp://c.example/adapt_secret",
            "http:///adapt_secret",
            "http://adapt_secret:hunter2@c.example/",
            "http://c.example:99999/adapt_secret",
            "http://c.example:/adapt_secret",
            "http://c .example/adapt_secret",
            "",
        ];
        for url in cases {
            let error = Endpoint::base(SETTING, url, HTTP).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                !text.contains("secret") && !text.contains("hunter2"),
                "{text}"
            );
            assert_eq!(error.setting(), Some(SETTING));
        }
    }

    #[test]
    fn grpc_takes_no_path() {
        assert!(Endpoint::base(SETTING, "http://c:4317/", Protocol::Grpc).is_ok());
        let error = Endpoint::whole(SETTING, "http://c:4317/v1/traces", Protocol::Grpc)
            .unwrap_err()
            .to_string();
        assert!(error.contains("http/protobuf"), "{error}");
    }

    #[test]
    fn the_secrets_are_the_path_and_its_parts() {
        let endpoint = Endpoint::whole(
            SETTING,
            "http://c/adapt_a@1_b@2/api/otlp/traces?k=xyz",
            HTTP,
        )
        .unwrap();
        let secrets = endpoint.secrets();
        for secret in [
            "adapt_a@1_b@2",
            "a@1",
            "b@2",
            "xyz",
            endpoint.path_and_query(),
        ] {
            assert!(secrets.contains(&secret), "{secret} in {secrets:?}");
        }
        assert!(!secrets.contains(&"traces"));
    }
}
