//! Serves requests of one row, for callgrind to count.

use rum_trace_bench_overhead::catalogue;
use rum_trace_bench_requests::program;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    program::serve(&catalogue::makers())
}
