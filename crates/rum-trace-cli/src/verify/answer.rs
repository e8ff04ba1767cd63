//! What our layer answers the holder of the verification token.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use rum_trace::VERIFICATION_RESPONSE_HEADER;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Longer is nothing that our layer writes.
const MAX: usize = 8 * 1024;

/// Longer is no header line that a server takes.
const MAX_LINE: usize = 1024 * 1024;

/// The answer's JSON. All text in it is foreign: escape it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    v: u32,
    pub(crate) service: Option<String>,
    pub(crate) http: Option<String>,
    pub(crate) class: String,
    pub(crate) carrier: Option<String>,
    pub(crate) findings: Vec<String>,
    pub(crate) parent_trace_id: Option<String>,
    pub(crate) parent_span_id: Option<String>,
    pub(crate) trace_id: Option<String>,
    pub(crate) span_id: Option<String>,
    pub(crate) sampled: Option<bool>,
    pub(crate) recorded: Option<bool>,
    pub(crate) skipped: bool,
    pub(crate) rum: BTreeMap<String, String>,
    pub(crate) lines: Vec<Line>,
    /// Lines that had no room.
    pub(crate) omitted: u64,
}

/// A header line as it arrived: whole, or its begin with its length and digest. A
/// character stands for a byte.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    Whole(String, String),
    Cut(String, String, usize, String),
}

impl Answer {
    /// The one of the layer that the request met first, if there is any: it is
    /// appended to those from further in.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Result<Self, String>> {
        let lines = headers.get_all(VERIFICATION_RESPONSE_HEADER);
        let last = lines.iter().next_back()?;
        Some(Answer::parse(last.as_bytes()))
    }

    pub(crate) fn parse(value: &[u8]) -> Result<Self, String> {
        let damaged = || "the answer header was damaged on the way back".to_owned();
        if value.len() > MAX {
            return Err(damaged());
        }
        let json = URL_SAFE_NO_PAD.decode(value).map_err(|_| damaged())?;
        let answer: Answer = serde_json::from_slice(&json).map_err(|_| damaged())?;
        if answer.lines.iter().any(|line| line.len() > MAX_LINE) {
            return Err(damaged());
        }
        match answer.v {
            1 => Ok(answer),
            version => Err(format!(
                "the answer header is of version {version}, which this rum-trace does not know: \
                 update it"
            )),
        }
    }

    /// The lines of one header, in their order.
    pub(crate) fn texts(&self, name: &str) -> Vec<&Line> {
        self.lines
            .iter()
            .filter(|line| line.name() == name)
            .collect()
    }
}

impl Line {
    pub(crate) fn name(&self) -> &str {
        let (Line::Whole(name, _) | Line::Cut(name, ..)) = self;
        name
    }

    /// All of it, or its begin.
    pub(crate) fn begin(&self) -> &str {
        let (Line::Whole(_, text) | Line::Cut(_, text, ..)) = self;
        text
    }

    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Line::Whole(_, text) => text.chars().count(),
            Line::Cut(_, _, len, _) => *len,
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Line::Whole(..))
    }

    /// Whether it is this text, of ASCII.
    pub(crate) fn is(&self, sent: &str) -> bool {
        match self {
            Line::Whole(_, text) => text == sent,
            Line::Cut(_, begin, len, digest) => {
                *len == sent.len() && sent.starts_with(begin) && *digest == digest_of(sent)
            }
        }
    }
}

fn digest_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn header(json: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&URL_SAFE_NO_PAD.encode(json)).unwrap();
        let mut headers = HeaderMap::new();
        headers.append(VERIFICATION_RESPONSE_HEADER, HeaderValue::from_static("x"));
        headers.append(VERIFICATION_RESPONSE_HEADER, value);
        headers
    }

    #[test]
    fn the_last_line_counts_and_unknown_fields_do_not() {
        let json = r#"{"v":1,"class":"absent","more":7,
            "lines":[["sw8","1-x"],["tracestate","ab",7,"0"]]}"#;
        let answer = Answer::of(&header(json)).unwrap().unwrap();
        assert_eq!(answer.class, "absent");
        assert_eq!((answer.lines[0].len(), answer.lines[1].len()), (3, 7));
        assert!(answer.lines[0].is("1-x") && !answer.lines[1].is("abcdefg"));
        assert!(Answer::of(&HeaderMap::new()).is_none());
    }

    #[test]
    fn what_is_damaged_or_newer_is_told() {
        for (json, word) in [
            (r#"{"v":2}"#, "update"),
            ("{", "damaged"),
            (r#"{"v":1,"lines":[["a"]]}"#, "damaged"),
            (r#"{"v":1,"class":7}"#, "damaged"),
            (
                r#"{"v":1,"lines":[["tracestate","a",18446744073709551615,"0"]]}"#,
                "damaged",
            ),
        ] {
            let error = Answer::of(&header(json)).unwrap().unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_cut_line_is_known_by_its_digest() {
        let sent = "v".repeat(900);
        let digest = digest_of(&sent);
        let line = Line::Cut("tracestate".into(), "vvv".into(), 900, digest);
        assert!(line.is(&sent));
        assert!(!line.is(&format!("{}w", &sent[..899])));
        assert!(!line.is(&sent[..899]));
    }
}
