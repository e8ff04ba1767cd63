//! How often one operation of each side of `parsing` allocates: a line each,
//! name and number with a tab between them.

use rum_trace_benches::parsing::comparisons;

fn main() {
    for comparison in comparisons() {
        for side in [comparison.ours, comparison.peer] {
            // Once before: what is set up on first use is no operation's cost.
            (side.run)();
            let count = allocation_counter::measure(&side.run).count_total;
            println!("{}\t{count}", side.name);
        }
    }
}
