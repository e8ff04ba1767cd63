//! awc's errors, in core's words.

use std::io;

use actix_http::error::{ParseError, PayloadError};
use awc::error::{ConnectError, SendRequestError};
use rum_trace_core::CallFailure;

/// Of a request that got no response. awc's errors name no sources, so that each
/// has to be looked into.
pub(super) fn of(error: &SendRequestError) -> CallFailure {
    match error {
        SendRequestError::Connect(error) => of_connect(error),
        SendRequestError::Send(error) => of_io(error, CallFailure::ConnectionClosed),
        SendRequestError::Response(error) => of_response(error),
        SendRequestError::H2(error) => of_h2(error.get_io(), error.is_reset(), error.is_go_away())
            .unwrap_or(CallFailure::Other),
        SendRequestError::Timeout => CallFailure::Timeout,
        // Of another middleware.
        SendRequestError::Custom(error, _) => {
            CallFailure::of(&**error).unwrap_or(CallFailure::Other)
        }
        SendRequestError::Body(_) => CallFailure::RequestBody,
        _ => CallFailure::Other,
    }
}

/// Of a response that came, and whose body did not come whole.
pub(super) fn of_body(error: &PayloadError) -> CallFailure {
    match error {
        // Whatever failed below: the connection, or the chunks' sizes.
        PayloadError::Incomplete(Some(error)) | PayloadError::Io(error) => {
            of_io(error, CallFailure::ResponseBody)
        }
        PayloadError::Incomplete(None) => CallFailure::ConnectionClosed,
        PayloadError::Http2Payload(error) => {
            of_h2(error.get_io(), error.is_reset(), error.is_go_away())
                .unwrap_or(CallFailure::ResponseBody)
        }
        _ => CallFailure::ResponseBody,
    }
}

fn of_connect(error: &ConnectError) -> CallFailure {
    match error {
        ConnectError::Timeout => CallFailure::Timeout,
        // What awc calls a connection that closed instead of an answer.
        ConnectError::Disconnected => CallFailure::ConnectionClosed,
        ConnectError::Io(error) => of_io(error, CallFailure::Connect),
        ConnectError::H2(error) => of_h2(error.get_io(), error.is_reset(), error.is_go_away())
            .unwrap_or(CallFailure::Connect),
        // The name was not resolved, or there is no TLS.
        _ => CallFailure::Connect,
    }
}

fn of_response(error: &ParseError) -> CallFailure {
    match error {
        ParseError::Io(error) => of_io(error, CallFailure::ConnectionClosed),
        ParseError::Incomplete => CallFailure::ConnectionClosed,
        ParseError::Timeout => CallFailure::Timeout,
        _ => CallFailure::Other,
    }
}

fn of_io(error: &io::Error, otherwise: CallFailure) -> CallFailure {
    CallFailure::of(error).unwrap_or(otherwise)
}

/// What an `h2::Error` says of itself; its type has no name here.
fn of_h2(io: Option<&io::Error>, is_reset: bool, is_go_away: bool) -> Option<CallFailure> {
    if let Some(error) = io {
        return Some(of_io(error, CallFailure::ConnectionClosed));
    }
    if is_reset {
        return Some(CallFailure::ConnectionReset);
    }
    is_go_away.then_some(CallFailure::ConnectionClosed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use awc::error::InvalidUrl;

    #[test]
    fn requests_without_a_response() {
        let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
        let other = || io::Error::other("what nobody knows");
        let connect = SendRequestError::Connect;
        let table = [
            (SendRequestError::Timeout, CallFailure::Timeout),
            (connect(ConnectError::Timeout), CallFailure::Timeout),
            (connect(ConnectError::NoRecords), CallFailure::Connect),
            (
                connect(ConnectError::Resolver(Box::new(other()))),
                CallFailure::Connect,
            ),
            (
                connect(ConnectError::SslIsNotSupported),
                CallFailure::Connect,
            ),
            (connect(ConnectError::Io(other())), CallFailure::Connect),
            (
                connect(ConnectError::Io(io::ErrorKind::ConnectionRefused.into())),
                CallFailure::ConnectionRefused,
            ),
            (
                connect(ConnectError::Disconnected),
                CallFailure::ConnectionClosed,
            ),
            (
                SendRequestError::Send(reset()),
                CallFailure::ConnectionReset,
            ),
            (
                SendRequestError::Send(other()),
                CallFailure::ConnectionClosed,
            ),
            (
                SendRequestError::Response(ParseError::Io(reset())),
                CallFailure::ConnectionReset,
            ),
            (
                SendRequestError::Response(ParseError::Incomplete),
                CallFailure::ConnectionClosed,
            ),
            (
                SendRequestError::Response(ParseError::Timeout),
                CallFailure::Timeout,
            ),
            (
                SendRequestError::Response(ParseError::Status),
                CallFailure::Other,
            ),
            // The caller's own connection, not the one to the server.
            (
                SendRequestError::Body(Box::new(reset())),
                CallFailure::RequestBody,
            ),
            (
                SendRequestError::Custom(Box::new(reset()), Box::new("a middleware")),
                CallFailure::ConnectionReset,
            ),
            (
                SendRequestError::Url(InvalidUrl::MissingHost),
                CallFailure::Other,
            ),
            (SendRequestError::TunnelNotSupported, CallFailure::Other),
        ];
        for (error, failure) in table {
            assert_eq!(of(&error), failure, "{error:?}");
        }
    }

    #[test]
    fn bodies() {
        let table = [
            (
                PayloadError::Io(io::ErrorKind::TimedOut.into()),
                CallFailure::Timeout,
            ),
            (
                PayloadError::Incomplete(Some(io::ErrorKind::UnexpectedEof.into())),
                CallFailure::ConnectionClosed,
            ),
            (
                PayloadError::Incomplete(Some(io::ErrorKind::InvalidInput.into())),
                CallFailure::ResponseBody,
            ),
            (
                PayloadError::Incomplete(None),
                CallFailure::ConnectionClosed,
            ),
            (PayloadError::EncodingCorrupted, CallFailure::ResponseBody),
        ];
        for (error, failure) in table {
            assert_eq!(of_body(&error), failure, "{error:?}");
        }
    }

    #[test]
    fn http2() {
        let io = io::Error::from(io::ErrorKind::ConnectionReset);
        let table = [
            (
                (Some(&io), false, false),
                Some(CallFailure::ConnectionReset),
            ),
            ((None, true, false), Some(CallFailure::ConnectionReset)),
            ((None, false, true), Some(CallFailure::ConnectionClosed)),
            ((None, false, false), None),
        ];
        for ((io, is_reset, is_go_away), failure) in table {
            assert_eq!(of_h2(io, is_reset, is_go_away), failure);
        }
    }
}
