//! What a text must be.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The texts that fit: whole ones, and with a `*` at the end all that begin so. In rules
/// that are written as data one text, or a list of them.
///
/// ```
/// use rum_trace_otlp::sampling::Condition;
///
/// let fits = Condition::any_of(["5.1.*", "5.2.0"]).expect("stars at the end");
/// assert!(fits.fits("5.1.17") && fits.fits("5.2.0") && !fits.fits("5.2.01"));
/// assert!(Condition::any_of(["5.*.1"]).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub(super) exact: Vec<Box<str>>,
    pub(super) prefixes: Vec<Box<str>>,
}

impl Condition {
    /// `None` if there is no text, or one that is empty or has a `*` elsewhere than at
    /// its end.
    #[must_use]
    pub fn any_of<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Option<Self> {
        let mut condition = Condition {
            exact: Vec::new(),
            prefixes: Vec::new(),
        };
        for text in texts {
            condition.add(text.as_ref())?;
        }
        let is_any = !condition.exact.is_empty() || !condition.prefixes.is_empty();
        is_any.then_some(condition)
    }

    fn add(&mut self, text: &str) -> Option<()> {
        let (text, to) = match text.strip_suffix('*') {
            Some(prefix) => (prefix, &mut self.prefixes),
            None => (text, &mut self.exact),
        };
        let is_right = !text.is_empty() && !text.contains('*');
        is_right.then(|| to.push(text.into()))
    }

    /// Whether one of them is the text, or the beginning of it.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let is_one = self.exact.iter().any(|exact| **exact == *text);
        is_one || self.prefixes.iter().any(|it| text.starts_with(&**it))
    }

    fn texts(&self) -> impl Iterator<Item = String> + '_ {
        let exact = self.exact.iter().map(ToString::to_string);
        exact.chain(self.prefixes.iter().map(|prefix| format!("{prefix}*")))
    }
}

const EXPECTED: &str = "a text, or a list of texts, which are not empty and have a `*` only at \
                        their end";

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore)
    }
}

struct OneOrMore;

impl OneOrMore {
    /// Without the texts: they may be ids.
    fn checked<E: de::Error>(texts: &[String]) -> Result<Condition, E> {
        Condition::any_of(texts).ok_or_else(|| E::custom(format_args!("expected {EXPECTED}")))
    }
}

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Condition;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Condition, E> {
        Self::checked(&[text.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Condition, A::Error> {
        let mut texts: Vec<String> = Vec::new();
        while let Some(text) = seq.next_element()? {
            texts.push(text);
        }
        Self::checked(&texts)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<String> = self.texts().collect();
        match &*texts {
            [only] => serializer.serialize_str(only),
            _ => serializer.collect_seq(texts),
        }
    }
}
