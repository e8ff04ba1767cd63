//! `tracestate` by W3C Trace Context Level 2, §3.3.

use super::{all_of, latin1, trim};

const KEY_START: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const KEY_OTHER: &str = "_-*/@";

/// The legal members of all lines, in order and without later duplicates, or
/// nothing if any is illegal or there are more than 32.
pub(crate) fn parse(fields: &[&[u8]]) -> Option<Vec<(String, String)>> {
    let lines: Vec<String> = fields.iter().map(|field| latin1(field)).collect();
    let mut all = Vec::new();
    for member in lines.join(",").split(',').map(trim) {
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        if !legal(key, value) {
            return None;
        }
        all.push((key.to_owned(), value.to_owned()));
    }
    if all.len() > 32 {
        return None;
    }
    let mut kept: Vec<(String, String)> = Vec::new();
    for (key, value) in all {
        if kept.iter().all(|(seen, _)| *seen != key) {
            kept.push((key, value));
        }
    }
    Some(kept)
}

/// Whether a key and its value may stand in a list.
pub(crate) fn legal(key: &str, value: &str) -> bool {
    let key_ok = matches!(key.chars().next(), Some(c) if KEY_START.contains(c))
        && all_of(key, &format!("{KEY_START}{KEY_OTHER}"))
        && key.len() <= 256;
    let printable = |c: char| (' '..='~').contains(&c) && c != ',' && c != '=';
    key_ok
        && (1..=256).contains(&value.chars().count())
        && value.chars().all(printable)
        && !value.ends_with(' ')
}

/// The members printed as one line.
pub(crate) fn print(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(k, v)| format!("{k}={v}")).collect();
    members.join(",")
}

/// What is left of a list of members that must fit: §3.3.1.5.
pub(crate) fn compose(members: &[(String, String)], max_len: usize) -> String {
    let mut left: Vec<String> = members.iter().map(|(k, v)| format!("{k}={v}")).collect();
    left.truncate(32);
    while left.join(",").len() > max_len {
        match left.iter().rposition(|member| member.len() > 128) {
            Some(long) => left.remove(long),
            None => left.remove(left.len() - 1),
        };
    }
    left.join(",")
}
