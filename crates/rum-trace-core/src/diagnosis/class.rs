//! What became of the caller's trace.

use std::fmt;

use crate::Carrier;

/// What became of the caller's trace. Every request is in exactly one class.
///
/// ```
/// use rum_trace_core::{Carrier, CarrierClass, Instrumenter};
///
/// let stats = Instrumenter::builder().build()?.stats();
/// let class = CarrierClass::Continued(Carrier::W3c);
/// assert_eq!(stats.requests_in(class), stats.continued(Carrier::W3c));
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CarrierClass {
    /// It goes on, from this carrier.
    Continued(Carrier),
    /// No carrier that is read names a span: a new trace.
    #[default]
    Absent,
    /// There was a header, and none could be continued: a new trace. Of several,
    /// this is the carrier that goes first.
    Malformed(Carrier),
    /// Its sender is not believed, who names a span by this carrier, or tells only of
    /// itself: a new trace.
    Untrusted(Option<Carrier>),
}

const CARRIERS: usize = Carrier::ALL.len();

impl CarrierClass {
    pub(crate) const COUNT: usize = 2 + 3 * CARRIERS;

    /// A short name in lower case, fit for a metric label: `continued`, `absent`,
    /// `malformed`, `untrusted`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            CarrierClass::Continued(_) => "continued",
            CarrierClass::Absent => "absent",
            CarrierClass::Malformed(_) => "malformed",
            CarrierClass::Untrusted(_) => "untrusted",
        }
    }

    /// The carrier, if there was one.
    #[must_use]
    pub const fn carrier(self) -> Option<Carrier> {
        match self {
            CarrierClass::Continued(carrier) | CarrierClass::Malformed(carrier) => Some(carrier),
            CarrierClass::Untrusted(carrier) => carrier,
            CarrierClass::Absent => None,
        }
    }

    /// All of them, in the order of their indices.
    pub(crate) fn all() -> impl Iterator<Item = CarrierClass> {
        let of = |class: fn(Carrier) -> CarrierClass| Carrier::ALL.into_iter().map(class);
        [CarrierClass::Absent, CarrierClass::Untrusted(None)]
            .into_iter()
            .chain(of(CarrierClass::Continued))
            .chain(of(CarrierClass::Malformed))
            .chain(of(|carrier| CarrierClass::Untrusted(Some(carrier))))
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            CarrierClass::Absent => 0,
            CarrierClass::Untrusted(None) => 1,
            CarrierClass::Continued(carrier) => 2 + carrier.index(),
            CarrierClass::Malformed(carrier) => 2 + CARRIERS + carrier.index(),
            CarrierClass::Untrusted(Some(carrier)) => 2 + 2 * CARRIERS + carrier.index(),
        }
    }
}

impl fmt::Display for CarrierClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_index() {
        let indices: Vec<usize> = CarrierClass::all().map(CarrierClass::index).collect();
        let expected: Vec<usize> = (0..CarrierClass::COUNT).collect();
        assert_eq!(indices, expected);
    }
}
