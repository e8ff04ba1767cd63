//! Query parameters: known ones, once each, within bounds.

use super::{Answer, ApiError};

/// The longest value, in bytes: as long as what phones tell, and then some.
const MAX_VALUE: usize = 1_024;

/// Parameters by name; an empty value is as none.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: Option<&str>, known: &[&str]) -> Answer<Self> {
        let raw = raw.unwrap_or_default();
        if !is_utf8(raw) {
            return Err(ApiError::invalid("the query", "percent-encoded UTF-8"));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            if !known.contains(&&*name) {
                return Err(ApiError::unknown_parameter(&name, known));
            }
            if pairs.iter().any(|(there, _)| **there == *name) {
                return Err(ApiError::repeated_parameter(&name));
            }
            if value.len() > MAX_VALUE {
                return Err(ApiError::invalid(&name, "at most 1024 bytes long"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// What `read` makes of the value; `expected` says what it should be.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Answer<Option<T>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        read(text)
            .map(Some)
            .ok_or_else(|| ApiError::invalid(name, expected))
    }

    pub(crate) fn limit(&self) -> Answer<usize> {
        let limit = self.read("limit", "a number from 1 to 500", |text| {
            let number: usize = decimal(text)?;
            (1..=500).contains(&number).then_some(number)
        });
        Ok(limit?.unwrap_or(100))
    }
}

/// What is not is read with U+FFFD in its place: then there are more of them
/// than were sent.
fn is_utf8(raw: &str) -> bool {
    let count = |text: &str| text.matches('\u{fffd}').count();
    let sent = count(raw).saturating_add(raw.to_ascii_uppercase().matches("%EF%BF%BD").count());
    let pairs = form_urlencoded::parse(raw.as_bytes());
    let read = pairs.map(|(name, value)| count(&name).saturating_add(count(&value)));
    read.sum::<usize>() <= sent
}

/// A number in digits alone: no sign, no space.
pub(crate) fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
