//! The programs that measure one row and nothing else, so that no row's numbers
//! hang on what ran before it.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

use rum_trace_bench_harness::callgrind::{self, Runs};

use crate::load::Load;
use crate::row::{Maker, Row, rows};
use crate::sdk;

/// Requests before the count begins: what is set up on first use is no request's
/// cost.
const WARM_UP: usize = 256;
/// Requests that are counted.
const COUNTED: usize = 128;

/// What a row allocates for one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    /// Allocations of the usual request: the median, if requests differ.
    pub count: i64,
    /// The bytes that they ask for, in the same way.
    pub bytes: i64,
    /// Whether all requests allocated the same number of times.
    pub same: bool,
    /// Attributes of the request's span, if it has one.
    pub attributes: Option<usize>,
}

/// Serves so many requests of the row that the arguments name, and does nothing
/// else: the program that callgrind counts.
///
/// # Errors
///
/// If the arguments are not the name of a row and a number.
pub fn serve(makers: &[Maker]) -> Result<(), Box<dyn Error>> {
    serve_in_parts(makers, usize::MAX, || Ok(()))
}

/// The same, with a pause after each `part` requests.
///
/// # Errors
///
/// Likewise, and what `pause` finds wrong.
pub fn serve_in_parts(
    makers: &[Maker],
    part: usize,
    mut pause: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let row = named(makers, arguments.next())?;
    let count: usize = arguments.next().ok_or("how many requests?")?.parse()?;
    let mut subject = row.make();
    for served in (16..=count).step_by(16) {
        subject.serve(16);
        if served % part == 0 {
            pause()?;
        }
    }
    Ok(())
}

/// Prints what `measure` counts in the requests of the row that the first argument
/// names. Whoever calls this has the counting allocator linked in.
///
/// # Errors
///
/// If there is no such row.
pub fn allocations(
    makers: &[Maker],
    measure: fn(&mut dyn FnMut()) -> (u64, u64),
) -> Result<(), Box<dyn Error>> {
    let row = named(makers, std::env::args().nth(1))?;
    let mut subject = row.make();
    subject.serve(WARM_UP);
    let (mut counts, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..COUNTED {
        let (count, size) = subject.enter(|subject| {
            subject.prepare(1);
            measure(&mut || subject.serve())
        });
        counts.push(count);
        bytes.push(size);
    }
    let attributes = attributes(&row);
    let attributes = attributes.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let same = counts.iter().all(|count| *count == counts[0]);
    println!("{} {} {same} {attributes}", median(counts), median(bytes));
    Ok(())
}

/// How many its span has, if it has one.
fn attributes(row: &Row) -> Option<usize> {
    sdk::watch();
    sdk::attributes_of_the_last();
    row.make().serve(1);
    sdk::attributes_of_the_last()
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

fn named(makers: &[Maker], name: Option<String>) -> Result<Row, Box<dyn Error>> {
    let name = name.ok_or("which row?")?;
    let mut rows = rows(makers, &Load::ALL).into_iter();
    let row = rows.find(|row| row.id() == name);
    row.ok_or_else(|| format!("there is no row {name:?}").into())
}

/// Runs a package's program that prints [`allocations`], for each row.
///
/// # Errors
///
/// If it is missing, or fails.
pub fn allocated(program: &str, rows: &[Row]) -> Result<Vec<Allocated>, Box<dyn Error>> {
    let program = beside(program)?;
    let run = |row: &Row| -> Result<Allocated, Box<dyn Error>> {
        let output = Command::new(&program).arg(row.id()).output()?;
        if !output.status.success() {
            let log = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}: {log}", row.id()).into());
        }
        read(&String::from_utf8(output.stdout)?)
            .ok_or_else(|| format!("{}: no numbers", row.id()).into())
    };
    rows.iter().map(run).collect()
}

fn read(line: &str) -> Option<Allocated> {
    let mut words = line.split_whitespace();
    Some(Allocated {
        count: words.next()?.parse().ok()?,
        bytes: words.next()?.parse().ok()?,
        same: words.next()?.parse().ok()?,
        attributes: words.next()?.parse().ok(),
    })
}

/// Instructions a request of each row, by a package's program that [`serve`]s.
///
/// # Errors
///
/// If it or valgrind is missing, or fails.
pub fn instructions(program: &str, rows: &[Row]) -> Result<Vec<f64>, Box<dyn Error>> {
    callgrind::instructions(&beside(program)?, &names(rows), Runs::SHORT)
}

/// The same, of a program that also exports what the requests leave.
///
/// # Errors
///
/// If it or valgrind is missing, or fails.
pub fn instructions_exporting(program: &str, rows: &[Row]) -> Result<Vec<f64>, Box<dyn Error>> {
    callgrind::instructions(&beside(program)?, &names(rows), Runs::BATCHES)
}

fn names(rows: &[Row]) -> Vec<String> {
    rows.iter().map(Row::id).collect()
}

/// Another program of the package that is running.
fn beside(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?.with_file_name(name);
    if program.exists() {
        Ok(program)
    } else {
        Err(format!(
            "{} is missing; start benches/run or benches/guard",
            program.display()
        )
        .into())
    }
}
