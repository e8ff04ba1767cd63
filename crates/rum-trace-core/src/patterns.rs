//! The simple patterns of settings: a whole text, or a prefix with a `*` at its end.

#[derive(Debug, Default)]
pub(crate) struct Patterns {
    exact: Vec<Box<[u8]>>,
    prefixes: Vec<Box<[u8]>>,
}

impl Patterns {
    /// False if it is no path: it does not begin with a `/`, or has more than one
    /// would expect of a path.
    pub(crate) fn add_path(&mut self, pattern: &str) -> bool {
        let is_path = pattern.starts_with('/') && !pattern.contains(['?', '#', '{']);
        is_path && self.add(pattern)
    }

    /// False if it is empty, fits everything, or has a `*` elsewhere than at its end.
    pub(crate) fn add(&mut self, pattern: &str) -> bool {
        let (text, to) = match pattern.strip_suffix('*') {
            Some(prefix) => (prefix, &mut self.prefixes),
            None => (pattern, &mut self.exact),
        };
        if text.is_empty() || text.contains('*') {
            return false;
        }
        to.push(text.as_bytes().into());
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }

    pub(crate) fn contains(&self, text: &[u8]) -> bool {
        self.exact.iter().any(|exact| **exact == *text)
            || self.prefixes.iter().any(|prefix| text.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_texts_and_prefixes() {
        let mut patterns = Patterns::default();
        assert!(patterns.add("Shop/5.0.1") && patterns.add("okhttp/*"));
        let table = [
            ("Shop/5.0.1", true),
            ("Shop/5.0.10", false),
            ("okhttp/", true),
            ("okhttp/4.12.0", true),
            ("OkHttp/4.12.0", false),
            ("", false),
        ];
        for (text, is_in) in table {
            assert_eq!(patterns.contains(text.as_bytes()), is_in, "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "*", "a*b", "**", "a**"] {
            assert!(!Patterns::default().add(pattern), "{pattern}");
        }
        for path in ["api/*", "*", "/a?b", "/users/{id}", "/a#b", "/a/*/b"] {
            assert!(!Patterns::default().add_path(path), "{path}");
        }
        assert!(Patterns::default().add_path("/*"));
    }
}
