//! `/topology`: of one trace, or of all that are kept.

use super::query::Query;
use super::{Answer, no_such_trace, trace_id};
use crate::analysis::topology::{self, Topology};
use crate::collector::Store;

pub(super) fn answer(store: &Store, query: Option<&str>) -> Answer<topology::Answer> {
    let query = Query::parse(query, &["trace_id"])?;
    let Some(id) = query.text("trace_id") else {
        return Ok(topology::Answer::new(&store.topology(), true));
    };
    let kept = store.get(trace_id(id)?).ok_or_else(no_such_trace)?;
    let topology = kept
        .look(|evidence| Topology::of(evidence.spans, evidence.tree, evidence.tap, evidence.peers));
    Ok(topology::Answer::new(&topology, false))
}
