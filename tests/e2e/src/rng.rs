//! A small generator of numbers that are the same on every run.

/// xorshift64*: good enough to choose what to break, and a line of code.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator seeded by a text (FNV-1a), so that each case has numbers of
    /// its own.
    #[must_use]
    pub fn seeded(text: &str) -> Self {
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // The state of a xorshift must not be zero.
        Rng(hash | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, and 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The upper bits are the good ones.
        let number = usize::try_from(self.next() >> 33).unwrap_or_default();
        number.checked_rem(end).unwrap_or_default()
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// One of several.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_one_others() {
        let numbers = |seed| {
            let mut rng = Rng::seeded(seed);
            [(); 8].map(|()| rng.below(1000))
        };
        assert_eq!(numbers("a"), numbers("a"));
        assert_ne!(numbers("a"), numbers("b"));
    }

    #[test]
    fn every_byte_comes() {
        let mut rng = Rng::seeded("bytes");
        let mut seen = [false; 256];
        for _ in 0..20_000 {
            seen[usize::from(rng.byte())] = true;
        }
        assert!(seen.iter().all(|seen| *seen));
    }
}
