//! What is asked: the URL, and the addresses of the same service further in.

use std::net::IpAddr;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use rustls::pki_types::{DnsName, ServerName};

use crate::terminal::escape::for_terminal;

/// One address at which the service can be reached.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) name: String,
    pub(crate) uri: Uri,
}

/// What the URL itself is called among its hops.
const OUTERMOST: &str = "url";

impl Hop {
    /// The URL, and then the hops from outside in.
    pub(crate) fn all(url: &str, hops: &[String]) -> Result<Vec<Self>, String> {
        let outermost = Hop {
            name: OUTERMOST.to_owned(),
            uri: parse(url)?,
        };
        let mut all = vec![outermost];
        for hop in hops {
            let hop = Hop::of(hop, &all)?;
            all.push(hop);
        }
        Ok(all)
    }

    fn of(text: &str, further_out: &[Hop]) -> Result<Self, String> {
        let shown = for_terminal(text.as_bytes());
        let Some((name, url)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(format!(
                "'{shown}' is no hop: give it as NAME=URL, as 'pod=http://10.1.4.2:8080'"
            ));
        };
        if further_out.iter().any(|hop| hop.name == name) {
            return Err(format!(
                "two hops are called '{}'",
                for_terminal(name.as_bytes())
            ));
        }
        let outermost = further_out.first().and_then(|hop| hop.uri.path_and_query());
        Ok(Hop {
            name: name.to_owned(),
            uri: with_path(parse(url)?, outermost)?,
        })
    }

    /// For a person, and without the query, which may hold a secret.
    pub(crate) fn shown(&self) -> String {
        let uri = &self.uri;
        let host = uri.authority().map_or("", Authority::as_str);
        let query = if uri.query().is_some() { "?…" } else { "" };
        let scheme = uri.scheme_str().unwrap_or_default();
        for_terminal(format!("{scheme}://{host}{}{query}", uri.path()).as_bytes())
    }
}

/// The name of the outermost: gateways further in choose by it, too.
pub(crate) fn host(hops: &[Hop]) -> Result<HeaderValue, String> {
    let uri = hops.first().map(|hop| &hop.uri);
    let host = uri.and_then(Uri::host).unwrap_or_default();
    let usual = match uri.and_then(Uri::scheme_str) {
        Some("https") => 443,
        _ => 80,
    };
    let port = uri.and_then(Uri::port_u16).filter(|port| *port != usual);
    let text = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    HeaderValue::from_str(&text).map_err(|error| error.to_string())
}

/// The names that TLS asks for where they are not those of the URLs: of a hop that is
/// given by its IP address the outermost's. No certificate has such an address.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsNames {
    hops: Vec<Authority>,
    name: Option<DnsName<'static>>,
}

impl TlsNames {
    pub(crate) fn of(hops: &[Hop]) -> Self {
        let host = hops.first().and_then(|hop| hop.uri.host());
        let name = host.and_then(|host| DnsName::try_from(host.to_owned()).ok());
        let further_in = hops.iter().skip(1);
        let by_address = further_in.filter(|hop| is_ip(&hop.uri));
        TlsNames {
            hops: by_address
                .filter_map(|hop| hop.uri.authority().cloned())
                .collect(),
            name,
        }
    }

    /// `None` where it is the URL's own.
    pub(crate) fn of_uri(&self, uri: &Uri) -> Option<ServerName<'static>> {
        let is_hop = self.hops.iter().any(|hop| Some(hop) == uri.authority());
        let name = self.name.clone().filter(|_| is_hop)?;
        Some(ServerName::DnsName(name))
    }
}

fn is_ip(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().is_ok()
}

/// An absolute URL of HTTP. Its text is in no error: it may hold credentials.
pub(crate) fn parse(url: &str) -> Result<Uri, String> {
    let (url, _) = url.split_once('#').unwrap_or((url, ""));
    let uri: Uri = url
        .parse()
        .map_err(|error| format!("the URL cannot be read: {error}"))?;
    let is_http = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
    if !is_http || uri.host().is_none_or(str::is_empty) {
        return Err("a URL is wanted that begins with http:// or https://".to_owned());
    }
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(
            "credentials in a URL are not sent: give them as --header 'authorization: …'"
                .to_owned(),
        );
    }
    Ok(uri)
}

