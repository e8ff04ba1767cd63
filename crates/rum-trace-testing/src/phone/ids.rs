//! Where a phone's ids come from: a small generator of its own, so that a test
//! can be repeated exactly and no random number crate is needed.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// `SplitMix64`'s increment: odd, so that the state visits every 64 bit number.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A phone's source of ids. Clones share it: a clone of a phone is the same
/// phone and never repeats an id.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    seed: u64,
    drawn: Arc<AtomicU64>,
}

impl Ids {
    /// A source that differs from phone to phone and from run to run.
    pub(crate) fn random() -> Self {
        // Each RandomState hashes with keys of its own.
        Self::seeded(RandomState::new().build_hasher().finish())
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        // Seeds as people choose them (1, 2, 3) must not give overlapping
        // sequences, which neighbouring states would.
        Self {
            seed: mix(seed),
            drawn: Arc::default(),
        }
    }

    fn next(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        number(self.seed, drawn)
    }

    /// 32 random hex digits, as a native SDK makes a trace id.
    pub(crate) fn hex32(&self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next() | 1)
    }

    /// 16 random hex digits, never all zero.
    pub(crate) fn hex16(&self) -> String {
        format!("{:016x}", self.span_number())
    }

    /// A span id as a number, never zero.
    pub(crate) fn span_number(&self) -> u64 {
        self.next().max(1)
    }

    /// A version 4 UUID as 32 hex digits, as the web SDK makes the ids in `sw8`.
    pub(crate) fn uuid(&self) -> String {
        uuid(self.next(), self.next())
    }

    /// A trace id of the web SDK: such a UUID, but never with a zero in front.
    pub(crate) fn page_trace(&self) -> String {
        let mut id = self.uuid();
        if id.starts_with('0') {
            id.replace_range(..1, "1");
        }
        id
    }

    /// The session of this phone: the same at every call.
    pub(crate) fn session(&self) -> String {
        // Counted from the far end, where no tap will ever get to.
        uuid(number(self.seed, u64::MAX), number(self.seed, u64::MAX - 1))
    }

    /// The user of this phone, in the form that the SDKs make up by themselves.
    pub(crate) fn user(&self) -> String {
        let mut rest = u128::from(number(self.seed, u64::MAX - 2)) << 64
            | u128::from(number(self.seed, u64::MAX - 3));
        let mut id = String::from("uid_");
        for _ in 0..16 {
            let digit = u32::try_from(rest % 36).unwrap_or_default();
            id.push(char::from_digit(digit, 36).unwrap_or('0'));
            rest /= 36;
        }
        id
    }
}

/// Writes 32 hex digits with the dashes of a UUID.
pub(crate) fn dashed(uuid: &str) -> String {
    let mut text = String::with_capacity(36);
    for (at, digit) in uuid.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

fn uuid(high: u64, low: u64) -> String {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    format!("{high:016x}{low:016x}")
}

fn number(seed: u64, nth: u64) -> u64 {
    mix(seed.wrapping_add(nth.wrapping_mul(STEP)))
}

/// `SplitMix64`'s output function: one to one, so different states never give
/// the same number.
const fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_seeds_differ() {
        let draw = |ids: &Ids| [ids.uuid(), ids.hex16(), ids.hex32()];
        assert_eq!(draw(&Ids::seeded(7)), draw(&Ids::seeded(7)));
        assert_ne!(draw(&Ids::seeded(7)), draw(&Ids::seeded(8)));
        assert_ne!(draw(&Ids::random()), draw(&Ids::random()));
    }

    #[test]
    fn ids_have_the_forms_of_the_captures() {
        let ids = Ids::seeded(1);
        for _ in 0..1000 {
            let uuid = dashed(&ids.uuid());
            assert_eq!(uuid.len(), 36);
            assert_eq!(&uuid[14..15], "4", "{uuid}: not version 4");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}: not this variant");
            assert!(!ids.page_trace().starts_with('0'));
        }
        // The other UUIDs may.
        assert!((0..1000).any(|_| ids.uuid().starts_with('0')));
        assert_eq!(ids.hex16().len(), 16);
        assert_eq!(ids.hex32().len(), 32);
        assert_eq!(ids.session().len(), 32);
        assert_eq!(ids.session(), ids.session());
        assert_eq!(ids.user().len(), 20);
        assert_ne!(ids.user()[4..], ids.session()[..16]);
    }
}
