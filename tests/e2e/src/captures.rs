//! The header sets that real clients send, from `tests/data/captures`.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// One request of one client.
#[derive(Clone, Debug, Deserialize)]
pub struct Capture {
    /// Its name, unique over all files.
    pub case: String,
    /// The HTTP method.
    #[serde(default = "get")]
    pub method: String,
    /// The header lines in the order of the file, names as they were sent.
    #[serde(deserialize_with = "in_order")]
    pub headers: Vec<(String, String)>,
}

impl Capture {
    /// The value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// All captures of all files.
///
/// # Panics
///
/// If there are none, two have the same name, or a file cannot be read.
#[must_use]
pub fn all() -> Vec<Capture> {
    let folder = crate::data("captures");
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".json"))
        .collect();
    files.sort();
    let captures: Vec<Capture> = files
        .iter()
        .flat_map(|file| crate::read_json::<Vec<Capture>>(&format!("captures/{file}")))
        .collect();
    let mut names: Vec<&str> = captures.iter().map(|capture| &*capture.case).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    assert!(twice.is_none(), "two captures have one name: {twice:?}");
    assert!(!captures.is_empty(), "{} is empty", folder.display());
    captures
}

fn get() -> String {
    "GET".to_owned()
}

/// A JSON object as a list, since the order of header lines is part of a capture.
fn in_order<'de, D: Deserializer<'de>>(json: D) -> Result<Vec<(String, String)>, D::Error> {
    struct Lines;

    impl<'de> Visitor<'de> for Lines {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of header lines")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut lines = Vec::new();
            while let Some(line) = map.next_entry()? {
                lines.push(line);
            }
            Ok(lines)
        }
    }

    json.deserialize_map(Lines)
}
