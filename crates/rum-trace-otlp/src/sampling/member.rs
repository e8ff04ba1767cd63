//! OpenTelemetry's member of `tracestate`: a list of keys and values of its own. What is
//! no concern of sampling stays in it ("`TraceState` Handling", "Setting values").

use std::borrow::Cow;

use opentelemetry::trace::TraceId;

use super::probability::{DIGITS, low_bits};

/// Its key.
pub(super) const OT: &str = "ot";

const THRESHOLD: &str = "th:";
const RANDOMNESS: &str = "rv:";

/// A member's value has no more bytes, by W3C Trace Context.
const MAX: usize = 256;

/// The trace's random bits, if the member tells them.
pub(super) fn randomness(value: &str) -> Option<u64> {
    let (bits, digits) = digits(value, RANDOMNESS)?;
    (digits == DIGITS).then_some(bits)
}

/// That the trace was sampled cannot be, by the threshold that the member tells.
pub(super) fn rules_out(value: &str, trace_id: TraceId) -> bool {
    let Some((bits, digits)) = digits(value, THRESHOLD) else {
        return false;
    };
    // Zeros at the end are left out.
    let threshold = bits << (4 * (DIGITS - digits));
    randomness(value).unwrap_or_else(|| low_bits(trace_id)) < threshold
}

/// The member tells a threshold, whether one can read it or not.
pub(super) fn has_threshold(value: &str) -> bool {
    value.split(';').any(|part| part.starts_with(THRESHOLD))
}

/// The value without its threshold.
pub(super) fn without_threshold(value: &str) -> String {
    let rest = value.split(';').filter(|part| !part.starts_with(THRESHOLD));
    rest.collect::<Vec<_>>().join(";")
}

/// What is said of sampling now, and what else the member that came in says. If there is
/// no room for both, that alone: who would add to a list that is full leaves it as it is.
pub(super) fn beside<'a>(said: &'a str, came: Option<&str>) -> Cow<'a, str> {
    let is_other = |part: &&str| !part.starts_with(THRESHOLD) && !part.starts_with(RANDOMNESS);
    let others = came.into_iter().flat_map(|came| came.split(';'));
    let others = others.filter(|part| !part.is_empty()).filter(is_other);
    let mut value = Cow::Borrowed(said);
    for part in others {
        let value = value.to_mut();
        value.push(';');
        value.push_str(part);
    }
    match value.get(said.len() + 1..) {
        Some(others) if value.len() > MAX => Cow::Owned(others.to_owned()),
        _ => value,
    }
}

/// The hexadecimal number of this key, and how many digits it has.
fn digits(value: &str, key: &str) -> Option<(u64, usize)> {
    let digits = value.split(';').find_map(|part| part.strip_prefix(key))?;
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bits = u64::from_str_radix(digits, 16).ok();
    let bits = bits.filter(|_| are_digits && digits.len() <= DIGITS)?;
    Some((bits, digits.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_loses_its_threshold_alone() {
        let table = [
            ("th:8", ""),
            ("th:8;rv:00000000000001", "rv:00000000000001"),
            ("rv:00000000000001;th:8;xx:1", "rv:00000000000001;xx:1"),
            ("rv:00000000000001", "rv:00000000000001"),
            ("", ""),
        ];
        for (value, rest) in table {
            assert_eq!(without_threshold(value), rest, "{value}");
        }
    }

    #[test]
    fn what_others_say_stays() {
        let long = format!("a:{};b:1", "x".repeat(MAX - 8));
        let table = [
            (None, "th:c"),
            (Some(""), "th:c"),
            (Some("th:8;rv:00000000000001"), "th:c"),
            (Some("a:1;th:8;b:2"), "th:c;a:1;b:2"),
            (Some(long.as_str()), &*long),
        ];
        for (came, value) in table {
            assert_eq!(beside("th:c", came), value, "{came:?}");
        }
    }

    #[test]
    fn randomness_has_fourteen_digits() {
        assert_eq!(
            randomness("th:8;rv:0123456789abcd"),
            Some(0x0001_2345_6789_abcd)
        );
        for value in [
            "",
            "th:8",
            "rv:",
            "rv:8",
            "rv:+123456789abcd",
            "rv:0123456789abcde",
        ] {
            assert_eq!(randomness(value), None, "{value}");
        }
    }

    #[test]
    fn a_sampled_trace_has_a_threshold_that_it_passes() {
        let half = TraceId::from(0x80_0000_0000_0000_u128);
        let table = [
            ("th:8", false),
            ("th:81", true),
            ("th:8;rv:7fffffffffffff", true),
            ("th:c;rv:c0000000000000", false),
            ("th:0", false),
            ("th:", false),
            ("th:x", false),
            ("th:fffffffffffffff", false),
            ("xx:1", false),
        ];
        for (value, expected) in table {
            assert_eq!(rules_out(value, half), expected, "{value}");
        }
    }
}
