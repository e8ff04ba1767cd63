//! The headers that were sent, in the form of `tests/data/captures`.

use std::path::Path;

use serde_json::{Value, json};

use crate::BoxError;
use crate::arrivals::Arrival;
use crate::cells::Case;
use crate::judge::trace_headers;

pub(crate) fn write(file: &Path, cases: &[Case], arrivals: &[Arrival]) -> Result<(), BoxError> {
    let record: Vec<Value> = cases
        .iter()
        .flat_map(|case| case.cells.iter().map(move |cell| (case, cell)))
        .filter_map(|(case, cell)| {
            let arrival = arrivals
                .iter()
                .find(|arrival| arrival.path == cell.path && arrival.method == cell.method)?;
            Some(json!({
                "case": format!("{}: {}", case.mode.sdk.package(), case.mode.name),
                "by": cell.by.name(),
                "to": cell.framework.name(),
                "method": cell.method,
                "headers": trace_headers(&arrival.headers),
            }))
        })
        .collect();
    std::fs::write(file, serde_json::to_string_pretty(&record)?)?;
    Ok(())
}
