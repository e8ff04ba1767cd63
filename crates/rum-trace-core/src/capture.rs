//! Header capture, from an explicit list.

use std::sync::Arc;

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use crate::verification::VERIFICATION_REQUEST_HEADER;
use crate::{BuildError, limits};

/// Headers that hold credentials, cookies, or what other rules of this crate
/// keep in check. They are captured only if forced by name.
const SENSITIVE: &[&str] = &[
    "api-key",
    "apikey",
    "authentication",
    "authentication-info",
    "authorization",
    "baggage",
    "cookie",
    "cookie2",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    // Holds whole URLs, in base64.
    "sw8",
    "sw8-correlation",
    "tracestate",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-forwarded-client-cert",
    "x-goog-api-key",
    "x-goog-iap-jwt-assertion",
    "x-xsrf-token",
    "www-authenticate",
];

/// Those that tell of session and user as the client sent it.
const WITH_IDS: [&str; 3] = ["baggage", "sw8-correlation", "tracestate"];

/// The headers of one direction that become span attributes.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderCapture {
    headers: Vec<Captured>,
}

#[derive(Clone, Debug)]
struct Captured {
    name: Box<str>,
    attribute: Key,
}

/// Which headers a list may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Force {
    No,
    Yes,
}

impl HeaderCapture {
    /// Adds a header; `prefix` is `http.request.header` or `http.response.header`.
    pub(crate) fn add(&mut self, prefix: &str, name: &str, force: Force) -> Result<(), BuildError> {
        let name = name.to_ascii_lowercase();
        if !is_token(&name) {
            return Err(BuildError::InvalidHeaderName { name });
        }
        if name == VERIFICATION_REQUEST_HEADER {
            return Err(BuildError::CapturedVerificationToken { name });
        }
        if force == Force::No && SENSITIVE.contains(&name.as_str()) {
            return Err(BuildError::SensitiveHeader { name });
        }
        if !self.headers.iter().any(|header| *header.name == name) {
            let attribute = Key::from(Arc::<str>::from(format!("{prefix}.{name}")));
            self.headers.push(Captured {
                name: name.into(),
                attribute,
            });
        }
        Ok(())
    }

    /// The first of the listed headers in which a client tells session and user.
    pub(crate) fn with_ids(&self) -> Option<&str> {
        let names = self.headers.iter().map(|header| &*header.name);
        let mut told = names.filter(|name| WITH_IDS.contains(name));
        told.next()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    /// Collects the listed headers: an attribute for each, an array of strings
    /// as the conventions want it, one string a line. The number tells how many
    /// lines were cut or left out.
    pub(crate) fn attributes<'a>(
        &self,
        for_each_header: impl FnOnce(&mut dyn FnMut(&'a str, &'a [u8])),
    ) -> (Vec<KeyValue>, u32) {
        let mut found: Vec<Vec<StringValue>> = vec![Vec::new(); self.headers.len()];
        let mut over_limit = 0;
        for_each_header(&mut |name, value| {
            let position = self
                .headers
                .iter()
                .position(|header| header.name.eq_ignore_ascii_case(name));
            let Some(lines) = position.and_then(|i| found.get_mut(i)) else {
                return;
            };
            if lines.len() == limits::MAX_LINES {
                over_limit += 1;
                return;
            }
            let value = String::from_utf8_lossy(value);
            let (value, cut) = limits::field(&value, limits::MAX_TEXT);
            over_limit += u32::from(cut);
            lines.push(StringValue::from(value.into_owned()));
        });
        let attribute = |(header, lines): (&Captured, Vec<StringValue>)| {
            let lines = Some(lines).filter(|lines| !lines.is_empty())?;
            let value = Value::Array(Array::String(lines));
            Some(KeyValue::new(header.attribute.clone(), value))
        };
        let attributes = self.headers.iter().zip(found).filter_map(attribute);
        (attributes.collect(), over_limit)
    }
}

/// A token, RFC 9110, §5.6.2: what header names and methods are made of.
pub(crate) fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}
