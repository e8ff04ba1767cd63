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
use super::{Bounds, MediaType, Refusal, answer, body, decode};
use crate::collector::intake::Intake;
use crate::collector::stats::{Ignored, Reason};
use crate::http::host::HostPolicy;

/// Answers every request to the address, whatever it asks for.
pub(crate) fn router(intake: Arc<Intake>, bounds: Arc<Bounds>, hosts: HostPolicy) -> Router {
    let receiver = Receiver {
        intake,
        bounds,
        hosts,
    };
    // One handler in place of routes: what none of them takes is counted too.
    Router::new()
        .fallback(handle)
        .with_state(Arc::new(receiver))
}

struct Receiver {
    intake: Arc<Intake>,
    bounds: Arc<Bounds>,
    hosts: HostPolicy,
}

/// Where a request goes.
enum Signal {
    Traces,
    Ignored(Ignored),
}

async fn handle(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> Response {
    let (head, mut body) = request.into_parts();
    let found = text(&head.headers, &CONTENT_TYPE).and_then(MediaType::named);
    match receiver.answer(&head, &mut body, found).await {
        Ok(response) => response,
        Err(refusal) => {
            receiver.intake.stats.refused(refusal.reason);
            body::drain(&receiver.bounds, body).await;
            // The specification's default, for who sent nothing that can be read.
            answer::refusal(found.unwrap_or(MediaType::Protobuf), &refusal)
        }
    }
}

impl Receiver {
    async fn answer(
        &self,
        head: &Parts,
        body: &mut Body,
        media_type: Option<MediaType>,
    ) -> Result<Response, Refusal> {
        if !self.hosts.allows(&head.headers, &head.uri) {
            return Err(misdirected());
        }
        let signal = signal(head.uri.path())?;
        if head.method != Method::POST {
            let message = "traces are sent with POST";
            return Err(Refusal::new(Reason::Method, message));
        }
        let media_type = media_type.ok_or_else(unsupported)?;
        match signal {
            Signal::Traces => self.traces(media_type, &head.headers, body).await,
            Signal::Ignored(signal) => self.ignore(signal, media_type, body).await,
        }
    }

    async fn traces(
        &self,
        media_type: MediaType,
        headers: &HeaderMap,
        body: &mut Body,
    ) -> Result<Response, Refusal> {
        let limits = self.bounds.limits;
        let coding = Coding::named(&encoding(headers))?;
        let held = body::read(&self.bounds, body, limits.body, length(headers)).await?;
        // Closed never.
        let _decoder = self.bounds.decoders.acquire().await;
        let plain = coding.decompress(held.bytes.clone(), limits)?;
        let request = decode(plain, media_type, limits)?;
        Ok(answer::success(media_type, &self.intake.take(request)))
    }

    /// Exporters of all three signals would fill their logs if two of them
    /// failed, or were partially successful, with every batch. (Section "Full
    /// Success": an empty answer, and no more.) The status tells what came of them.
    async fn ignore(
        &self,
        signal: Ignored,
        media_type: MediaType,
        body: &mut Body,
    ) -> Result<Response, Refusal> {
        body::discard(&self.bounds, body).await?;
        self.intake.stats.ignored(signal);
        Ok(answer::empty(media_type))
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

fn misdirected() -> Refusal {
    let message = "this host name is not known here: send to an IP address or to localhost, or \
                   start with --allow-host";
    Refusal::new(Reason::Host, message)
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
