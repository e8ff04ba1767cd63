//! HTTP methods, kept low in number.

use std::borrow::Cow;

use opentelemetry::{StringValue, Value};

/// The methods known by default: those of RFC 9110, PATCH (RFC 5789) and QUERY.
const KNOWN: [&str; 10] = [
    "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "QUERY",
];

/// A request's method as the conventions want it. Methods are case-sensitive.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Known(Known),
    /// Known because the builder was told so.
    Listed(&'static str),
    Other,
}

/// By its place in [`KNOWN`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known(u8);

impl Known {
    fn name(self) -> &'static str {
        KNOWN[usize::from(self.0)]
    }
}

impl Method {
    /// How many kinds of methods have span names that can be kept: the known
    /// ones and all others as one.
    pub(crate) const KINDS: usize = KNOWN.len() + 1;

    pub(crate) fn kind(self) -> Option<usize> {
        match self {
            Method::Known(Known(place)) => Some(usize::from(place)),
            Method::Other => Some(KNOWN.len()),
            Method::Listed(_) => None,
        }
    }

    pub(crate) fn of(method: &str, listed: &[&'static str]) -> Self {
        let place = |known: &&str| *known == method;
        if let Some(place) = KNOWN.iter().position(place) {
            return Method::Known(Known(place as u8));
        }
        match listed.iter().find(|listed| **listed == method) {
            Some(listed) => Method::Listed(listed),
            None => Method::Other,
        }
    }

    /// The value of `http.request.method`.
    pub(crate) fn to_value(self) -> Value {
        Value::String(StringValue::from(self.as_str()))
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Method::Known(known) => known.name(),
            Method::Listed(listed) => listed,
            Method::Other => "_OTHER",
        }
    }

    /// `{method} {route}`, or `{method}` without a route; never the path. An
    /// unknown method is called `HTTP` in names.
    pub(crate) fn span_name(self, route: Option<&str>) -> Cow<'static, str> {
        let name = match self {
            Method::Known(known) => known.name(),
            Method::Listed(listed) => listed,
            Method::Other => "HTTP",
        };
        match (route, self) {
            (Some(route), _) => Cow::Owned([name, " ", route].concat()),
            (None, Method::Known(known)) => Cow::Borrowed(known.name()),
            (None, Method::Other) => Cow::Borrowed("HTTP"),
            (None, Method::Listed(listed)) => Cow::Borrowed(listed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        let listed = ["PURGE"];
        let table = [
            ("GET", Some("/users/{id}"), "GET /users/{id}", "GET"),
            ("GET", None, "GET", "GET"),
            ("QUERY", None, "QUERY", "QUERY"),
            ("PURGE", Some("/cache"), "PURGE /cache", "PURGE"),
            ("PURGE", None, "PURGE", "PURGE"),
            ("get", Some("/users/{id}"), "HTTP /users/{id}", "_OTHER"),
            ("BREW", None, "HTTP", "_OTHER"),
            ("", None, "HTTP", "_OTHER"),
        ];
        for (method, route, name, value) in table {
            let method = Method::of(method, &listed);
            assert_eq!(method.span_name(route), name);
            assert_eq!(method.to_value(), Value::from(value));
        }
    }
}
