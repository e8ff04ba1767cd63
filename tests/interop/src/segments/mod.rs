//! Takes SkyWalking's segments, as its agents report them over gRPC, and hands them to
//! the Collector as OTLP.
//!
//! This is what the Collector's own `skywalking` receiver is for, which cannot be built
//! here: the module of SkyWalking's protocol that it needs is not to be had from the
//! registry. So the ids are mapped by `rum_trace_propagation`, which maps them as that
//! receiver does, and the judge is the Collector's file all the same.

mod frames;
mod translate;
mod wire;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use tokio::net::TcpListener;

use self::frames::Frames;
use self::wire::SegmentObject;
use crate::BoxError;

const COLLECT: &str = "/skywalking.v3.TraceSegmentReportService/collect";

/// Where segments go.
#[derive(Clone, Debug)]
struct Intake {
    client: reqwest::Client,
    traces: String,
}

/// Serves until the runtime ends; returns `host:port`.
pub(crate) async fn serve(collector: &str) -> Result<String, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let intake = Intake {
        client: reqwest::Client::new(),
        traces: format!("{collector}/v1/traces"),
    };
    let app = Router::new().fallback(report).with_state(intake);
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(address.to_string())
}

/// Any of the agents' reports. Those that are no segments (heartbeats, properties, logs,
/// metrics) are answered as a backend does that has no commands for the agent.
async fn report(State(intake): State<Intake>, request: Request) -> Response {
    let segments = request.uri().path() == COLLECT;
    match intake.read(request.into_body(), segments).await {
        Ok(()) => status("0", ""),
        Err(error) => {
            eprintln!("segments: {error}");
            status("13", &error.to_string())
        }
    }
}

impl Intake {
    /// Each message when it comes: an agent may keep its stream open for long.
    async fn read(&self, mut body: Body, segments: bool) -> Result<(), BoxError> {
        let mut frames = Frames::default();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            frames.push(&data)?;
            while let Some(message) = frames.next()? {
                if segments {
                    self.forward(&SegmentObject::decode(message)?).await?;
                }
            }
        }
        Ok(())
    }

    async fn forward(&self, segment: &SegmentObject) -> Result<(), BoxError> {
        let export = translate::export(segment)?;
        let request = self.client.post(&self.traces);
        let request = request.header("content-type", "application/x-protobuf");
        let response = request.body(export.encode_to_vec()).send().await?;
        response.error_for_status()?;
        Ok(())
    }
}

/// An empty message, and how the call ended.
fn status(code: &'static str, message: &str) -> Response {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    if let Ok(message) = HeaderValue::from_str(message) {
        trailers.insert("grpc-message", message);
    }
    let message = Full::new(Bytes::from_static(&[0; 5]));
    let body = message.with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    response
}
