//! Header values of every kind, and proof that the kinds are mixed well: a
//! property over values that are all refused would say nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Half of the values valid, the others with a few bytes changed, or random
/// bytes of the header's own alphabet, or any bytes.
pub(crate) fn mixed(valid: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Vec<u8>> {
    let valid = valid.prop_map(String::into_bytes).boxed();
    let changed = (valid.clone(), vec((any::<Index>(), edit()), 1..3));
    let changed = changed.prop_map(|(mut value, edits)| {
        for (at, edit) in edits {
            edit.apply(&mut value, at);
        }
        value
    });
    let alphabet =
        select(b"0123456789abcdefghmrstuvxyzABFG-_=,;:&/@.+% \t\"\\\0\x7f\xc3\xa9".to_vec());
    prop_oneof![
        5 => valid,
        4 => changed,
        1 => vec(alphabet, 0..80),
        1 => vec(any::<u8>(), 0..80),
    ]
    .boxed()
}

/// Lines of a header that may come several times.
pub(crate) fn lines(line: BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop_oneof![
        2 => vec(line.clone(), 1),
        1 => vec(line, 0..4),
    ]
}

/// Optional white space.
pub(crate) fn ows() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", "", " ", "\t", " \t "])
}

/// One change to a value.
#[derive(Clone, Debug)]
enum Edit {
    Replace(u8),
    Insert(u8),
    Remove,
    Truncate,
    Repeat,
    SwapCase,
}

fn edit() -> impl Strategy<Value = Edit> {
    let marks = b"0123456789abcdefgABG-_=,;:&/@.+% \t\"\\\0\x7f\xff\xc3\n".to_vec();
    let mark = select(marks);
    prop_oneof![
        3 => mark.clone().prop_map(Edit::Replace),
        3 => mark.prop_map(Edit::Insert),
        2 => Just(Edit::Remove),
        1 => Just(Edit::Truncate),
        1 => Just(Edit::Repeat),
        1 => Just(Edit::SwapCase),
    ]
}

impl Edit {
    fn apply(&self, value: &mut Vec<u8>, at: Index) {
        let place = at.index(value.len() + 1);
        match *self {
            Self::Insert(byte) => value.insert(place, byte),
            Self::Truncate => value.truncate(place),
            Self::Repeat => value.extend_from_within(place..),
            _ if place == value.len() => {}
            Self::Replace(byte) => value[place] = byte,
            Self::Remove => drop(value.remove(place)),
            Self::SwapCase => value[place] ^= 0x20,
        }
    }
}

/// Fails unless at least a tenth of a generator's values are of either kind.
pub(crate) fn assert_both<T>(values: impl Strategy<Value = T>, accepted: impl Fn(&T) -> bool) {
    const VALUES: usize = 300;
    let mut runner = TestRunner::deterministic();
    let mut value = || values.new_tree(&mut runner).unwrap().current();
    let good = (0..VALUES).filter(|_| accepted(&value())).count();
    assert!(
        (VALUES / 10..=VALUES * 9 / 10).contains(&good),
        "{good} of {VALUES} accepted"
    );
}
