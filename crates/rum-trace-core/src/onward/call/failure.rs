//! Why a call did not complete.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a call did not complete: the `error.type` of its CLIENT span, unless a
/// response says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallFailure {
    /// It was given up before there was a response: its future was dropped, as by
    /// a timeout further out, or because the client of this service went away.
    Cancelled,
    /// It took longer than the client's own limit.
    Timeout,
    /// There was no connection: the name is not known, TLS failed, or the network
    /// said no.
    Connect,
    /// Nobody listens there.
    ConnectionRefused,
    /// The other end broke the connection, or the HTTP/2 stream, off.
    ConnectionReset,
    /// The connection ended before the response did.
    ConnectionClosed,
    /// The body of the request could not be read: what failed is on this side.
    RequestBody,
    /// The response's body ended in an error of another kind.
    ResponseBody,
    /// Anything else.
    Other,
}

impl CallFailure {
    /// The value of `error.type`, low in cardinality.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            CallFailure::Cancelled => "cancelled",
            CallFailure::Timeout => "timeout",
            CallFailure::Connect => "connect_error",
            CallFailure::ConnectionRefused => "connection_refused",
            CallFailure::ConnectionReset => "connection_reset",
            CallFailure::ConnectionClosed => "connection_closed",
            CallFailure::RequestBody => "request_body_error",
            CallFailure::ResponseBody => "response_body_error",
            // The conventions' own word for what has no better one.
            CallFailure::Other => "_OTHER",
        }
    }

    /// What an error's chain of sources tells, as far as the standard library knows
    /// it; adapters know their libraries' own errors.
    ///
    /// ```
    /// use std::io;
    /// use rum_trace_core::CallFailure;
    ///
    /// let error = io::Error::from(io::ErrorKind::ConnectionRefused);
    /// assert_eq!(CallFailure::of(&error), Some(CallFailure::ConnectionRefused));
    /// assert_eq!(CallFailure::of(&std::fmt::Error), None);
    /// ```
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        // Errors may be nested, but not for ever.
        for _ in 0..MAX_DEPTH {
            let error = next?;
            let io = error.downcast_ref::<io::Error>();
            if let Some(failure) = io.and_then(of_io) {
                return Some(failure);
            }
            // The source of an io::Error is its cause's source.
            let cause = io.and_then(io::Error::get_ref);
            next = cause.map_or_else(|| error.source(), |cause| Some(cause));
        }
        None
    }

    /// The status that a gRPC client gives its caller then.
    pub(super) const fn grpc_status(self) -> u8 {
        match self {
            CallFailure::Cancelled => 1,
            CallFailure::Timeout => 4,
            CallFailure::Connect
            | CallFailure::ConnectionRefused
            | CallFailure::ConnectionReset
            | CallFailure::ConnectionClosed => 14,
            CallFailure::RequestBody | CallFailure::ResponseBody | CallFailure::Other => 2,
        }
    }
}

const MAX_DEPTH: usize = 16;

fn of_io(error: &io::Error) -> Option<CallFailure> {
    match error.kind() {
        io::ErrorKind::TimedOut => Some(CallFailure::Timeout),
        io::ErrorKind::ConnectionRefused => Some(CallFailure::ConnectionRefused),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            Some(CallFailure::ConnectionReset)
        }
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected => {
            Some(CallFailure::ConnectionClosed)
        }
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => Some(CallFailure::Connect),
        _ => None,
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(Box<dyn Error + Send + Sync>);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    #[test]
    fn errors_are_known_however_deep() {
        let table = [
            (io::ErrorKind::TimedOut, Some(CallFailure::Timeout)),
            (
                io::ErrorKind::BrokenPipe,
                Some(CallFailure::ConnectionClosed),
            ),
            (
                io::ErrorKind::ConnectionAborted,
                Some(CallFailure::ConnectionReset),
            ),
            (
                io::ErrorKind::NetworkUnreachable,
                Some(CallFailure::Connect),
            ),
            (io::ErrorKind::InvalidData, None),
        ];
        for (kind, failure) in table {
            let plain = io::Error::from(kind);
            assert_eq!(CallFailure::of(&plain), failure, "{kind}");
            let nested = Outer(Box::new(Outer(Box::new(plain))));
            assert_eq!(CallFailure::of(&nested), failure, "{kind}");
            let wrapped = io::Error::other(nested);
            assert_eq!(CallFailure::of(&wrapped), failure, "{kind}");
        }
    }

    #[test]
    fn what_is_nested_without_end_is_given_up() {
        let mut error = Outer(Box::new(io::Error::from(io::ErrorKind::TimedOut)));
        for _ in 0..1_000 {
            error = Outer(Box::new(error));
        }
        assert_eq!(CallFailure::of(&error), None);
    }
}
