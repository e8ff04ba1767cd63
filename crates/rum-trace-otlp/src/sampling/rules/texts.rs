//! The texts of many conditions, looked at all at once.

use super::Condition;

/// A set of rules, by their places.
pub(super) type Places = u64;

/// What the rules say of one fact: which of them a text fits.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Those that say nothing of it.
    pub(super) free: Places,
    /// Of the exact texts, in order: numbers are compared for less than texts.
    heads: Vec<u64>,
    /// As many.
    exact: Vec<(Box<str>, Places)>,
    prefixes: Vec<Prefix>,
}

#[derive(Debug)]
struct Prefix {
    head: u64,
    /// What of the head is the prefix's.
    mask: u64,
    text: Box<str>,
    places: Places,
}

impl Texts {
    /// By the conditions of the rules, each with its place.
    pub(super) fn of<'c>(conditions: impl Iterator<Item = Option<&'c Condition>>) -> Self {
        let mut texts = Texts::default();
        for (place, condition) in conditions.enumerate() {
            let places = 1 << place;
            match condition {
                None => texts.free |= places,
                Some(condition) => texts.add(condition, places),
            }
        }
        texts.exact.sort_by_key(|(text, _)| head(text));
        texts.heads = texts.exact.iter().map(|(text, _)| head(text)).collect();
        texts
    }

    fn add(&mut self, condition: &Condition, places: Places) {
        let exact = condition.exact.iter();
        self.exact.extend(exact.map(|text| (text.clone(), places)));
        let prefixes = condition.prefixes.iter();
        self.prefixes.extend(prefixes.map(|text| Prefix {
            head: head(text),
            mask: u64::MAX << (64 - 8 * text.len().min(8)),
            text: text.clone(),
            places,
        }));
    }

    /// No rule says anything of it.
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }

    /// The rules that the text fits, with those that say nothing of it.
    pub(super) fn fitting(&self, text: &str) -> Places {
        let head = head(text);
        let mut fitting = self.free;
        let first = self.heads.partition_point(|it| *it < head);
        let alike = self.heads[first..].iter().take_while(|it| **it == head);
        for (_, (exact, places)) in alike.zip(&self.exact[first..]) {
            if **exact == *text {
                fitting |= places;
            }
        }
        for prefix in &self.prefixes {
            if (head ^ prefix.head) & prefix.mask == 0 && text.starts_with(&*prefix.text) {
                fitting |= prefix.places;
            }
        }
        fitting
    }
}

/// The first eight bytes; a shorter text has zeros behind it.
fn head(text: &str) -> u64 {
    match text.as_bytes().first_chunk() {
        Some(head) => u64::from_be_bytes(*head),
        None => {
            let bytes = text.bytes().zip((0..8).rev());
            bytes.fold(0, |head, (byte, place)| {
                head | u64::from(byte) << (8 * place)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        // Few letters, so that texts are alike in what comes first.
        prop::string::string_regex("[ab\u{e9}]{1,12}").expect("a pattern")
    }

    fn condition() -> impl Strategy<Value = Option<Condition>> {
        let pattern = (text(), any::<bool>())
            .prop_map(|(text, is_prefix)| text + if is_prefix { "*" } else { "" });
        let condition = vec(pattern, 1..4).prop_map(Condition::any_of);
        option::of(condition.prop_map(|it| it.expect("stars at the end")))
    }

    proptest! {
        /// As if each condition were asked for itself.
        #[test]
        fn all_at_once_is_as_one_by_one(conditions in vec(condition(), 0..64), text in text()) {
            let texts = Texts::of(conditions.iter().map(Option::as_ref));
            let fitting = texts.fitting(&text);
            for (place, condition) in conditions.iter().enumerate() {
                let fits = condition.as_ref().is_none_or(|it| it.fits(&text));
                prop_assert_eq!(fitting >> place & 1 == 1, fits, "{}: {:?}", place, condition);
            }
            prop_assert_eq!(texts.fitting("") & !texts.free, 0);
        }
    }
}
