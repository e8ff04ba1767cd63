//! Quantiles of durations from counts: what is put in can be put together.

/// How many buckets there are between a power of two and the next: a quantile
/// is off by 1/32 at most.
const STEPS: u32 = 16;
const STEP_BITS: u32 = STEPS.ilog2();

/// Counts by bucket, in order. It has as many entries as there are durations of
/// different size, and no more than a thousand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sketch {
    counts: Vec<(u16, u32)>,
    max: u64,
}

impl Sketch {
    pub(crate) fn add(&mut self, duration: u64) {
        self.count(bucket(duration), 1);
        self.max = self.max.max(duration);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (bucket, times) in &other.counts {
            self.count(*bucket, *times);
        }
        self.max = self.max.max(other.max);
    }

    pub(crate) const fn max(&self) -> u64 {
        self.max
    }

    /// The duration that so many percent are not above.
    pub(crate) fn percentile(&self, percent: u64) -> u64 {
        let all: u64 = self.counts.iter().map(|(_, times)| u64::from(*times)).sum();
        let rank = all.saturating_mul(percent).div_ceil(100).max(1);
        let mut below = 0_u64;
        for (bucket, times) in &self.counts {
            below = below.saturating_add(u64::from(*times));
            if below >= rank {
                return middle(*bucket).min(self.max);
            }
        }
        self.max
    }

    pub(crate) fn weight(&self) -> usize {
        self.counts.capacity() * size_of::<(u16, u32)>()
    }

    fn count(&mut self, bucket: u16, times: u32) {
        match self
            .counts
            .binary_search_by_key(&bucket, |(known, _)| *known)
        {
            Ok(at) => {
                if let Some((_, known)) = self.counts.get_mut(at) {
                    *known = known.saturating_add(times);
                }
            }
            Err(at) => self.counts.insert(at, (bucket, times)),
        }
    }
}

/// Under two times STEPS each value has its own; from there on the highest bits
/// count.
fn bucket(value: u64) -> u16 {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(STEP_BITS + 1);
    let index = u64::from(shift * STEPS) + (value >> shift);
    u16::try_from(index).unwrap_or(u16::MAX)
}

fn middle(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    let steps = u64::from(STEPS);
    let shift = (bucket / steps).saturating_sub(1);
    let low = (bucket - shift * steps) << shift;
    low.saturating_add((1 << shift) / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_tells_its_values_by_one_in_32(value: u64, shift in 0..64_u32) {
            let value = value >> shift;
            let told = middle(bucket(value));
            prop_assert!(told.abs_diff(value) <= value / 32, "{value} {told}");
        }

        #[test]
        fn percentiles_are_near(mut values in proptest::collection::vec(0..1_000_000_u64, 1..99)) {
            let mut sketch = Sketch::default();
            let (mut one, mut two) = (Sketch::default(), Sketch::default());
            for (at, value) in values.iter().enumerate() {
                sketch.add(*value);
                if at % 3 == 0 { one.add(*value) } else { two.add(*value) }
            }
            one.merge(&two);
            prop_assert_eq!(&one, &sketch);
            values.sort_unstable();
            for percent in [50, 95, 100] {
                let exact = values[(values.len() * percent).div_ceil(100) - 1];
                let told = sketch.percentile(percent as u64);
                prop_assert!(told.abs_diff(exact) <= exact / 32, "{percent} {exact} {told}");
            }
            prop_assert_eq!(sketch.max(), *values.last().unwrap());
        }
    }
}