fn with_path(uri: Uri, path: Option<&PathAndQuery>) -> Result<Uri, String> {
    let (true, Some(path)) = (uri.path() == "/" && uri.query().is_none(), path) else {
        return Ok(uri);
    };
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(path.clone());
    Uri::from_parts(parts).map_err(|error| format!("the URL of a hop cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(url: &str, hops: &[&str]) -> Result<Vec<String>, String> {
        let hops: Vec<String> = hops.iter().map(ToString::to_string).collect();
        let all = Hop::all(url, &hops)?;
        Ok(all
            .iter()
            .map(|hop| format!("{} {}", hop.name, hop.uri))
            .collect())
    }

    #[test]
    fn a_hop_is_asked_for_what_the_url_is() {
        let hops = [
            "a=http://10.0.0.1",
            "b=http://b:81/other",
            "c=http://[::1]:82/",
        ];
        let expected = [
            "url https://shop.example/cart?a=1",
            "a http://10.0.0.1/cart?a=1",
            "b http://b:81/other",
            "c http://[::1]:82/cart?a=1",
        ];
        assert_eq!(
            urls("https://shop.example/cart?a=1#top", &hops).unwrap(),
            expected
        );
    }

    #[test]
    fn what_cannot_be_asked_is_refused_in_words() {
        for (url, hops, word) in [
            ("shop.example", &[][..], "http://"),
            ("/cart", &[], "http://"),
            ("ftp://shop.example/", &[], "http://"),
            ("http://", &[], "cannot be read"),
            ("http://user:secret@shop.example/", &[], "--header"),
            ("http://a/", &["http://b/"], "NAME=URL"),
            ("http://a/", &["=http://b/"], "NAME=URL"),
            ("http://a/", &["b=b"], "http://"),
            ("http://a/", &["url=http://b/"], "two hops"),
            ("http://a/", &["b=http://b/", "b=http://c/"], "two hops"),
        ] {
            let error = urls(url, hops).unwrap_err();
            assert!(error.contains(word), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn hops_are_asked_by_the_outermosts_name() {
        for (url, name) in [
            ("https://shop.example/cart", "shop.example"),
            ("https://shop.example:443/", "shop.example"),
            ("https://shop.example:80/", "shop.example:80"),
            ("http://shop.example:8080/", "shop.example:8080"),
            ("http://[::1]:81/", "[::1]:81"),
        ] {
            let hops = Hop::all(url, &["pod=http://10.1.4.2:8080".to_owned()]).unwrap();
            assert_eq!(host(&hops).unwrap(), name);
        }
    }

    #[test]
    fn an_address_has_no_certificate_of_its_own() {
        let hops = [
            "ip=https://10.0.0.7",
            "v6=https://[fd00::7]:8443/x",
            "name=https://ingress.internal",
        ];
        let hops: Vec<String> = hops.iter().map(ToString::to_string).collect();
        let names = |url: &str| {
            let hops = Hop::all(url, &hops).unwrap();
            let names = TlsNames::of(&hops);
            let name = |hop: &Hop| Some(names.of_uri(&hop.uri)?.to_str().into_owned());
            hops.iter().map(name).collect::<Vec<_>>()
        };
        let shop = Some("shop.example".to_owned());
        let expected = [None, shop.clone(), shop, None];
        assert_eq!(names("https://shop.example/cart"), expected);
        assert_eq!(names("https://10.0.0.1/cart"), [None, None, None, None]);
    }

    #[test]
    fn a_query_is_not_shown() {
        let hops = Hop::all("https://shop.example/cart?key=secret", &[]).unwrap();
        assert_eq!(hops[0].shown(), "https://shop.example/cart?…");
    }
}
