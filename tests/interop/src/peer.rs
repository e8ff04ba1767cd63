//! The peers: a folder each, with a `peer.json` that is its row.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::case::{Column, Side};
use crate::{BoxError, Choice, chain};

/// A row of the matrix.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The folder's name, and the `service.name`.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) about: About,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// The agent, and what it instruments.
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) speaks: Protocol,
    /// Whether it is in the part that CI runs.
    #[serde(default)]
    pub(crate) quick: bool,
    /// What was tried, if it cannot be had: then there is nothing to install or to start.
    pub(crate) not_had: Option<String>,
    /// Whether it only calls, as a phone does.
    #[serde(default)]
    pub(crate) only_calls: bool,
    /// What a reader of the table must know of it.
    pub(crate) note: Option<String>,
}

/// What an agent reads and writes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    W3c,
    Sw8,
}

impl Peer {
    pub(crate) fn cell(&self, column: Column) -> String {
        format!("{}/{}", self.name, column.name())
    }

    /// Whether it can stand on this side of us.
    pub(crate) fn has_side(&self, side: Side) -> bool {
        side == Side::Before || !self.about.only_calls
    }

    /// The row's title: the system with its version, if one is known.
    pub(crate) fn title(&self) -> String {
        let title = format!("{} {}", self.about.title, self.about.version);
        title.trim_end().to_owned()
    }

    fn read(folder: PathBuf) -> Result<Self, BoxError> {
        let text = std::fs::read_to_string(folder.join("peer.json"))?;
        let about = serde_json::from_str(&text);
        let about = about.map_err(|error| format!("{}: {error}", folder.display()))?;
        let name = folder.file_name().unwrap_or_default();
        Ok(Peer {
            name: name.to_string_lossy().into_owned(),
            about,
            folder,
        })
    }
}

impl Choice {
    pub(crate) fn has(&self, peer: &Peer, column: Column) -> bool {
        self.wants(&peer.cell(column), peer.about.quick)
    }

    /// Whether this cell is to be run, which is in CI's part or is not.
    pub(crate) fn wants(&self, cell: &str, quick: bool) -> bool {
        let named = self.cells.is_empty() || self.cells.iter().any(|part| cell.contains(part));
        named && (quick || !self.quick)
    }

    pub(crate) fn has_row(&self, peer: &Peer) -> bool {
        Column::ALL.iter().any(|&column| self.has(peer, column))
    }

    pub(crate) fn is_all(&self) -> bool {
        !self.quick && self.cells.is_empty()
    }
}

/// All peers, sorted by name.
pub(crate) fn all() -> Result<Vec<Peer>, BoxError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut folders: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|folder| folder.join("peer.json").exists())
        .collect();
    folders.sort();
    folders.into_iter().map(Peer::read).collect()
}

/// For `run`, which installs them.
pub(crate) fn print(choice: &Choice) -> Result<bool, BoxError> {
    for peer in all()? {
        let is_needed = choice.has_row(&peer) || chain::needs_peer(choice, &peer.name);
        if peer.about.not_had.is_none() && is_needed {
            println!("{}", peer.name);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_is_whole() {
        for peer in all().expect("the peers") {
            let has = |file: &str| peer.folder.join(file).exists();
            let is_had = peer.about.not_had.is_none();
            assert_eq!(has("install"), is_had, "{}: install", peer.name);
            assert_eq!(has("start"), is_had, "{}: start", peer.name);
        }
    }

    /// The version that the table shows is the one that is installed.
    #[test]
    fn versions_are_those_of_the_folder() {
        for peer in all().expect("the peers") {
            let files = std::fs::read_dir(&peer.folder).expect("a folder");
            let files = files.map(|entry| entry.expect("an entry").path());
            let files = files.filter(|file| !file.ends_with("peer.json"));
            let text: String = files
                .filter_map(|it| std::fs::read_to_string(it).ok())
                .collect();
            let version = &peer.about.version;
            let is_there = peer.about.not_had.is_some() || text.contains(version);
            assert!(is_there, "{}: {version}", peer.name);
        }
    }
}
