//! The texts of many conditions, looked at all at once.

use super::Condition;

/// A set of rules, by their places.
pub(super) type Places = u64;

/// What the rules say of one fact: which of them a text fits.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Those that say nothing of it.
    pub(super) free: Places,
    /// What all heads have alike. Most texts fit nothing, and mostly it shows here.
    common: Common,
    /// Prefixes, and exact texts as long as they are few.
    patterns: Vec<Pattern>,
    many: Option<Box<Many>>,
}

/// The bytes of a head.
const HEAD: usize = size_of::<u64>();

/// As many exact texts are compared one by one: a search would take longer.
const FEW: usize = 8;

#[derive(Debug, Default)]
struct Common {
    head: u64,
    mask: u64,
}

#[derive(Debug)]
struct Pattern {
    head: u64,
    /// What of the head is to be alike.
    mask: u64,
    text: Box<str>,
    is_exact: bool,
    places: Places,
}

/// Exact texts in order of their heads: numbers are compared for less than texts.
#[derive(Debug, Default)]
struct Many {
    heads: Vec<u64>,
    /// As many.
    patterns: Vec<Pattern>,
}

impl Texts {
    /// By the conditions of the rules, each with its place.
    pub(super) fn of<'c>(conditions: impl Iterator<Item = Option<&'c Condition>>) -> Self {
        let mut texts = Texts::default();
        let mut exact = Vec::new();
        for (place, condition) in conditions.enumerate() {
            let places = 1 << place;
            let Some(condition) = condition else {
                texts.free |= places;
                continue;
            };
            let prefixes = condition.prefixes.iter();
            let prefixes = prefixes.map(|text| Pattern::prefix(text, places));
            texts.patterns.extend(prefixes);
            let whole = condition.exact.iter();
            exact.extend(whole.map(|text| Pattern::exact(text, places)));
        }
        texts.common = Common::of(texts.patterns.iter().chain(&exact));
        if exact.len() <= FEW {
            texts.patterns.append(&mut exact);
        } else {
            texts.many = Some(Box::new(Many::of(exact)));
        }
        texts
    }

    /// No rule says anything of it.
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.many.is_none()
    }

    /// The rules that the text fits, with those that say nothing of it.
    #[inline(always)]
    pub(super) fn fitting(&self, text: &str) -> Places {
        let head = head(text);
        let mut fitting = self.free;
        if (head ^ self.common.head) & self.common.mask != 0 {
            return fitting;
        }
        for pattern in &self.patterns {
            if (head ^ pattern.head) & pattern.mask == 0 && pattern.rest_fits(text) {
                fitting |= pattern.places;
            }
        }
        match &self.many {
            None => fitting,
            Some(many) => fitting | many.fitting(head, text),
        }
    }
}

impl Common {
    fn of<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Self {
        let of_one = |one: &Pattern| Common {
            head: one.head,
            mask: one.mask,
        };
        let alike = |some: Common, one: Common| Common {
            mask: some.mask & one.mask & !(some.head ^ one.head),
            ..some
        };
        patterns.map(of_one).reduce(alike).unwrap_or_default()
    }
}

impl Pattern {
    fn exact(text: &str, places: Places) -> Self {
        Pattern {
            head: head(text),
            mask: u64::MAX,
            text: text.into(),
            is_exact: true,
            places,
        }
    }

    fn prefix(text: &str, places: Places) -> Self {
        Pattern {
            // A condition has no empty text.
            mask: u64::MAX << (64 - 8 * text.len().clamp(1, HEAD)),
            is_exact: false,
            ..Pattern::exact(text, places)
        }
    }

    /// Whether the text fits, if its head does.
    #[inline]
    fn rest_fits(&self, text: &str) -> bool {
        let len = self.text.len();
        let has_length = text.len() == len || !self.is_exact && text.len() > len;
        has_length && (len <= HEAD || self.is_beginning_of(text))
    }

    #[inline(never)]
    fn is_beginning_of(&self, text: &str) -> bool {
        text.starts_with(&*self.text)
    }
}

impl Many {
    fn of(mut patterns: Vec<Pattern>) -> Self {
        patterns.sort_by_key(|it| it.head);
        Many {
            heads: patterns.iter().map(|it| it.head).collect(),
            patterns,
        }
    }

    #[inline(never)]
    fn fitting(&self, head: u64, text: &str) -> Places {
        let first = self.heads.partition_point(|it| *it < head);
        let alike = self.patterns[first..].iter();
        alike
            .take_while(|it| it.head == head)
            .filter(|it| it.rest_fits(text))
            .fold(0, |fitting, it| fitting | it.places)
    }
}

/// The first eight bytes; a shorter text has zeros behind it.
#[inline]
fn head(text: &str) -> u64 {
    let bytes = text.as_bytes();
    match bytes.first_chunk() {
        Some(head) => u64::from_be_bytes(*head),
        None => short_head(bytes),
    }
}

/// From both its ends, which may overlap.
#[inline]
fn short_head(bytes: &[u8]) -> u64 {
    let space = 64 - 8 * bytes.len() as u32;
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_be_bytes(*first)) << 32
                | u64::from(u32::from_be_bytes(*last)) << space
        }
        _ => match bytes {
            [first, .., last] => {
                let middle = bytes[bytes.len() / 2];
                u64::from(*first) << 56 | u64::from(middle) << 48 | u64::from(*last) << space
            }
            [only] => u64::from(*only) << 56,
            [] => 0,
        },
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
        prop::string::string_regex("[ab\u{e9}\0]{1,12}").expect("a pattern")
    }

    fn condition() -> impl Strategy<Value = Option<Condition>> {
        let pattern = (text(), any::<bool>())
            .prop_map(|(text, is_prefix)| text + if is_prefix { "*" } else { "" });
        let condition = vec(pattern, 1..12).prop_map(Condition::any_of);
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
