//! All figures of a row, and where to find a row by its name.

use std::error::Error;

use rum_trace_bench_requests::program::{self, Allocated};
use rum_trace_bench_requests::row::{Group, Row};

use crate::timing::{Caches, Quartiles, measure};

/// A row and what was measured of it; over the bare framework, but for the bare
/// rows themselves.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Which row.
    pub row: Row,
    /// Nanoseconds.
    pub hot: Quartiles,
    /// Nanoseconds with 256 KiB touched between requests.
    pub cold: Quartiles,
    /// Allocations.
    pub allocations: i64,
    /// Bytes that they ask for.
    pub bytes: i64,
    /// Whether all requests allocate the same number of times.
    pub same: bool,
    /// Attributes of the span.
    pub attributes: Option<usize>,
    /// Instructions.
    pub instructions: f64,
}

/// The figures of many rows.
#[derive(Clone, Debug)]
pub struct All(pub Vec<Figures>);

impl All {
    /// Measures these rows.
    ///
    /// # Errors
    ///
    /// If one of the programs that count is missing or fails.
    pub fn measure(rows: &[Row], rounds: usize) -> Result<Self, Box<dyn Error>> {
        // Counting first: it is what tells of a mistake at once.
        let allocated = program::allocated("overhead-allocations", rows)?;
        let instructions = program::instructions("overhead-serve", rows)?;
        let hot = measure(rows, rounds, Caches::Hot);
        let cold = measure(rows, rounds, Caches::Cold);
        let figures = (0..rows.len()).map(|at| {
            let bare = rows.iter().position(|other| {
                other.is_bare() && other.group == rows[at].group && !rows[at].is_bare()
            });
            let bare_allocated = bare.map_or(Allocated::default(), |bare| allocated[bare]);
            Figures {
                row: rows[at],
                hot: hot[at],
                cold: cold[at],
                allocations: allocated[at].count - bare_allocated.count,
                bytes: allocated[at].bytes - bare_allocated.bytes,
                same: allocated[at].same,
                attributes: allocated[at].attributes,
                instructions: instructions[at] - bare.map_or(0.0, |bare| instructions[bare]),
            }
        });
        Ok(All(figures.collect()))
    }

    /// The figures of one row.
    #[must_use]
    pub fn find(&self, group: Group, name: &str) -> Option<&Figures> {
        self.0
            .iter()
            .find(|figures| figures.row.group == group && figures.row.name() == name)
    }
}
