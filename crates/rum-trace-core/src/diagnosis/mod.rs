//! Where a trace broke: what each request's headers came to, told as numbers and,
//! now and then, as a line in the log.
//!
//! The request path only sets bits ([`Findings`]). What they mean is counted and
//! told out of its way, and never holds anything that a client sent: a header that
//! was refused is named by its carrier and part.

mod class;
mod expected;
mod finding;
mod findings;
mod journal;
mod request;
mod topic;

pub use class::CarrierClass;
pub use finding::{Finding, MalformedPart};

pub(crate) use expected::Expected;
pub(crate) use findings::Findings;
pub(crate) use journal::Journal;
pub(crate) use topic::Topic;
