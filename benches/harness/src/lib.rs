//! What the benchmarks share: captured headers, the measuring in interleaved
//! rounds, counts of instructions, and the printed record.

pub mod callgrind;
pub mod captures;
pub mod record;
pub mod rounds;
pub mod table;
