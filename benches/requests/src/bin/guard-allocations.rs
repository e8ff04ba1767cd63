//! Counts what the requests of one row allocate.

use rum_trace_bench_requests::{guard, program};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    program::allocations(&guard::makers(), |run| {
        let counted = allocation_counter::measure(run);
        (counted.count_total, counted.bytes_total)
    })
}
