//! OTLP over gRPC. Bodies are read here, within the same bounds as those over
//! HTTP; tonic takes the frames apart, decompresses and answers.

use std::future::{Ready, ready};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use bytes::{Buf as _, BufMut as _, Bytes};
use http_body_util::Full;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};

use super::{Bounds, MediaType, Refusal, RequestLimits, answer, body, decode};
use crate::collector::intake::Intake;
use crate::collector::stats::{Ignored, Reason};
use crate::http::host::HostPolicy;

/// In front of each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// Answers every request to the address, whatever it asks for.
pub(crate) fn router(intake: Arc<Intake>, bounds: Arc<Bounds>, hosts: HostPolicy) -> Router {
    let receiver = Receiver {
        intake,
        bounds,
        hosts,
    };
    Router::new()
        .fallback(handle)
        .with_state(Arc::new(receiver))
}

struct Receiver {
    intake: Arc<Intake>,
    bounds: Arc<Bounds>,
    hosts: HostPolicy,
}

/// Where a call goes.
#[derive(Clone, Copy)]
enum Method {
    Traces,
    Ignored(Ignored),
}

async fn handle(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> Response {
    let (head, mut body) = request.into_parts();
    let grpc = is_grpc(&head.headers);
    match receiver.answer(head, &mut body, grpc).await {
        Ok(response) => response,
        Err(refusal) => {
            receiver.intake.stats.refused(refusal.reason);
            if grpc {
                return status(&refusal).into_http();
            }
            // Whoever speaks no gRPC would take its 200 for a success.
            body::drain(&receiver.bounds, body).await;
            answer::text(&refusal)
        }
    }
}

impl Receiver {
    async fn answer(&self, head: Parts, body: &mut Body, grpc: bool) -> Result<Response, Refusal> {
        if !self.hosts.allows(&head.headers, &head.uri) {
            let message = "this host name is not known here: send to an IP address or to \
                           localhost, or start with --allow-host";
            return Err(Refusal::new(Reason::Host, message));
        }
        if !grpc {
            let message = "only gRPC is taken at this port: OTLP over HTTP has one of its own, \
                           4318 unless another was chosen";
            return Err(Refusal::new(Reason::UnsupportedMediaType, message));
        }
        match method(head.uri.path())? {
            Method::Traces => {
                let most = self.bounds.limits.body.saturating_add(PREFIX);
                let held = body::read(&self.bounds, body, most, None).await?;
                self.announced(&held.bytes)?;
                // Closed never.
                let _decoder = self.bounds.decoders.acquire().await;
                let request = Request::from_parts(head, Full::new(held.bytes.clone()));
                Ok(self.export(request).await)
            }
            Method::Ignored(signal) => {
                body::discard(&self.bounds, body).await?;
                self.intake.stats.ignored(signal);
                // What is empty needs no decoder.
                let request =
                    Request::from_parts(head, Full::new(Bytes::from_static(&[0; PREFIX])));
                Ok(call(self.bounds.limits, Answer(|_| Ok(Vec::new())), request).await)
            }
        }
    }

    /// A message that says it is too long is not waited for.
    fn announced(&self, body: &[u8]) -> Result<(), Refusal> {
        let length = body
            .get(1..PREFIX)
            .and_then(|length| length.try_into().ok());
        let length = length.map_or(0, u32::from_be_bytes);
        match usize::try_from(length) {
            Ok(length) if length <= self.bounds.limits.body => Ok(()),
            _ => Err(Refusal::too_large(self.bounds.limits)),
        }
    }

    async fn export(&self, request: Request<Full<Bytes>>) -> Response {
        let (intake, limits) = (Arc::clone(&self.intake), self.bounds.limits);
        let take = Answer(move |message| {
            let request = decode(message, MediaType::Protobuf, limits)?;
            let answer: ExportTraceServiceResponse = intake.take(request);
            Ok(answer.encode_to_vec())
        });
        let response = call(limits, take, request).await;
        if let Some(reason) =
            Status::from_header_map(response.headers()).and_then(|status| reason(&status))
        {
            self.intake.stats.refused(reason);
        }
        response
    }
}

async fn call<F>(
    limits: RequestLimits,
    service: Answer<F>,
    request: Request<Full<Bytes>>,
) -> Response
where
    F: FnMut(Bytes) -> Result<Vec<u8>, Refusal> + Send + 'static,
{
    let mut grpc = Grpc::new(Raw)
        .max_decoding_message_size(limits.body)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let response = grpc.unary(service, request).await;
    response.map(Body::new)
}

fn method(path: &str) -> Result<Method, Refusal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Ok(Method::Traces),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => {
            Ok(Method::Ignored(Ignored::Metrics))
        }
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => {
            Ok(Method::Ignored(Ignored::Logs))
        }
        _ => {
            let message = "only the Export methods of OTLP are answered here";
            Err(Refusal::new(Reason::NotFound, message))
        }
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let found = headers
        .get(CONTENT_TYPE)
        .map(axum::http::HeaderValue::as_bytes);
    // With a message format behind it, such as "+proto".
    found.is_some_and(|value| {
        value.starts_with(b"application/grpc") && !value.starts_with(b"application/grpc-web")
    })
}

/// Only what may be tried again has one of the codes that OTLP calls retryable.
fn status(refusal: &Refusal) -> Status {
    let code = match refusal.reason {
        // Without a RetryInfo it is not to be sent again.
        Reason::BodyTooLarge => Code::ResourceExhausted,
        Reason::Malformed | Reason::UnsupportedMediaType => Code::InvalidArgument,
        Reason::UnsupportedEncoding | Reason::NotFound | Reason::Method => Code::Unimplemented,
        Reason::Host => Code::PermissionDenied,
        Reason::Timeout => Code::DeadlineExceeded,
        Reason::Busy => Code::Unavailable,
        Reason::Aborted => Code::Cancelled,
    };
    Status::new(code, refusal.message.clone())
}

/// Why a call failed in tonic's hands, or in ours within it.
fn reason(status: &Status) -> Option<Reason> {
    Some(match status.code() {
        Code::Ok => return None,
        Code::ResourceExhausted | Code::OutOfRange => Reason::BodyTooLarge,
        Code::Unimplemented => Reason::UnsupportedEncoding,
        _ => Reason::Malformed,
    })
}

/// A unary method that takes and gives messages as bytes, so that a message can
/// be weighed before it is decoded.
struct Answer<F>(F);

impl<F> UnaryService<Bytes> for Answer<F>
where
    F: FnMut(Bytes) -> Result<Vec<u8>, Refusal>,
{
    type Response = Vec<u8>;
    type Future = Ready<Result<tonic::Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let answer = (self.0)(request.into_inner());
        ready(
            answer
                .map(tonic::Response::new)
                .map_err(|refusal| status(&refusal)),
        )
    }
}

/// Messages are their bytes.
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

#[cfg(test)]
mod tests;
