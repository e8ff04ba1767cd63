//! Why a call did not complete, as far as reqwest's errors tell.

use std::error::Error;
use std::iter;

use reqwest_middleware::Error as MiddlewareError;
use rum_trace_core::CallFailure;

/// Errors may be nested, but not for ever.
const MAX_DEPTH: usize = 16;

/// Of what the rest of the middlewares gave instead of a response.
pub(crate) fn of(error: &MiddlewareError) -> CallFailure {
    of_middleware(error, MAX_DEPTH).unwrap_or(CallFailure::Other)
}

/// Of what came in place of the rest of a response's body.
pub(crate) fn of_body(error: &reqwest::Error) -> CallFailure {
    of_reqwest(error).unwrap_or(CallFailure::ResponseBody)
}

fn of_middleware(error: &MiddlewareError, depth: usize) -> Option<CallFailure> {
    match error {
        MiddlewareError::Reqwest(error) => of_reqwest(error),
        MiddlewareError::Middleware(error) => of_other(error.as_ref(), depth),
    }
}

fn of_reqwest(error: &reqwest::Error) -> Option<CallFailure> {
    if error.is_timeout() {
        return Some(CallFailure::Timeout);
    }
    // What the caller's own body did is none of the server's doing.
    if chain(error).any(is_request_body) {
        return Some(CallFailure::RequestBody);
    }
    of_causes(error)
        .or_else(|| error.is_connect().then_some(CallFailure::Connect))
        .or_else(|| (error.is_body() || error.is_decode()).then_some(CallFailure::ResponseBody))
}

/// Of a middleware's own error, which may hold one of reqwest.
fn of_other(error: &(dyn Error + 'static), depth: usize) -> Option<CallFailure> {
    let depth = depth.checked_sub(1)?;
    for cause in chain(error) {
        // It holds an error that is not among its sources.
        if let Some(held) = cause.downcast_ref::<MiddlewareError>() {
            return of_middleware(held, depth);
        }
        if let Some(held) = cause.downcast_ref::<reqwest::Error>() {
            return of_reqwest(held);
        }
    }
    of_causes(error)
}

fn of_causes(error: &(dyn Error + 'static)) -> Option<CallFailure> {
    CallFailure::of(error).or_else(|| chain(error).find_map(of_protocol))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        (*error).source()
    })
    .take(MAX_DEPTH)
}

fn is_request_body(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(hyper::Error::is_user)
}

/// The end of a connection that the operating system did not report as an error.
fn of_protocol(error: &(dyn Error + 'static)) -> Option<CallFailure> {
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        let is_closed = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
        return is_closed.then_some(CallFailure::ConnectionClosed);
    }
    of_http2(error)
}

#[cfg(feature = "http2")]
fn of_http2(error: &(dyn Error + 'static)) -> Option<CallFailure> {
    let error = error.downcast_ref::<h2::Error>()?;
    if let Some(io) = error.get_io() {
        return CallFailure::of(io);
    }
    if error.is_reset() {
        return Some(CallFailure::ConnectionReset);
    }
    error.is_go_away().then_some(CallFailure::ConnectionClosed)
}

#[cfg(not(feature = "http2"))]
fn of_http2(_: &(dyn Error + 'static)) -> Option<CallFailure> {
    None
}
