//! OpenTelemetry's "`TraceState`: Probability Sampling", by its letter and by nothing of
//! what is tested.

/// How many values the randomness and the threshold can have.
pub const SPACE: u64 = 1 << 56;

/// The random bits of a trace: the least significant 56 of its id.
#[must_use]
pub const fn randomness_of(trace_id: u128) -> u64 {
    (trace_id % SPACE as u128) as u64
}

/// What a list's `ot` member says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ot {
    /// `th`, the rejection threshold.
    pub threshold: Option<u64>,
    /// `rv`, the explicit randomness.
    pub randomness: Option<u64>,
}

impl Ot {
    /// Reads it.
    ///
    /// # Panics
    ///
    /// If a value is not of the specification's form.
    #[must_use]
    pub fn in_list(list: &str) -> Self {
        let member = list.split(',').find_map(|it| it.trim().strip_prefix("ot="));
        let fields = member.unwrap_or_default().split(';');
        let mut ot = Ot::default();
        for field in fields.filter(|it| !it.is_empty()) {
            match field.split_once(':').expect("key and value") {
                ("th", value) => ot.threshold = Some(threshold(value)),
                ("rv", value) => ot.randomness = Some(randomness(value)),
                (other, _) => panic!("{other} in {list}"),
            }
        }
        ot
    }

    /// How many requests one that was sampled stands for.
    ///
    /// # Panics
    ///
    /// If there is no threshold.
    #[must_use]
    pub fn adjusted_count(&self) -> f64 {
        let threshold = self.threshold.expect("a threshold");
        SPACE as f64 / (SPACE - threshold) as f64
    }
}

/// 1 to 14 digits, to which zeros are added at the right end.
fn threshold(value: &str) -> u64 {
    assert!((1..=14).contains(&value.len()), "th:{value}");
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    assert!(value.bytes().all(is_hex), "th:{value}");
    u64::from_str_radix(&format!("{value:0<14}"), 16).expect("hex digits")
}

/// Exactly 14 digits.
fn randomness(value: &str) -> u64 {
    assert_eq!(value.len(), 14, "rv:{value}");
    u64::from_str_radix(value, 16).expect("hex digits")
}

/// Numbers that look random, and are the same each time (`SplitMix64`).
#[must_use]
pub const fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A trace id, or a session's, of 128 such bits.
#[must_use]
pub const fn id(number: u64) -> u128 {
    let high = scattered(scattered(number));
    ((high as u128) << 64) | scattered(number ^ 0x5bd1_e995) as u128
}

/// How far a count may be from what is expected of `n` draws at `p`: five times its
/// standard deviation. Beyond that is one case in 1.7 million, and here always the same.
#[must_use]
pub fn five_sigma(n: u64, p: f64) -> f64 {
    5.0 * (n as f64 * p * (1.0 - p)).sqrt()
}
