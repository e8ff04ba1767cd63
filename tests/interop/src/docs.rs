//! The table in docs/INTEROP.md.

use std::path::Path;

use crate::BoxError;

const BEGIN: &str = "<!-- the matrix: written by tests/interop/run --write-docs -->\n";
const END: &str = "<!-- end of the matrix -->";

/// Puts the table between the marks.
pub(crate) fn write(table: &str, date: &str) -> Result<(), BoxError> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/INTEROP.md");
    let text = std::fs::read_to_string(&file)?;
    let collector = collector_version();
    let block = format!("As of {date}, with OpenTelemetry Collector {collector}:\n\n{table}\n\n");
    let text = between(&text, &block).ok_or("docs/INTEROP.md has no place for the matrix")?;
    std::fs::write(file, text)?;
    Ok(())
}

fn between(text: &str, block: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{block}{END}{after}"))
}

/// As it is built: the receiver's version is the distribution's.
fn collector_version() -> &'static str {
    let manifest = include_str!("../collector/builder.yaml");
    let version = manifest.split_once("otlpreceiver v").map(|(_, rest)| rest);
    version
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = format!("before\n{BEGIN}old{END}\nafter\n");
        let new = between(&text, "new\n").expect("a place");
        assert_eq!(new, format!("before\n{BEGIN}new\n{END}\nafter\n"));
        assert_eq!(between("no marks", "new"), None);
    }

    #[test]
    fn the_docs_have_the_marks() {
        let text = include_str!("../../../docs/INTEROP.md");
        assert!(between(text, "").is_some());
        assert!(collector_version().contains('.'));
    }
}
