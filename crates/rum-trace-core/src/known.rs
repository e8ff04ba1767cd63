//! A set of names that a client can add to, up to a limit.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Names that were seen, the first `at_most` of them: what metric labels and
/// span names may be made of although a client chose them.
///
/// Reading takes no lock and does not allocate. A new name copies the set,
/// which happens at most `at_most` times in a process's life.
pub(crate) struct KnownNames {
    at_most: usize,
    names: ArcSwap<HashSet<Arc<str>>>,
}

impl KnownNames {
    pub(crate) fn new(at_most: usize) -> Self {
        KnownNames {
            at_most,
            names: ArcSwap::default(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<str>> {
        self.names.load().get(name).cloned()
    }

    /// The name, kept if there is still room. `None`: it is over the limit.
    pub(crate) fn get_or_add(&self, name: &str) -> Option<Arc<str>> {
        let known = self.names.load();
        if let Some(name) = known.get(name) {
            return Some(name.clone());
        }
        if known.len() >= self.at_most {
            return None;
        }
        let added: Arc<str> = Arc::from(name);
        self.names.rcu(|names| self.with(names, &added));
        // Another thread may have taken the last place meanwhile.
        self.get(name)
    }

    fn with(&self, names: &Arc<HashSet<Arc<str>>>, name: &Arc<str>) -> Arc<HashSet<Arc<str>>> {
        if names.len() >= self.at_most {
            return names.clone();
        }
        let mut names = HashSet::clone(names);
        names.insert(name.clone());
        Arc::new(names)
    }
}

impl fmt::Debug for KnownNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownNames")
            .field("at_most", &self.at_most)
            .field("len", &self.names.load().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_stay_and_no_other_gets_in() {
        let known = KnownNames::new(2);
        assert_eq!(known.get("a"), None);
        assert_eq!(known.get_or_add("a").as_deref(), Some("a"));
        assert_eq!(known.get_or_add("b").as_deref(), Some("b"));
        assert_eq!(known.get_or_add("c"), None);
        assert_eq!(known.get_or_add("a").as_deref(), Some("a"));
        assert_eq!(known.get("b").as_deref(), Some("b"));
        assert_eq!(known.get("c"), None);
    }

    #[test]
    fn the_limit_holds_when_many_threads_add() {
        let known = KnownNames::new(50);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let known = &known;
                scope.spawn(move || {
                    for i in 0..200 {
                        known.get_or_add(&format!("{thread}-{i}"));
                    }
                });
            }
        });
        assert_eq!(known.names.load().len(), 50);
    }
}
