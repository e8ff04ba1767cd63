//! Attributes that many spans share, as they were written for an earlier one.

use std::cell::RefCell;

use rum_trace_core::tracer::SharedAttributes;

use crate::span;
use crate::wire::AnyValue;

/// Each thread remembers so many sets, the last ones: a route and a host each.
const REMEMBERED: usize = 1 << 6;

struct Written {
    attributes: SharedAttributes,
    count: u32,
    bytes: Box<[u8]>,
}

thread_local! {
    static WRITTEN: RefCell<[Option<Written>; REMEMBERED]> =
        const { RefCell::new([const { None }; REMEMBERED]) };
}

/// Appends these attributes, and tells how many there are. `None`, and nothing appended,
/// if so many may not be, or if the thread is ending and remembers nothing.
#[inline]
pub(crate) fn shared(
    to: &mut Vec<u8>,
    attributes: &SharedAttributes,
    may_be: impl FnOnce(u32) -> bool,
) -> Option<u32> {
    let written = WRITTEN.try_with(|written| {
        let mut written = written.try_borrow_mut().ok()?;
        let place = written.get_mut((attributes.number() >> 58) as usize)?;
        let known = match place {
            Some(known) if known.attributes.is_same(attributes) => known,
            _ => place.insert(Written::new(attributes)),
        };
        may_be(known.count).then(|| {
            to.extend_from_slice(&known.bytes);
            known.count
        })
    });
    written.ok().flatten()
}

impl Written {
    #[cold]
    fn new(attributes: &SharedAttributes) -> Self {
        let mut bytes = Vec::new();
        let mut count = 0;
        for (key, value) in attributes.iter() {
            span::attribute(&mut bytes, key, AnyValue::from(&value));
            count += 1;
        }
        Written {
            attributes: *attributes,
            count,
            bytes: bytes.into_boxed_slice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_are_none_and_too_many_are_not_written() {
        let attributes = SharedAttributes::default();
        let mut bytes = vec![7];
        assert_eq!(shared(&mut bytes, &attributes, |_| false), None);
        assert_eq!(shared(&mut bytes, &attributes, |count| count == 0), Some(0));
        assert_eq!(bytes, [7]);
    }
}
