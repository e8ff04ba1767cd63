//! What the spans of a trace, or of all, tell together. Pure functions: no clock,
//! no store, no I/O.

pub(crate) mod digest;
pub(crate) mod facts;
pub(crate) mod findings;
pub(crate) mod gaps;
pub(crate) mod phone;
pub(crate) mod rows;
pub(crate) mod session;
pub(crate) mod sketch;
pub(crate) mod summary;
pub(crate) mod topology;
pub(crate) mod tree;
