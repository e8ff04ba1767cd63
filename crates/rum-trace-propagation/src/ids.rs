//! Trace and span ids. A value of these types is never all zero.

use std::fmt;

use crate::hex;
use crate::text::ascii;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $int:ident, $decode:ident, $bytes:literal, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id with these bytes; all zero is not an id.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Option<Self> {
                Self::from_number($int::from_be_bytes(bytes))
            }

            /// The id of a number, other than zero.
            pub(crate) const fn from_number(number: $int) -> Option<Self> {
                if number == 0 { None } else { Some($name(number.to_be_bytes())) }
            }

            /// Its bytes, the first one the most significant.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; $bytes] {
                self.0
            }

            #[doc = concat!("The id written as exactly ", stringify!($digits), " lowercase hex digits.")]
            #[must_use]
            pub fn from_hex(text: &[u8]) -> Option<Self> {
                hex::$decode(text).and_then(Self::from_number)
            }

            #[doc = concat!("Its ", stringify!($digits), " lowercase hex digits.")]
            #[must_use]
            pub fn encode_hex(self) -> [u8; $digits] {
                let mut text = [0; $digits];
                hex::encode(&self.0, &mut text);
                text
            }

            /// The id with these bytes, or the one with only the last bit set
            /// if they are all zero.
            pub(crate) fn from_bytes_or_one(bytes: [u8; $bytes]) -> Self {
                let mut one = [0; $bytes];
                if let Some(last) = one.last_mut() {
                    *last = 1;
                }
                Self::from_bytes(bytes).unwrap_or($name(one))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(ascii(&self.encode_hex()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(
    /// A trace's id: 16 bytes, not all zero. Prints as 32 hex digits.
    TraceId, u128, decode_u128, 16, 32
);
id!(
    /// A span's id: 8 bytes, not all zero. Prints as 16 hex digits.
    SpanId, u64, decode_u64, 8, 16
);
