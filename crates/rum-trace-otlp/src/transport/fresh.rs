//! Headers whose values are asked for at each attempt: tokens that expire.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Failure, Retry};
use crate::secret::Redactor;

/// Gives a header's value as it is now; `None` if there is none at present.
pub(crate) type Value = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// The headers, by name.
#[derive(Clone, Default)]
pub(crate) struct FreshHeaders(Vec<(HeaderName, Value)>);

impl FreshHeaders {
    pub(crate) fn push(&mut self, name: HeaderName, value: Value) {
        self.0.push((name, value));
    }

    /// Writes the values over those that are there, and gives a redactor that
    /// knows them too. Without a legal value the attempt cannot be made: the
    /// next one may have it.
    pub(super) fn apply<'r>(
        &self,
        headers: &mut HeaderMap,
        redactor: &'r Redactor,
    ) -> Result<Cow<'r, Redactor>, Failure> {
        let mut redactor = Cow::Borrowed(redactor);
        for (name, value) in &self.0 {
            let text = ask(name, value)?.ok_or_else(|| missing(name, "is not there"))?;
            redactor = Cow::Owned(redactor.with([&*text].into_iter().chain(text.split(' '))));
            let value = HeaderValue::from_str(&text);
            let mut value = value.map_err(|_| missing(name, "is not printable ASCII"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(redactor)
    }

    /// Whether a refusal for want of permission may pass: the next attempt may
    /// have a newer token.
    pub(super) fn may_mend(&self, retry: Retry) -> Retry {
        match retry {
            Retry::Never if !self.0.is_empty() => Retry::Backoff,
            other => other,
        }
    }
}

/// Calls the user's function. If it panics, the batch is none the worse for
/// it. What it panicked with is not told: that may hold the token.
fn ask(name: &HeaderName, value: &Value) -> Result<Option<String>, Failure> {
    catch_unwind(AssertUnwindSafe(|| value())).map_err(|_| {
        let message = format!("the function that gives the header `{name}` panicked");
        Failure::new(message, Retry::Backoff)
    })
}

fn missing(name: &HeaderName, problem: &str) -> Failure {
    let message = format!("the value that `header_with` gave for the header `{name}` {problem}");
    Failure::new(message, Retry::Backoff)
}

impl fmt::Debug for FreshHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}
