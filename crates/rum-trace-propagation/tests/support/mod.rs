//! The shared test data under `tests/data` of the repository.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Bytes as the tables write them: text, or pieces for what text can't say.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    /// The UTF-8 of a text.
    Text(String),
    /// Bytes in hex.
    Hex { hex: String },
    /// The padded base64 of bytes.
    Base64 { base64: Box<Bytes> },
    /// The same bytes several times.
    Repeat { repeat: String, times: usize },
    /// Pieces in a row.
    Row(Vec<Bytes>),
}

impl Bytes {
    pub(crate) fn get(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Hex { hex } => unhex(hex),
            Self::Base64 { base64 } => BASE64_STANDARD.encode(base64.get()).into_bytes(),
            Self::Repeat { repeat, times } => repeat.repeat(*times).into_bytes(),
            Self::Row(pieces) => pieces.iter().flat_map(Self::get).collect(),
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.get()).unwrap()
    }
}

/// The bytes of hex digits.
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// One set of headers as a client sends them.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Capture {
    pub(crate) case: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// The names of the headers that are known to be malformed.
    #[serde(default)]
    pub(crate) malformed: Vec<String>,
}

impl Capture {
    /// A header by its name in lowercase; the captures keep the sender's case.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_bytes())
    }
}

/// The files under `captures`.
pub(crate) const CAPTURES: [&str; 3] = ["rum-browser-0.0.37", "skywalking-python-1.2.0", "mobile"];

/// All captured header sets.
pub(crate) fn captures() -> Vec<Capture> {
    let read = |file| read::<Vec<Capture>>(&format!("captures/{file}"));
    CAPTURES.into_iter().flat_map(read).collect()
}

/// One captured header set by its name.
pub(crate) fn capture(case: &str) -> Capture {
    let found = captures().into_iter().find(|capture| capture.case == case);
    found.unwrap_or_else(|| panic!("no capture is named {case}"))
}

/// A JSON file of `tests/data` by its path without the ending.
pub(crate) fn read<T: DeserializeOwned>(file: &str) -> T {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let path = data.join(format!("{file}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
