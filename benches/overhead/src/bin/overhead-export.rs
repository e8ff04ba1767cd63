//! Serves requests of one row and exports their spans, for callgrind to count: what all
//! threads do, the collector's among them.

use rum_trace_bench_overhead::export::{self, Exports};
use rum_trace_bench_requests::{program, sdk};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exports = Exports::start()?;
    sdk::export(true);
    program::serve(&export::makers())?;
    // Waits until all that was sent is acknowledged.
    let account = exports.account();
    if !account.contains("(0 lost)") {
        return Err(account.into());
    }
    Ok(())
}
