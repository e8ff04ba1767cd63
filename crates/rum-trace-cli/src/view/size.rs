//! Amounts of memory as one writes them: `256MiB`, `1GB`, `4096`.

const UNITS: [(&str, usize); 11] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
];

/// The least that is of use: there is room for a trace of some size.
const LEAST: usize = 1 << 20;

/// Bytes, or why it is no amount.
pub(crate) fn parse(text: &str) -> Result<usize, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let number: Option<usize> = number.parse().ok();
    let unit = UNITS.iter().find(|(name, _)| *name == unit);
    match (number, unit) {
        (Some(number), Some((_, factor))) => match number.checked_mul(*factor) {
            Some(bytes) if bytes >= LEAST => Ok(bytes),
            Some(_) => Err("it must be 1MiB at least".to_owned()),
            None => Err("it is more than a machine can have".to_owned()),
        },
        _ => Err(
            "an amount is a number with KiB, MiB, GiB, KB, MB, GB or nothing, as in 256MiB"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (text, bytes) in [
            ("256MiB", Some(268_435_456)),
            ("256 mib", Some(268_435_456)),
            ("256m", Some(268_435_456)),
            ("2000kb", Some(2_000_000)),
            ("2048KiB", Some(2_097_152)),
            ("1GB", Some(1_000_000_000)),
            ("1GiB", Some(1_073_741_824)),
            ("1048576", Some(1_048_576)),
            ("1048575", None),
            ("1.5GiB", None),
            ("", None),
            ("MiB", None),
            ("-1MiB", None),
            ("1TiB", None),
            ("99999999999999999999", None),
            ("18446744073709551615g", None),
        ] {
            assert_eq!(parse(text).ok(), bytes, "{text:?}");
        }
    }
}
