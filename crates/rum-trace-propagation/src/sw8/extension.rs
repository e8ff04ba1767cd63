use std::fmt;

use crate::error::{parse_error, parts};
use crate::text::{offset_in, split_once, trim_ows};

parts! {
    /// The parts of an `sw8-x` header.
    Sw8ExtensionPart {
        /// `0` or `1`.
        Mode => "tracing mode",
        /// Milliseconds since 1970, or a space.
        Timestamp => "client send timestamp",
    }
}

parse_error! {
    /// Why an `sw8-x` header cannot be read.
    Sw8ExtensionError, Sw8ExtensionPart, "sw8-x"
}

/// A parsed `sw8-x` header.
///
/// ```
/// use rum_trace_propagation::sw8::Sw8Extension;
///
/// let extension = Sw8Extension::parse(b"0-1651704299998")?;
/// assert_eq!(extension.sent_at_millis(), Some(1_651_704_299_998));
/// assert_eq!(Sw8Extension::parse(b"0- ")?.to_string(), "0- ");
/// # Ok::<(), rum_trace_propagation::sw8::Sw8ExtensionError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sw8Extension {
    skip_analysis: bool,
    sent_at_millis: Option<u64>,
}

impl Sw8Extension {
    /// From its parts; the time in milliseconds since 1970.
    #[must_use]
    pub const fn new(skip_analysis: bool, sent_at_millis: Option<u64>) -> Self {
        Sw8Extension {
            skip_analysis,
            sent_at_millis,
        }
    }

    /// Parses a header value. Either part may be missing.
    ///
    /// # Errors
    ///
    /// The mode is neither `0` nor `1`, or the time is no number.
    pub fn parse(value: &[u8]) -> Result<Self, Sw8ExtensionError> {
        let (mode, rest) = split_once(value, b'-').unwrap_or((value, &[]));
        let skip_analysis = match trim_ows(mode) {
            // Left out, it is 0, by the protocol.
            b"0" | b"" => false,
            b"1" => true,
            _ => return Err(Sw8ExtensionError::new(Sw8ExtensionPart::Mode, 0, "0 or 1")),
        };
        let timestamp = trim_ows(rest.split(|byte| *byte == b'-').next().unwrap_or_default());
        if timestamp.is_empty() {
            return Ok(Sw8Extension {
                skip_analysis,
                sent_at_millis: None,
            });
        }
        match millis(timestamp) {
            Some(millis) => Ok(Sw8Extension {
                skip_analysis,
                sent_at_millis: Some(millis),
            }),
            None => {
                let at = offset_in(value, timestamp);
                let expected = "milliseconds since 1970, or a space";
                Err(Sw8ExtensionError::new(
                    Sw8ExtensionPart::Timestamp,
                    at,
                    expected,
                ))
            }
        }
    }

    /// Whether the caller asks not to analyse the trace's spans (mode 1).
    #[must_use]
    pub const fn skip_analysis(self) -> bool {
        self.skip_analysis
    }

    /// When the caller sent the request, in milliseconds since 1970.
    #[must_use]
    pub const fn sent_at_millis(self) -> Option<u64> {
        self.sent_at_millis
    }

    /// The header value: a space stands for an absent time.
    #[must_use]
    pub fn encode(self) -> String {
        self.to_string()
    }
}

fn millis(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl fmt::Display for Sw8Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = u8::from(self.skip_analysis);
        match self.sent_at_millis {
            Some(millis) => write!(f, "{mode}-{millis}"),
            None => write!(f, "{mode}- "),
        }
    }
}
