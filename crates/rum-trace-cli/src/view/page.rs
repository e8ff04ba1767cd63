//! The page: a few files of fixed names, inside this program.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::api::ApiError;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file beside the page.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static [u8],
}

pub(super) async fn index() -> Response {
    file(HTML, include_bytes!("page/index.html"))
}

/// One of the files beside it.
pub(super) fn asset(name: &str) -> Result<Response, ApiError> {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    let asset = found.ok_or_else(|| ApiError::not_found("there is no such file"))?;
    Ok(file(asset.content_type, asset.body))
}

/// An answer that the same program gives again, and the next version not.
fn file(kind: &'static str, content: &'static [u8]) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")];
    (headers, content).into_response()
}

macro_rules! assets {
    ($($kind:ident: $($name:literal)*;)*) => {
        &[$($(Asset {
            name: $name,
            content_type: $kind,
            body: include_bytes!(concat!("page/", $name)),
        },)*)*]
    };
}

pub(crate) static ASSETS: &[Asset] = assets! {
    SVG: "icon.svg";
    CSS: "base.css" "colours.css" "details.css" "diagram.css" "session.css" "shell.css"
        "status.css" "trace.css" "traces.css" "waterfall.css";
    SCRIPT: "api.js" "arrivals.js" "attributes.js" "axis.js" "details.js" "diagram.js" "dom.js" "drag.js" "empty.js" "finder.js"
        "format.js" "icons.js" "keys.js" "layout.js" "live-page.js" "live.js" "main.js" "minimap.js" "parts.js" "press.js" "query.js"
        "renew.js" "router.js" "rows.js" "services.js" "session.js" "sessions.js" "status.js" "table.js"
        "theme-first.js" "theme.js" "topology.js" "trace.js" "traces.js" "waterfall-keys.js"
        "waterfall-pool.js" "waterfall-row.js" "waterfall-view.js"
        "waterfall.js";
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/view/page")
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let served: BTreeSet<_> = ASSETS.iter().map(|asset| asset.name.to_owned()).collect();
        let there: BTreeSet<_> = fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "index.html")
            .collect();
        assert_eq!(served, there);
        assert_eq!(served.len(), ASSETS.len());
    }

    #[test]
    fn a_type_is_that_of_the_name() {
        for asset in ASSETS {
            let expected = match Path::new(asset.name)
                .extension()
                .and_then(|end| end.to_str())
            {
                Some("js") => SCRIPT,
                Some("css") => CSS,
                Some("svg") => SVG,
                other => panic!("{}: {other:?}", asset.name),
            };
            assert_eq!(asset.content_type, expected, "{}", asset.name);
        }
    }

    /// What the strict policy would refuse, or what would be loaded from elsewhere.
    #[test]
    fn nothing_is_inline_and_nothing_from_elsewhere() {
        let index = include_str!("page/index.html");
        for part in index.split('<').skip(1) {
            let tag = part.split('>').next().unwrap();
            assert!(!tag.contains("style="), "{tag}");
            assert!(!tag.contains(" on"), "{tag}");
            assert!(!tag.contains("://"), "{tag}");
            assert!(
                !tag.starts_with("script") || tag.contains("src=\"/assets/"),
                "{tag}"
            );
        }
        for asset in ASSETS {
            let text = std::str::from_utf8(asset.body).unwrap();
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
            ] {
                assert!(!text.contains(word), "{}: {word}", asset.name);
            }
        }
    }

    #[test]
    fn what_the_page_asks_for_is_there() {
        let known: BTreeSet<_> = ASSETS.iter().map(|asset| asset.name).collect();
        let index = include_str!("page/index.html");
        let linked = index
            .split("/assets/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap());
        for name in linked {
            assert!(known.contains(name), "{name}");
        }
        for asset in ASSETS.iter().filter(|asset| asset.content_type == SCRIPT) {
            let text = std::str::from_utf8(asset.body).unwrap();
            for import in text.split(" from './").skip(1) {
                let name = import.split('\'').next().unwrap();
                assert!(known.contains(name), "{} imports {name}", asset.name);
            }
        }
    }
}
