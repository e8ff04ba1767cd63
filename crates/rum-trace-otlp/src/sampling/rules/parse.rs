//! Rules, read from text and files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::Rules;
use crate::sampling::RulesError;

/// More than this is no file of rules.
const MAX_BYTES: u64 = 1 << 20;

impl Rules {
    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// What is wrong, with line and column.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let (line, column) = place(text, at);
            RulesError::Invalid {
                line,
                column,
                problem: without_value(error.message()),
            }
        })
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// What is wrong, with line and column.
    pub fn from_json(text: &str) -> Result<Self, RulesError> {
        serde_json::from_str(text).map_err(|error| RulesError::Invalid {
            line: error.line(),
            column: error.column(),
            problem: without_value(without_place(&error.to_string(), &error)),
        })
    }

    /// Reads a file: JSON if its name ends in `.json`, else TOML.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or has over 1 MiB, and what is wrong in it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, RulesError> {
        let path = path.as_ref();
        Self::of_file(path, &read(path)?)
    }

    /// What is in such a file.
    pub(in crate::sampling) fn of_file(path: &Path, text: &str) -> Result<Self, RulesError> {
        let is_json = path
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("json"));
        if is_json {
            Self::from_json(text)
        } else {
            Self::from_toml(text)
        }
    }
}

/// The file's text, as far as it can be rules.
pub(in crate::sampling) fn read(path: &Path) -> Result<String, RulesError> {
    // A pipe would be waited for as long as nobody writes to it.
    let is_file = path.metadata().map_err(RulesError::Unreadable)?.is_file();
    if !is_file {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
        return Err(RulesError::Unreadable(error));
    }
    let file = File::open(path).map_err(RulesError::Unreadable)?;
    let mut text = String::new();
    // One more than it may have shows that it has.
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    let bytes = read.map_err(RulesError::Unreadable)? as u64;
    if bytes > MAX_BYTES {
        return Err(RulesError::TooLarge {
            bytes,
            max: MAX_BYTES,
        });
    }
    Ok(text)
}

/// Line and column of a byte, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (line, before[start..].chars().count() + 1)
}

/// `serde_json` writes the place behind its message.
fn without_place<'a>(message: &'a str, error: &serde_json::Error) -> &'a str {
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(message)
}

/// serde quotes the value that it did not expect, which may be an id.
fn without_value(message: &str) -> String {
    const EXPECTED: &str = ", expected ";
    let quotes = ["invalid type: ", "invalid value: "];
    let is_quoting = quotes.iter().any(|it| message.starts_with(it));
    match message.rsplit_once(EXPECTED) {
        Some((found, expected)) if is_quoting => {
            let kind = found.split(['`', '"']).next().unwrap_or_default();
            format!("{}{EXPECTED}{expected}", kind.trim_end())
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let table = [
            ("[[rules]]\nuser = \"a\"\n", 1, "decision"),
            (
                "[[rules]]\ndecision = \"perhaps\"\n",
                2,
                "\"in\", \"out\", or a ratio",
            ),
            ("[[rules]]\ndecision = 1.5\n", 2, "ratio from 0 to 1"),
            ("[[rules]]\ndecision = -1\n", 2, "ratio from 0 to 1"),
            (
                "[[rules]]\ndecision = \"in\"\npath = \"/a*b\"\n",
                3,
                "only at their end",
            ),
            (
                "[[rules]]\ndecision = \"in\"\nsession = []\n",
                3,
                "only at their end",
            ),
            (
                "[[rules]]\ndecision = \"in\"\nuser = \"\"\n",
                3,
                "not empty",
            ),
            (
                "[[rules]]\ndecision = \"in\"\nuser = 7\n",
                3,
                "a text, or a list",
            ),
            (
                "\n[[rules]]\ndecision = \"in\"\nusers = \"a\"\n",
                4,
                "unknown field `users`",
            ),
            ("[[rule]]\ndecision = \"in\"\n", 1, "unknown field `rule`"),
            ("[[rules]\n", 1, "]"),
        ];
        for (text, wrong, says) in table {
            match Rules::from_toml(text) {
                Err(RulesError::Invalid { line, problem, .. }) => {
                    assert_eq!(line, wrong, "{text}: {problem}");
                    assert!(problem.contains(says), "{text}: {problem}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn json_says_it_as_well() {
        let text = "{\"rules\": [\n{\"decision\": \"in\"},\n{\"decision\": 2}\n]}";
        let error = Rules::from_json(text)
            .expect_err("2 is no ratio")
            .to_string();
        assert!(
            error.starts_with("line 3, column ") && error.contains("from 0 to 1"),
            "{error}"
        );
        assert_eq!(error.matches("line").count(), 1, "{error}");
    }

    #[test]
    fn no_id_is_quoted() {
        let rules = [
            ("user", r#"["uid_4711*x"]"#),
            ("user", "4711"),
            ("name", "4711"),
            ("decision", r#""uid_4711, expected `x`""#),
            ("decision", "4711"),
        ];
        for (field, value) in rules {
            let toml = format!("[[rules]]\n{field} = {value}\n");
            let json = format!("{{\"rules\": [{{\"{field}\": {value}}}]}}");
            for read in [Rules::from_toml(&toml), Rules::from_json(&json)] {
                let error = read.expect_err("no rule").to_string();
                assert!(!error.contains("4711"), "{error}");
                assert!(error.contains("expected "), "{field}: {error}");
            }
        }
    }

    #[test]
    fn one_text_or_several_in_either_notation() {
        let toml = "[[rules]]\nuser = \"a\"\npath = [\"/b*\", \"/c\"]\ndecision = 0.5\n";
        let json = r#"{"rules": [{"user": ["a"], "path": ["/c", "/b*"], "decision": 0.5}]}"#;
        let rules = Rules::from_toml(toml).expect("right");
        assert_eq!(rules, Rules::from_json(json).expect("right"));
        let printed = toml::to_string(&rules).expect("printed");
        assert_eq!(Rules::from_toml(&printed).expect("right"), rules);
        assert!(Rules::from_toml("").expect("none").is_empty());
    }
}
