//! The tables in docs/INTEROP.md.

use std::path::Path;

use crate::BoxError;

/// A text of the run, and the mark of its place.
pub(crate) type Block = (&'static str, String);

/// Puts each text between its marks.
pub(crate) fn write(blocks: &[Block], date: &str) -> Result<(), BoxError> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/INTEROP.md");
    let mut text = std::fs::read_to_string(&file)?;
    let collector = collector_version();
    for (name, block) in blocks {
        let block = format!("As of {date}, with OpenTelemetry Collector {collector}{block}\n\n");
        let written = between(&text, name, &block);
        text = written.ok_or_else(|| format!("docs/INTEROP.md has no place for {name}"))?;
    }
    std::fs::write(file, text)?;
    Ok(())
}

fn between(text: &str, name: &str, block: &str) -> Option<String> {
    let begin = format!("<!-- {name}: written by tests/interop/run --write-docs -->\n");
    let end = format!("<!-- end of {name} -->");
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{block}{end}{after}"))
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
        let text = |inside: &str| {
            let begin = "<!-- it: written by tests/interop/run --write-docs -->";
            format!("before\n{begin}\n{inside}<!-- end of it -->\nafter\n")
        };
        let new = between(&text("old"), "it", "new\n").expect("a place");
        assert_eq!(new, text("new\n"));
        assert_eq!(between("no marks", "it", "new"), None);
        assert_eq!(between(&text("old"), "another", "new"), None);
    }

    #[test]
    fn the_docs_have_the_marks() {
        let text = include_str!("../../../docs/INTEROP.md");
        for name in crate::matrix::BLOCKS {
            assert!(between(text, name, "").is_some(), "{name}");
        }
        assert!(collector_version().contains('.'));
    }
}
