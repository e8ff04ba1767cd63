//! `baggage`.

use super::support::Bytes;
use super::{Fault, expect, expect_eq, run};
use rum_trace_propagation::baggage::{entries, is_rum_key};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(rename = "in")]
    input: Bytes,
    entries: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expected {
    Err {
        err: Fault,
    },
    Entry {
        key: String,
        value: String,
        properties: String,
    },
}

#[test]
fn table() {
    run(
        "baggage",
        |row: &Row| row.name.clone(),
        |row| {
            let input = row.input.get();
            let read: Vec<_> = entries(&input).collect();
            expect_eq("entries", read.len(), row.entries.len())?;
            for (got, expected) in read.iter().zip(&row.entries) {
                match (got, expected) {
                    (
                        Ok(entry),
                        Expected::Entry {
                            key,
                            value,
                            properties,
                        },
                    ) => {
                        expect_eq("key", entry.key(), key.as_str())?;
                        expect_eq("value", entry.value(), value.as_str())?;
                        expect_eq("properties", entry.properties(), properties.as_str())?;
                    }
                    (Err(error), Expected::Err { err }) => {
                        err.check(error.part(), error.at())?;
                        let text = error.to_string();
                        expect(text.starts_with("baggage: "), || text)?;
                    }
                    _ => return Err(format!("{got:?}, expected {expected:?}")),
                }
            }
            Ok(())
        },
    );
}

#[test]
fn the_keys_of_the_web_sdk_and_no_others_are_rum_keys() {
    for key in ["rum", "appType", "pid", "sid", "uid"] {
        assert!(is_rum_key(key), "{key}");
    }
    for key in ["", "Rum", "apptype", "pid ", "session", "ui", "uids"] {
        assert!(!is_rum_key(key), "{key}");
    }
}
