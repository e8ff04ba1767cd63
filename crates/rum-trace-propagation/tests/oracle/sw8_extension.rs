//! `sw8-x`: `{mode}-{client send timestamp in ms}`, both optional, and whatever
//! later versions may add behind them.

use super::{all_of, latin1, trim};

/// Whether analysis is skipped, and when the client sent.
pub(crate) fn parse(value: &[u8]) -> Option<(bool, Option<u64>)> {
    let text = latin1(value);
    let mut fields = trim(&text).split('-');
    let (mode, time) = (fields.next()?, fields.next().unwrap_or(""));
    let skip = match trim(mode) {
        "1" => true,
        "0" | "" => false,
        _ => return None,
    };
    match trim(time) {
        "" => Some((skip, None)),
        digits if all_of(digits, "0123456789") => Some((skip, Some(digits.parse().ok()?))),
        _ => None,
    }
}
