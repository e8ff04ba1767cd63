//! Serves requests of one row and exports their spans, for callgrind to count: what all
//! threads do, the collector's among them.

use rum_trace_bench_overhead::export::{self, Exports};
use rum_trace_bench_requests::{program, sdk};

/// A batch of the SDK's: it drops what does not fit into four of them, and under
/// callgrind only one thread runs at a time.
const BATCH: usize = 512;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exports = Exports::start()?;
    sdk::export(true);
    program::serve_in_parts(&export::makers(), BATCH, || exports.flush())?;
    match exports.has_all() {
        true => Ok(()),
        false => Err(exports.account().into()),
    }
}
