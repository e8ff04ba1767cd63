//! The page's origin, and the receiver of what the SDKs report.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_http::cors::{Any, CorsLayer};
use tower_http::services::ServeDir;

use crate::BoxError;
use crate::modes::{RUM_PAGE, SKYWALKING_PAGE};
use crate::reports::{self, Report};

/// A guard against hanging: SDKs report within seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Both, on ports of their own.
#[derive(Debug)]
pub struct Site {
    page: SocketAddr,
    sink: SocketAddr,
    reports: watch::Sender<Vec<Report>>,
    /// Ends with the site.
    _serving: JoinSet<std::io::Result<()>>,
}

impl Site {
    /// Serves the pages, with the SDKs from this `node_modules`.
    ///
    /// # Errors
    ///
    /// When that is not there, or no port is free.
    pub async fn start(modules: &Path) -> Result<Self, BoxError> {
        if !modules.is_dir() {
            return Err(format!("{} is not there", modules.display()).into());
        }
        let (page, sink) = (listener().await?, listener().await?);
        let (page_address, sink_address) = (page.local_addr()?, sink.local_addr()?);
        let reports = watch::Sender::new(Vec::new());
        let (pages, receiver) = (pages(modules), receiver(reports.clone()));
        let mut serving = JoinSet::new();
        serving.spawn(async { axum::serve(page, pages).await });
        serving.spawn(async { axum::serve(sink, receiver).await });
        Ok(Site {
            page: page_address,
            sink: sink_address,
            reports,
            _serving: serving,
        })
    }

    /// Where the pages are.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.page)
    }

    /// The host in it.
    #[must_use]
    pub fn host(&self) -> String {
        self.page.to_string()
    }

    /// Where the SDKs report.
    #[must_use]
    pub fn sink(&self) -> String {
        format!("http://{}", self.sink)
    }

    /// The SDK's report of the request for this URL; `None` if it does not come within
    /// some seconds.
    pub async fn wait_for_report_of(&self, url: &str) -> Option<Report> {
        let mut reports = self.reports.subscribe();
        let of_url = |report: &&Report| report.url == url;
        let reported = reports.wait_for(|all| all.iter().any(|report| of_url(&report)));
        let reported = tokio::time::timeout(PATIENCE, reported).await.ok()?.ok()?;
        reported.iter().find(of_url).cloned()
    }

    /// All that was reported.
    #[must_use]
    pub fn stop(self) -> Vec<Report> {
        self.reports.borrow().clone()
    }
}

async fn listener() -> std::io::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").await
}

fn pages(modules: &Path) -> Router {
    let html = |text: &'static str| get(move || async move { Html(text) });
    Router::new()
        .route(RUM_PAGE, html(include_str!("../page/rum.html")))
        .route(
            SKYWALKING_PAGE,
            html(include_str!("../page/skywalking.html")),
        )
        .nest_service("/sdk", ServeDir::new(modules))
        // The browser asks for an icon by itself.
        .fallback(|| async { StatusCode::NO_CONTENT })
}

/// Takes everything, as from a page of another origin.
fn receiver(reports: watch::Sender<Vec<Report>>) -> Router {
    Router::new()
        .fallback(receive)
        .with_state(reports)
        .layer(CorsLayer::new().allow_origin(Any).allow_headers(Any))
}

async fn receive(
    State(reports): State<watch::Sender<Vec<Report>>>,
    uri: Uri,
    body: Bytes,
) -> StatusCode {
    let read = reports::read(uri.path(), &body);
    reports.send_modify(|all| all.extend(read));
    StatusCode::NO_CONTENT
}
