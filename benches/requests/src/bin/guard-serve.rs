//! Serves requests of one row, for callgrind to count.

use rum_trace_bench_requests::{guard, program};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    program::serve(&guard::makers())
}
