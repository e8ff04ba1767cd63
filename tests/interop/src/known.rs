//! The cells that fail for a reason that we know.

use std::collections::BTreeMap;

use crate::BoxError;

/// Reasons by the cell's name, `peer/column`.
pub(crate) fn reasons() -> Result<BTreeMap<String, String>, BoxError> {
    Ok(serde_json::from_str(include_str!("../known.json"))?)
}
