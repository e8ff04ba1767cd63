//! The request that follows a redirect.

use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, HOST,
    HeaderMap, HeaderName, HeaderValue, LOCATION, REFERER, TRANSFER_ENCODING,
};
use reqwest::{Method, Request, Response, StatusCode, Url};

use super::{Again, FollowRedirects, RedirectError};
use crate::headers;

/// What describes a body that is not sent again.
const OF_BODY: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
];

/// What a response asks for.
pub(super) struct Change {
    url: Url,
    method: NewMethod,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NewMethod {
    /// The same, with the body.
    Same,
    /// The same, without a body.
    SameWithoutBody,
    Get,
}

impl Change {
    /// Nothing, if the response is the answer.
    pub(super) fn asked_for(response: &Response, again: &Again) -> Option<Self> {
        let method = NewMethod::of(response.status(), again.request.method())?;
        if method == NewMethod::Same && again.is_body_lost {
            return None;
        }
        let location = response.headers().get(LOCATION)?;
        let url = resolve(again.request.url(), location)?;
        Some(Change { url, method })
    }

    pub(super) fn apply(
        self,
        mut request: Request,
        settings: &FollowRedirects,
    ) -> Result<Request, RedirectError> {
        if !matches!(self.url.scheme(), "http" | "https") {
            return Err(RedirectError::Scheme);
        }
        if self.method == NewMethod::Get {
            *request.method_mut() = Method::GET;
        }
        if self.method != NewMethod::Same {
            *request.body_mut() = None;
            remove_all(request.headers_mut(), OF_BODY);
        }
        if request.url().origin() != self.url.origin() {
            let headers = request.headers_mut();
            settings.defaults.remove_from(headers);
            headers.remove(HOST);
            headers::remove(headers);
        }
        if settings.referer {
            tell_referer(&mut request, &self.url);
        }
        *request.url_mut() = self.url;
        Ok(request)
    }
}

impl NewMethod {
    fn of(status: StatusCode, method: &Method) -> Option<Self> {
        Some(match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if *method == Method::POST => {
                NewMethod::Get
            }
            StatusCode::SEE_OTHER if *method == Method::HEAD => NewMethod::SameWithoutBody,
            StatusCode::SEE_OTHER => NewMethod::Get,
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => NewMethod::Same,
            _ => return None,
        })
    }
}

/// A `Location` without a fragment has the one before it (RFC 9110, §10.2.2).
fn resolve(from: &Url, location: &HeaderValue) -> Option<Url> {
    let location = std::str::from_utf8(location.as_bytes()).ok()?;
    let mut url = from.join(location).ok()?;
    if url.fragment().is_none() {
        url.set_fragment(from.fragment());
    }
    Some(url)
}

fn tell_referer(request: &mut Request, to: &Url) {
    let value = referer(request.url(), to);
    let headers = request.headers_mut();
    match value {
        Some(value) => headers.insert(REFERER, value),
        None => headers.remove(REFERER),
    };
}

/// Without credentials and fragment, and not where others can read it underway.
fn referer(from: &Url, to: &Url) -> Option<HeaderValue> {
    if from.scheme() == "https" && to.scheme() == "http" {
        return None;
    }
    let mut from = from.clone();
    from.set_username("").ok()?;
    from.set_password(None).ok()?;
    from.set_fragment(None);
    HeaderValue::from_str(from.as_str()).ok()
}

fn remove_all(headers: &mut HeaderMap, names: [HeaderName; 6]) {
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect(text)
    }

    #[test]
    fn methods() {
        use NewMethod::{Get, Same, SameWithoutBody};
        let table = [
            (301, "GET", Some(Same)),
            (301, "POST", Some(Get)),
            (302, "POST", Some(Get)),
            (302, "PUT", Some(Same)),
            (302, "HEAD", Some(Same)),
            (303, "GET", Some(Get)),
            (303, "POST", Some(Get)),
            (303, "DELETE", Some(Get)),
            (303, "HEAD", Some(SameWithoutBody)),
            (307, "POST", Some(Same)),
            (308, "PUT", Some(Same)),
            (200, "GET", None),
            (300, "GET", None),
            (304, "GET", None),
            (305, "GET", None),
            (404, "GET", None),
        ];
        for (status, method, expected) in table {
            let status = StatusCode::from_u16(status).expect("a status");
            let method = method.parse().expect("a method");
            assert_eq!(
                NewMethod::of(status, &method),
                expected,
                "{status} {method}"
            );
        }
    }

    #[test]
    fn where_it_leads() {
        let table: [(&str, &[u8], Option<&str>); 12] = [
            ("http://a/b/c?d#e", b"f", Some("http://a/b/f#e")),
            ("http://a/b/c", b"/f?g", Some("http://a/f?g")),
            ("http://a/b/c?d#e", b"#f", Some("http://a/b/c?d#f")),
            ("http://a/b", b"//other/x", Some("http://other/x")),
            ("https://a/b", b"//other:8443", Some("https://other:8443/")),
            ("http://a/b", b"http://other/#z", Some("http://other/#z")),
            ("http://a/b/c", b"../../../x", Some("http://a/x")),
            ("http://a/b", b"", Some("http://a/b")),
            ("http://a/b", "/\u{e9}".as_bytes(), Some("http://a/%C3%A9")),
            ("http://a/b", b"/\xff", None),
            ("http://a/b", b"http://", None),
            ("http://a/b", b"http://[::1", None),
        ];
        for (from, location, to) in table {
            let location = HeaderValue::from_bytes(location).expect("a value");
            let found = resolve(&url(from), &location);
            assert_eq!(found.as_ref().map(Url::as_str), to, "{from} {location:?}");
        }
    }

    #[test]
    fn what_the_next_one_is_told() {
        let table = [
            ("http://a/b#c", "http://d/", Some("http://a/b")),
            ("http://u:p@a/b?q", "http://a/", Some("http://a/b?q")),
            ("https://a/b", "https://d/", Some("https://a/b")),
            ("http://a/b", "https://d/", Some("http://a/b")),
            ("https://a/b", "http://a/", None),
        ];
        for (from, to, expected) in table {
            let value = referer(&url(from), &url(to));
            let value = value.as_ref().and_then(|value| value.to_str().ok());
            assert_eq!(value, expected, "{from} {to}");
        }
    }
}
