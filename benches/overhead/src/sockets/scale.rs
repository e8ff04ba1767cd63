//! From what a row costs the server to the spin that costs it the same.

use crate::timing::Quartiles;

/// Spins and what they cost: microseconds each, from the least to the most.
#[derive(Clone, Debug)]
pub struct Scale(Vec<(f64, f64)>);

impl Scale {
    /// Of spins and their costs, the spin of nothing among them.
    #[must_use]
    pub fn new(mut points: Vec<(f64, f64)>) -> Self {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Scale(points)
    }

    /// The spin that costs so much: linear between two spins, and beyond the last
    /// (or below the first) as between the nearest two.
    #[must_use]
    pub fn spin(&self, cost: f64) -> f64 {
        let above = |pair: &&[(f64, f64)]| cost <= pair[1].1;
        let pair = self.0.windows(2).find(above).or(self.0.windows(2).last());
        let Some(&[(spin, at), (next, to)]) = pair else {
            return f64::NAN;
        };
        spin + (cost - at) * (next - spin) / (to - at)
    }

    /// The longest spin that was measured.
    #[must_use]
    pub fn longest(&self) -> f64 {
        self.0.last().map_or(f64::NAN, |(spin, _)| *spin)
    }
}

/// The middle costs of each row over that of row `base`, in these rounds.
#[must_use]
pub fn over(rounds: &[Vec<f64>], base: usize) -> Vec<f64> {
    let rows = rounds.first().map_or(0, Vec::len);
    (0..rows)
        .map(|row| {
            let costs = rounds.iter().map(|round| round[row] - round[base]);
            Quartiles::of(costs.collect()).median
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Scale, over};

    #[test]
    fn costs_are_read_off_the_scale() {
        let scale = Scale::new(vec![(3.0, 5.0), (0.0, 0.0), (6.0, 7.0)]);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(scale.spin(2.5), 1.5);
        close(scale.spin(5.0), 3.0);
        close(scale.spin(6.0), 4.5);
        close(scale.spin(8.0), 7.5);
        close(scale.spin(-1.0), -0.6);
        close(scale.longest(), 6.0);
        assert!(Scale::new(Vec::new()).spin(1.0).is_nan());
    }

    #[test]
    fn rows_are_compared_within_their_round() {
        let rounds = [vec![1.0, 3.0], vec![10.0, 12.0], vec![5.0, 8.0]];
        assert_eq!(over(&rounds, 0), [0.0, 2.0]);
    }
}
