//! A message's headers for tests.

use opentelemetry::propagation::Extractor;

/// Several lines of a name are kept apart, and nobody knows which names there are.
#[derive(Clone, Debug, Default)]
pub struct Lines(pub Vec<(String, String)>);

impl Lines {
    pub fn of(headers: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| (name.to_lowercase(), (*value).to_owned());
        Lines(headers.iter().map(own).collect())
    }
}

impl Extractor for Lines {
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// As many an implementation has it.
    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let found = self.0.iter().filter(|(name, _)| name == key);
        let lines: Vec<&str> = found.map(|(_, value)| value.as_str()).collect();
        (!lines.is_empty()).then_some(lines)
    }
}
