//! The findings of one request.

use super::Finding;

/// Which findings a request has: a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings(u64);

const _: () = assert!(Finding::COUNT <= u64::BITS as usize);

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        self.0 |= bit(finding);
    }

    pub(crate) fn remove(&mut self, finding: Finding) {
        self.0 &= !bit(finding);
    }

    pub(crate) fn contains(self, finding: Finding) -> bool {
        self.0 & bit(finding) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Finding> {
        // What is found of many requests stands first.
        let end = u64::BITS - self.0.leading_zeros();
        let up_to_last = Finding::all().take(end as usize);
        up_to_last.filter(move |finding| self.contains(*finding))
    }
}

fn bit(finding: Finding) -> u64 {
    1 << finding.index()
}
