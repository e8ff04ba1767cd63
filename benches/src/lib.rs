//! What the benchmarks share: the work that is measured, the measuring in
//! interleaved rounds, and the printed record.

pub mod parsing;
pub mod record;
pub mod rounds;
