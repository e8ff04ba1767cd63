//! The shape that every parser's error has.

/// Defines a parser's error: which part of the header is wrong, where, and
/// what was expected there.
macro_rules! parse_error {
    ($(#[$doc:meta])* $name:ident, $part:ident, $header:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            part: $part,
            at: usize,
            expected: &'static str,
        }

        impl $name {
            pub(crate) const fn new(part: $part, at: usize, expected: &'static str) -> Self {
                $name { part, at, expected }
            }

            /// The part that is wrong.
            #[must_use]
            pub const fn part(&self) -> $part {
                self.part
            }

            /// The byte at which it is wrong, counted from 0 in the value as received.
            #[must_use]
            pub const fn at(&self) -> usize {
                self.at
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let (part, at, expected) = (self.part.as_str(), self.at, self.expected);
                write!(f, concat!($header, ": {} at byte {}: expected {}"), part, at, expected)
            }
        }

        impl std::error::Error for $name {}
    };
}

/// Defines the enum of a header's parts.
macro_rules! parts {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The part's name, as its specification calls it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use {parse_error, parts};
