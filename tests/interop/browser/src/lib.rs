//! Real web SDKs in a real browser, before our axum and our actix-web service:
//! does each SERVER span continue what the SDK says that it began? `run`, beside
//! the sources, installs what this needs. For the interop matrix too, which has the
//! same pages with a Collector behind, and the browser before its longest chain.

mod arrivals;
pub mod browser;
mod captures;
pub mod carrier;
mod cells;
pub mod drive;
mod judge;
pub mod modes;
mod options;
mod phone;
mod record;
pub mod reports;
pub mod saw;
mod services;
pub mod site;
mod spans;
pub mod table;

use std::collections::BTreeMap;

pub use cells::By;
pub use judge::{Expected, Verdict};
pub use services::Framework;

/// What goes wrong outside of the cells.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Names in lower case. A header that came twice is joined with `, `.
pub type Headers = BTreeMap<String, String>;
