//! Files that cannot be taken. They hold ids, which no log line may have.

use crate::files::Format;

/// What stands in them of sessions and users.
pub(crate) const IDS: &[&str] = &["47110815", "5f2ab3c4d"];

/// One of them.
pub(crate) struct Broken {
    pub(crate) text: String,
    /// Where it is wrong.
    pub(crate) line: usize,
    /// What the log says of it.
    pub(crate) reason: &'static str,
}

/// A right beginning, which must not be taken alone, and a wrong end.
pub(crate) fn cases(format: Format) -> Vec<Broken> {
    let (start, table): (&str, &[(&str, usize, &str)]) = match format {
        Format::Toml => (
            "[[rules]]\nuser = \"uid_47110815\"\nsession = \"5f2ab3c4d\"\ndecision = \"in\"\n",
            &[
                (
                    "[[rules]]\ndecision = \"uid_47110815\"\n",
                    6,
                    "expected \"in\", \"out\", or a ratio",
                ),
                (
                    "[[rules]]\ndecision = \"in\"\nuser = 47110815\n",
                    7,
                    "expected a text",
                ),
                (
                    "[[rules]]\ndecision = \"in\"\nuser = [\"a\", 47110815]\n",
                    7,
                    "expected a string",
                ),
                (
                    "[[rules]]\nname = 47110815\ndecision = \"in\"\n",
                    6,
                    "expected a string",
                ),
                (
                    "[[rules]]\nuser = \"uid_47110815*x\"\ndecision = \"in\"\n",
                    6,
                    "at their end",
                ),
                (
                    "[[rules]]\nuser = \"uid_47110815\"\n",
                    5,
                    "missing field `decision`",
                ),
                (
                    "[[rules]]\nusers = \"uid_47110815\"\ndecision = \"in\"\n",
                    6,
                    "unknown field `users`",
                ),
                (
                    "[[rules]]\nsession = \"5f2ab3c4d\ndecision = \"in\"\n",
                    6,
                    "string",
                ),
                (
                    "[[rules]]\nsession = 5f2ab3c4d\ndecision = \"in\"\n",
                    6,
                    "error=",
                ),
            ],
        ),
        Format::Json => (
            "{\"rules\": [\n{\"user\": \"uid_47110815\", \"session\": \"5f2ab3c4d\", \"decision\": \"in\"},\n",
            &[
                (
                    "{\"decision\": \"uid_47110815\"}]}",
                    3,
                    "expected \"in\", \"out\", or a ratio",
                ),
                (
                    "{\"decision\": \"in\", \"user\": 47110815}]}",
                    3,
                    "expected a text",
                ),
                (
                    "{\"decision\": \"in\", \"user\": {\"uid_47110815\": 1}}]}",
                    3,
                    "expected a text",
                ),
                ("{\"decision\": 47110815}]}", 3, "a ratio from 0 to 1"),
                (
                    "{\"user\": \"uid_47110815\"}]}",
                    3,
                    "missing field `decision`",
                ),
                ("{\"decision\": \"in\"}", 3, "EOF"),
            ],
        ),
    };
    let of = |(end, line, reason): &(&str, usize, &'static str)| Broken {
        text: format!("{start}{end}"),
        line: *line,
        reason,
    };
    table.iter().map(of).collect()
}
