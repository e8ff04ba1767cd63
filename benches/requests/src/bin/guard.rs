//! `benches/guard`: fails if a request costs more than is recorded.

use std::error::Error;
use std::process::ExitCode;

use rum_trace_bench_harness::record;
use rum_trace_bench_requests::guard::{self, Verdict};

const HELP: &str = "\
Something made a request dearer than benches/record/guard.json says. If that was
the price of something wanted, say so in the commit, and keep the new numbers with

    benches/guard --record
";

const BETTER: &str = "\
A request has become cheaper than benches/record/guard.json says. Keep it that way:

    benches/guard --record
";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let measured = guard::measure()?;
    if std::env::args().any(|argument| argument == "--record") {
        guard::write(&measured)?;
        let (table, _) = guard::compare(&measured, &measured);
        println!("{table}\nrecorded in {}", guard::path().display());
        return Ok(ExitCode::SUCCESS);
    }
    let (rustc, recorded) = guard::read()?;
    let (table, verdict) = guard::compare(&recorded, &measured);
    println!("{table}");
    let now = record::rustc();
    if now != rustc {
        println!(
            "The record is of {rustc}, this is {now}: instructions may differ by that alone.\n"
        );
    }
    Ok(match verdict {
        Verdict::Holds => ExitCode::SUCCESS,
        Verdict::Better => {
            println!("{BETTER}");
            ExitCode::SUCCESS
        }
        Verdict::Missed => {
            println!("{HELP}");
            ExitCode::FAILURE
        }
    })
}
