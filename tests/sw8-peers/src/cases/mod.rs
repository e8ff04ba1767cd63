//! The headers that are tried, and what is meant by them.

mod bulk;
mod came_in;
mod correlation;
mod length;
mod names;
mod own;

use crate::Sent;

/// Every header that is tried.
///
/// # Panics
///
/// If two have one name.
#[must_use]
pub fn all() -> Vec<Sent> {
    let groups = [
        own::cases(),
        came_in::captures(),
        came_in::vectors(),
        names::cases(),
        length::cases(),
        correlation::cases(),
        bulk::cases(),
    ];
    let all = groups.concat();
    let mut names: Vec<&str> = all.iter().map(|sent| &*sent.case).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    assert!(twice.is_none(), "two cases have one name: {twice:?}");
    all
}
