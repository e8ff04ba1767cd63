//! `key=value,key=value` lists, as `OTEL_RESOURCE_ATTRIBUTES` and
//! `OTEL_EXPORTER_OTLP_HEADERS` write them: keys and values percent-encoded
//! as in W3C Baggage, white space round them ignored.

use percent_encoding::percent_decode_str;

use super::env::Found;
use crate::error::PipelineError;
use crate::protocol::shown;

/// Whether an error may quote the entry that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entries {
    /// It names the entry by its place only.
    Secret,
    Public,
}

/// The pairs of a list, decoded. One bad entry makes the whole list an error.
pub(crate) fn pairs(
    list: &Found<String>,
    entries: Entries,
) -> Result<Vec<(String, String)>, PipelineError> {
    list.value
        .split(',')
        .enumerate()
        .filter(|(_, entry)| !entry.trim().is_empty())
        .map(|(index, entry)| {
            pair(entry).map_err(|problem| {
                let quoted = match entries {
                    Entries::Secret => String::new(),
                    Entries::Public => format!(", {}", shown(entry.trim())),
                };
                PipelineError::invalid(
                    list.setting(),
                    format!("entry {}{quoted}: {problem}", index + 1),
                )
            })
        })
        .collect()
}

fn pair(entry: &str) -> Result<(String, String), &'static str> {
    let (key, value) = entry
        .split_once('=')
        .ok_or("no `=`; write key=value,key=value and a comma in a value as %2C")?;
    let key = decode(key.trim())?;
    if key.is_empty() {
        return Err("the key is empty");
    }
    Ok((key, decode(value.trim())?))
}

fn decode(text: &str) -> Result<String, &'static str> {
    if !percents_are_escapes(text) {
        return Err("a `%` without two hexadecimal digits behind it; write it as %25");
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "not valid UTF-8 after percent-decoding")
}

fn percents_are_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let mut bytes = rest.bytes();
        let mut hex = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
        hex() && hex()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str, entries: Entries) -> Result<Vec<(String, String)>, PipelineError> {
        let list = Found {
            name: "OTEL_RESOURCE_ATTRIBUTES",
            value: value.to_owned(),
        };
        pairs(&list, entries)
    }

    #[test]
    fn pairs_are_trimmed_and_decoded() {
        let pairs = read(" a = 1 ,,b%20c=x%2Cy%3D%C3%A9,d=e=f,g=,", Entries::Public).unwrap();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("a", "1"), ("b c", "x,y=é"), ("d", "e=f"), ("g", "")]
        );
    }

    #[test]
    fn a_bad_entry_is_named_by_its_place_and_quoted_if_it_is_no_secret() {
        for (list, place) in [
            ("a=1,topsecret", "entry 2"),
            ("=topsecret", "entry 1"),
            ("a=topsecret%zz", "entry 1"),
            ("a=topsecret%2", "entry 1"),
            ("a=1,b=2,c=topsecret%ff", "entry 3"),
        ] {
            let error = read(list, Entries::Secret).unwrap_err().to_string();
            assert!(error.contains(place), "{error}");
            assert!(!error.contains("topsecret"), "{error}");

            let error = read(list, Entries::Public).unwrap_err().to_string();
            assert!(error.contains(place), "{error}");
            assert!(error.contains("topsecret"), "{error}");
        }
    }
}
