//! `traceparent` by W3C Trace Context Level 2, §3.2.

use super::{HEX, all_of, latin1, trim};

/// The fields as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) trace_id: String,
    pub(crate) parent_id: String,
    pub(crate) flags: u8,
}

/// The legal reading of a value, or nothing.
pub(crate) fn parse(value: &[u8]) -> Option<Parent> {
    let text = latin1(value);
    let text = trim(&text);
    let known: String = text.chars().take(55).collect();
    let future: String = text.chars().skip(55).collect();
    let fields: Vec<&str> = known.split('-').collect();
    let [version, trace_id, parent_id, flags] = fields[..] else {
        return None;
    };
    let lengths = [version, trace_id, parent_id, flags].map(|f| f.chars().count());
    let hex = fields.iter().all(|field| all_of(field, HEX));
    let zero = all_of(trace_id, "0") || all_of(parent_id, "0");
    if lengths != [2, 32, 16, 2] || !hex || zero || version == "ff" {
        return None;
    }
    if !future.is_empty() && (version == "00" || !future.starts_with('-')) {
        return None;
    }
    Some(Parent {
        trace_id: trace_id.to_owned(),
        parent_id: parent_id.to_owned(),
        // Level 2 knows the sampled and the random bit; others are dropped.
        flags: u8::from_str_radix(flags, 16).ok()? & 0b11,
    })
}
