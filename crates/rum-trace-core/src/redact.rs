//! What a query string must not tell.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The parameters whose values the conventions want redacted by default in
/// `url.query`: credentials that pre-signed URLs carry.
const DEFAULT: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
];

const REDACTED: &str = "REDACTED";

/// The parameters whose values never reach a span.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryRedaction {
    further: Vec<Box<str>>,
}

impl QueryRedaction {
    pub(crate) fn add(&mut self, parameter: &str) {
        self.further.push(parameter.into());
    }

    /// The query with the values of listed parameters replaced; borrowed if
    /// there are none.
    pub(crate) fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        if !query.split('&').any(|pair| self.secret(pair).is_some()) {
            return Cow::Borrowed(query);
        }
        let mut kept = String::with_capacity(query.len());
        for (i, pair) in query.split('&').enumerate() {
            if i > 0 {
                kept.push('&');
            }
            match self.secret(pair) {
                Some(name) => kept.extend([name, "=", REDACTED]),
                None => kept.push_str(pair),
            }
        }
        Cow::Owned(kept)
    }

    /// A URL or a path with its query redacted, and without the credentials
    /// that may stand before its host.
    pub(crate) fn url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        let (url, query) = match url.split_once('?') {
            Some((head, query)) => (head, Some(query)),
            None => (url, None),
        };
        let head = without_credentials(url);
        match query {
            None => head,
            Some(query) => Cow::Owned(format!("{head}?{}", self.query(query))),
        }
    }

    /// The name in `name=value`, if the value must go. The name is compared as
    /// the server would read it, so that `%53ignature` is caught too.
    fn secret<'a>(&self, pair: &'a str) -> Option<&'a str> {
        let (name, _value) = pair.split_once('=')?;
        let decoded = percent_decode_str(name).decode_utf8_lossy();
        let listed = DEFAULT.contains(&&*decoded)
            || self.further.iter().any(|further| **further == *decoded);
        listed.then_some(name)
    }
}

/// `https://user:secret@host/path` as `https://REDACTED:REDACTED@host/path`.
fn without_credentials(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Cow::Borrowed(url);
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once('@') {
        None => Cow::Borrowed(url),
        Some((_, host)) => {
            let path = &rest[authority.len()..];
            Cow::Owned(format!("{scheme}://{REDACTED}:{REDACTED}@{host}{path}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_values_are_replaced_and_nothing_else() {
        let mut redaction = QueryRedaction::default();
        redaction.add("token");
        let table = [
            ("", ""),
            ("a=1&b=2", "a=1&b=2"),
            ("sig=abc", "sig=REDACTED"),
            (
                "a=1&X-Amz-Signature=abc&b",
                "a=1&X-Amz-Signature=REDACTED&b",
            ),
            ("token=t&Token=kept", "token=REDACTED&Token=kept"),
            ("%53ignature=abc", "%53ignature=REDACTED"),
            ("sig", "sig"),
            ("sig=a=b&sig=", "sig=REDACTED&sig=REDACTED"),
            ("signature=lower", "signature=lower"),
            ("&&=x&", "&&=x&"),
        ];
        for (query, expected) in table {
            assert_eq!(redaction.query(query), expected, "{query}");
        }
    }

    #[test]
    fn urls_lose_their_query_secrets_and_credentials() {
        let redaction = QueryRedaction::default();
        let table = [
            ("/page", "/page"),
            ("/page?x=1&sig=s", "/page?x=1&sig=REDACTED"),
            (
                "https://h.example/p?sig=s",
                "https://h.example/p?sig=REDACTED",
            ),
            (
                "https://u:p@h.example/p",
                "https://REDACTED:REDACTED@h.example/p",
            ),
            ("https://u@h.example", "https://REDACTED:REDACTED@h.example"),
            ("https://h.example/p@q", "https://h.example/p@q"),
            ("undefined", "undefined"),
        ];
        for (url, expected) in table {
            assert_eq!(redaction.url(url), expected, "{url}");
        }
    }
}
