//! Values that must never be printed.

use std::fmt;

/// A text that is used but never shown: a token, a header value, an endpoint
/// as it was given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The text itself. Call it only where the value is used, never where
    /// something is formatted.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Takes our own secrets out of text that a collector or a proxy wrote: an
/// error page may quote the request's path or its credentials.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// Foreign text is cut after this many characters.
    const MAX_CHARS: usize = 200;
    /// Shorter values are no secrets, and taking them out would make holes in
    /// ordinary words.
    const MIN_SECRET: usize = 6;

    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut secrets: Vec<String> = secrets
            .into_iter()
            .filter(|secret| secret.len() >= Self::MIN_SECRET)
            .map(str::to_owned)
            .collect();
        // The longest first: one secret may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// One that knows these, too.
    pub(crate) fn with<'a>(&'a self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(self.secrets.iter().map(String::as_str).chain(secrets))
    }

    /// `text` on one line, cut, and without our secrets.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "[redacted]");
        }
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(Self::MAX_CHARS)
            .collect::<String>()
            .trim()
            .to_owned()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("s3cret-token")), "[redacted]");
    }

    #[test]
    fn foreign_text_loses_our_secrets_and_its_line_breaks() {
        let redactor = Redactor::new(["token-1234", "/adapt_token-1234_x/api"]);
        assert_eq!(
            redactor.clean("no route\nfor /adapt_token-1234_x/api (token-1234)\r\n"),
            "no route for [redacted] ([redacted])"
        );
    }

    #[test]
    fn foreign_text_is_cut() {
        assert_eq!(
            Redactor::default()
                .clean(&"ä".repeat(5_000))
                .chars()
                .count(),
            200
        );
    }

    #[test]
    fn short_values_are_left_alone() {
        assert_eq!(Redactor::new(["api"]).clean("rapid"), "rapid");
    }
}
