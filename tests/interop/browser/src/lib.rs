//! The browser and the page with the SDKs, for whoever puts services behind them: the
//! table of this package, and the longest chain of the interop matrix.

pub mod browser;
pub mod carrier;
pub mod modes;
mod options;
pub mod reports;
pub mod saw;
pub mod site;

use std::collections::BTreeMap;

/// What goes wrong outside of the cells.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Names in lower case. A header that came twice is joined with `, `.
pub type Headers = BTreeMap<String, String>;
