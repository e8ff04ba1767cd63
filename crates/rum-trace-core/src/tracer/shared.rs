//! Attributes that many requests have in common.

use opentelemetry::Value;

use crate::semconv;

/// The attributes that all requests of one method, route, host, scheme and version of
/// the protocol have. There are a few such sets in a process: whoever writes attributes
/// down can keep what it wrote, and find it by [`number`](Self::number) and
/// [`is_same`](Self::is_same).
///
/// ```
/// use rum_trace_core::tracer::SharedAttributes;
///
/// let none = SharedAttributes::default();
/// assert_eq!(none.iter().count(), 0);
/// assert!(none.is_same(&SharedAttributes::default()));
/// assert_eq!(none.number(), SharedAttributes::default().number());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SharedAttributes {
    pub(crate) method: Option<&'static str>,
    pub(crate) scheme: Option<&'static str>,
    pub(crate) route: Option<&'static str>,
    pub(crate) address: Option<&'static str>,
    pub(crate) port: Option<u16>,
    pub(crate) version: Option<&'static str>,
}

impl SharedAttributes {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let texts = [
            (semconv::HTTP_REQUEST_METHOD, self.method),
            (semconv::URL_SCHEME, self.scheme),
            (semconv::HTTP_ROUTE, self.route),
            (semconv::NETWORK_PROTOCOL_VERSION, self.version),
            (semconv::SERVER_ADDRESS, self.address),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(key, text)| Some((key, Value::from(text?))));
        let port = self.port.map(i64::from);
        let port = port.map(|port| (semconv::SERVER_PORT, Value::from(port)));
        texts.chain(port)
    }

    /// Whether these are the very same texts: `false` says nothing.
    #[must_use]
    #[inline]
    pub fn is_same(&self, other: &Self) -> bool {
        is_same(self.route, other.route)
            && is_same(self.address, other.address)
            && is_same(self.method, other.method)
            && is_same(self.scheme, other.scheme)
            && is_same(self.version, other.version)
            && self.port == other.port
    }

    /// A number that is the same for the same texts, to find a place by: its upper bits
    /// are the better ones.
    #[must_use]
    #[inline]
    pub fn number(&self) -> u64 {
        // What is static does not move.
        let mixed = place(self.route) ^ place(self.address).rotate_left(7);
        let mixed = mixed ^ place(self.method).rotate_left(13) ^ place(self.scheme).rotate_left(19);
        mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

#[inline]
fn is_same(one: Option<&'static str>, other: Option<&'static str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::ptr::eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

#[inline]
fn place(text: Option<&'static str>) -> u64 {
    text.map_or(0, |text| text.as_ptr() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_are_told_from_all_others() {
        let all = SharedAttributes {
            method: Some("GET"),
            scheme: Some("http"),
            route: Some("/users/{id}"),
            address: Some("shop.example"),
            port: Some(8080),
            version: Some("1.1"),
        };
        let others = [
            SharedAttributes {
                method: Some("PUT"),
                ..all
            },
            SharedAttributes {
                scheme: None,
                ..all
            },
            SharedAttributes {
                route: Some("/users"),
                ..all
            },
            SharedAttributes {
                address: None,
                ..all
            },
            SharedAttributes {
                port: Some(80),
                ..all
            },
            SharedAttributes {
                version: Some("2"),
                ..all
            },
            // The beginning of the same text.
            SharedAttributes {
                route: Some(&all.route.unwrap()[..6]),
                ..all
            },
        ];
        assert!(all.is_same(&all));
        assert_eq!(all.number(), all.clone().number());
        for other in others {
            assert!(!all.is_same(&other) && !other.is_same(&all), "{other:?}");
        }
        assert_eq!((all.iter().count(), others[3].iter().count()), (6, 5));
    }
}
