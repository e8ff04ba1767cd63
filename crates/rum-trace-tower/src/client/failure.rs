//! What the errors of clients tell.

use std::error::Error;

use hyper_util::client::legacy;
use rum_trace_core::CallFailure;

/// Of an error instead of a response.
pub(super) fn of(error: &(dyn Error + 'static)) -> CallFailure {
    told(error).unwrap_or(CallFailure::Other)
}

/// Of an error in a response's body.
pub(super) fn of_body(error: &(dyn Error + 'static)) -> CallFailure {
    told(error).unwrap_or(CallFailure::ResponseBody)
}

/// What the caller's own body did is none of the server's doing. Else the operating
/// system's word is the most precise, and that there was no connection the least.
fn told(error: &(dyn Error + 'static)) -> Option<CallFailure> {
    if chain(error).any(is_request_body) {
        return Some(CallFailure::RequestBody);
    }
    CallFailure::of(error)
        .or_else(|| chain(error).find_map(of_library))
        .or_else(|| chain(error).find_map(of_connect))
}

/// The error and what it came from; errors may be nested, but not for ever.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    const MAX_DEPTH: usize = 16;
    let mut next = Some(error);
    let errors = std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    });
    errors.take(MAX_DEPTH)
}

fn is_request_body(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(hyper::Error::is_user)
}

fn of_library(error: &(dyn Error + 'static)) -> Option<CallFailure> {
    if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
        return of_hyper(hyper);
    }
    if let Some(h2) = error.downcast_ref::<h2::Error>() {
        return of_h2(h2);
    }
    #[cfg(feature = "tonic")]
    if error.is::<tonic::TimeoutExpired>() {
        return Some(CallFailure::Timeout);
    }
    let is_timeout = error.is::<tower::timeout::error::Elapsed>();
    is_timeout.then_some(CallFailure::Timeout)
}

fn of_hyper(error: &hyper::Error) -> Option<CallFailure> {
    if error.is_timeout() {
        Some(CallFailure::Timeout)
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        Some(CallFailure::ConnectionClosed)
    } else {
        None
    }
}

fn of_h2(error: &h2::Error) -> Option<CallFailure> {
    // It is not among its sources.
    if let Some(io) = error.get_io() {
        CallFailure::of(io)
    } else if error.is_reset() {
        Some(CallFailure::ConnectionReset)
    } else {
        error.is_go_away().then_some(CallFailure::ConnectionClosed)
    }
}

fn of_connect(error: &(dyn Error + 'static)) -> Option<CallFailure> {
    #[cfg(feature = "tonic")]
    if error.is::<tonic::ConnectError>() {
        return Some(CallFailure::Connect);
    }
    let legacy = error.downcast_ref::<legacy::Error>()?;
    legacy.is_connect().then_some(CallFailure::Connect)
}
