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
    program::serve_in_parts(&export::makers(), BATCH, || patiently(&exports))?;
    match exports.has_all() {
        true => Ok(()),
        false => Err(exports.account().into()),
    }
}

/// The SDK gives a flush five seconds, which under callgrind can be too short.
fn patiently(exports: &Exports) -> Result<(), Box<dyn std::error::Error>> {
    for _ in 0..10 {
        if exports.flush().is_ok() {
            return Ok(());
        }
    }
    exports.flush()
}
