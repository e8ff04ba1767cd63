//! Every byte that left the service, and whether a text is among them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;

/// What came of one request, by where it went.
#[derive(Debug, Default)]
pub struct Outputs(Vec<(&'static str, Vec<u8>)>);

impl Outputs {
    pub(super) fn add(&mut self, to: &'static str, bytes: impl Into<Vec<u8>>) {
        self.0.push((to, bytes.into()));
    }

    /// How many there are of a kind.
    #[must_use]
    pub fn count(&self, to: &str) -> usize {
        self.0.iter().filter(|(kind, _)| *kind == to).count()
    }

    /// The kinds of those in which the text stands, in whatever form.
    #[must_use]
    pub fn telling(&self, text: &str) -> Vec<&'static str> {
        let mut kinds: Vec<&'static str> = self.with(text).map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds
    }

    /// Those outputs, to be read.
    #[must_use]
    pub fn printed(&self, text: &str) -> String {
        let print = |(kind, bytes): &(&str, Vec<u8>)| {
            let lines = String::from_utf8_lossy(bytes);
            format!("\n--- {kind}\n{}", lines.escape_debug())
        };
        self.with(text).map(print).collect()
    }

    fn with<'s>(&'s self, text: &'s str) -> impl Iterator<Item = &'s (&'static str, Vec<u8>)> {
        self.0.iter().filter(move |(_, bytes)| tells(bytes, text))
    }
}

/// As it is, percent-encoded, in base64, or as `Debug` prints it.
fn tells(bytes: &[u8], text: &str) -> bool {
    let escaped: String = text.escape_debug().collect();
    let printed = contains(bytes, text) || contains(bytes, &escaped);
    let decoded: Vec<u8> = percent_decode(bytes).collect();
    printed || contains(&decoded, text) || words(bytes).any(|word| contains(&word, text))
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// What stands there in base64.
fn words(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let outside = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte);
    let words = bytes.split(outside).filter(|word| word.len() >= 8);
    words.filter_map(|word| STANDARD.decode(word).ok())
}
