//! What is asked of the browser, and what it answers.

use serde::Serialize;
use serde_json::Value;

use crate::modes::Mode;
pub(crate) use crate::saw::{Answer, Identity, Life, Saw};
use crate::services::{Framework, Services};
use crate::site::Site;

/// How a page makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// By `fetch`, with a body.
    Fetch,
    /// By `XMLHttpRequest`.
    Xhr,
}

impl By {
    /// Both.
    pub const ALL: [By; 2] = [By::Fetch, By::Xhr];

    /// `fetch` or `xhr`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Xhr => "xhr",
        }
    }

    /// One with a body, and one without.
    const fn method(self) -> &'static str {
        match self {
            Self::Fetch => "POST",
            Self::Xhr => "GET",
        }
    }
}

/// One request of a page.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cell {
    #[serde(skip)]
    pub(crate) framework: Framework,
    pub(crate) by: By,
    pub(crate) method: &'static str,
    pub(crate) url: String,
    /// Its own in the whole run: what happened to the request is found by it.
    #[serde(skip)]
    pub(crate) path: String,
    #[serde(skip)]
    pub(crate) route: String,
}

/// One mode: a page with a session of its own, and its requests.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) mode: &'static Mode,
    pub(crate) cells: Vec<Cell>,
    page: String,
    options: Value,
    pub(crate) page_host: String,
    /// All that the page may ask.
    origins: Vec<String>,
}

impl Case {
    pub(crate) fn new(
        number: usize,
        mode: &'static Mode,
        site: &Site,
        services: &Services,
    ) -> Self {
        let cells = By::ALL
            .into_iter()
            .flat_map(|by| Framework::ALL.map(|framework| (by, framework)))
            .enumerate()
            .map(|(nth, (by, framework))| {
                let path = format!("/{}/{}", mode.collection, 100 * (number + 1) + nth);
                Cell {
                    framework,
                    by,
                    method: by.method(),
                    url: format!("{}{path}", services.origin(framework)),
                    path,
                    route: format!("/{}/{{id}}", mode.collection),
                }
            })
            .collect();
        let called = Framework::ALL.map(|framework| services.origin(framework));
        let mut origins: Vec<String> = called.map(str::to_owned).to_vec();
        origins.extend([site.origin(), site.sink()]);
        Case {
            mode,
            cells,
            page: format!("{}{}", site.origin(), mode.sdk.page()),
            options: mode.options(&called, &site.sink()),
            page_host: site.host(),
            origins,
        }
    }

    /// As the driver reads it.
    pub(crate) fn order(&self) -> Order<'_> {
        Order {
            page: &self.page,
            options: &self.options,
            requests: &self.cells,
        }
    }

    /// Whether the page may ask for this URL.
    pub(crate) fn knows(&self, url: &str) -> bool {
        self.origins.iter().any(|origin| {
            let path = url.strip_prefix(origin.as_str());
            path.is_some_and(|path| path.starts_with('/'))
        })
    }

    /// What the SDK must report of: it says nothing of the URLs that it leaves alone.
    pub(crate) fn reported_urls(&self) -> impl Iterator<Item = &str> {
        let traced = self.mode.traced();
        self.cells
            .iter()
            .filter(move |_| traced)
            .map(|cell| cell.url.as_str())
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Order<'a> {
    page: &'a str,
    options: &'a Value,
    requests: &'a [Cell],
}
