//! OTLP over HTTP: protobuf and JSON, as they are or compressed. (OTLP
//! specification 1.x, section OTLP/HTTP.)

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request};
use axum::response::Response;

use super::encoding::Coding;
use super::receiver::{Receiver, Signal};
use super::{MediaType, Refusal, answer, body};
use crate::collector::stats::{Ignored, Reason};

/// Answers every request to the address, whatever it asks for.
pub(crate) fn router(receiver: Arc<Receiver>) -> Router {
    // One handler in place of routes: what none of them takes is counted too.
    Router::new().fallback(handle).with_state(receiver)
}

async fn handle(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> Response {
    let (head, mut body) = request.into_parts();
    let found = text(&head.headers, &CONTENT_TYPE).and_then(MediaType::named);
    match respond(&receiver, &head, &mut body, found).await {
        Ok(response) => response,
        Err(refusal) => {
            receiver.count(&refusal);
            body::drain(&receiver.bounds, body).await;
            // The specification's default, for who sent nothing that can be read.
            answer::refusal(found.unwrap_or(MediaType::Protobuf), &refusal)
        }
    }
}

async fn respond(
    receiver: &Receiver,
    head: &Parts,
    body: &mut Body,
    media_type: Option<MediaType>,
) -> Result<Response, Refusal> {
    receiver.admit(head)?;
    let signal = signal(head.uri.path())?;
    if head.method != Method::POST {
        let message = "traces are sent with POST";
        return Err(Refusal::new(Reason::Method, message));
    }
    let media_type = media_type.ok_or_else(unsupported)?;
    match signal {
        Signal::Traces => {
            let coding = Coding::named(&encoding(&head.headers))?;
            let (most, length) = (receiver.limits().body, length(&head.headers));
            let held = body::read(&receiver.bounds, body, most, length).await?;
            let taken = receiver.take(held, coding, media_type).await?;
            Ok(answer::success(media_type, &taken))
        }
        Signal::Ignored(signal) => {
            receiver.ignore(signal, body).await?;
            Ok(answer::empty(media_type))
        }
    }
}

fn signal(path: &str) -> Result<Signal, Refusal> {
    match path {
        "/v1/traces" => Ok(Signal::Traces),
        "/v1/metrics" => Ok(Signal::Ignored(Ignored::Metrics)),
        "/v1/logs" => Ok(Signal::Ignored(Ignored::Logs)),
        _ => {
            let message = "traces are taken at /v1/traces; OTLP over gRPC has a port of its own";
            Err(Refusal::new(Reason::NotFound, message))
        }
    }
}

fn unsupported() -> Refusal {
    let [protobuf, json] = [MediaType::Protobuf, MediaType::Json].map(MediaType::name);
    let message = format!("a content-type of {protobuf} or {json} is taken here");
    Refusal::new(Reason::UnsupportedMediaType, message)
}

/// The one Content-Encoding; several lines are a list of several.
fn encoding(headers: &HeaderMap) -> Vec<u8> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let values: Vec<_> = values.map(axum::http::HeaderValue::as_bytes).collect();
    values.join(&b',')
}

fn length(headers: &HeaderMap) -> Option<u64> {
    let text = text(headers, &CONTENT_LENGTH)?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &axum::http::HeaderName) -> Option<&'a [u8]> {
    headers.get(name).map(axum::http::HeaderValue::as_bytes)
}

#[cfg(test)]
mod tests;
