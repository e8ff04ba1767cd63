//! What both transports do with a request, once they know what it asks for.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

use super::body::{self, Held};
use super::{Bounds, Coding, MediaType, Refusal, RequestLimits, decode};
use crate::collector::intake::Intake;
use crate::collector::stats::{Ignored, Reason};
use crate::http::host::HostPolicy;

#[derive(Debug)]
pub(crate) struct Receiver {
    intake: Arc<Intake>,
    pub(super) bounds: Bounds,
    hosts: HostPolicy,
}

/// Where a request goes.
#[derive(Clone, Copy)]
pub(super) enum Signal {
    Traces,
    Ignored(Ignored),
}

impl Receiver {
    pub(crate) fn new(intake: Arc<Intake>, limits: RequestLimits, hosts: HostPolicy) -> Self {
        Self {
            intake,
            bounds: Bounds::new(limits),
            hosts,
        }
    }

    pub(super) const fn limits(&self) -> RequestLimits {
        self.bounds.limits
    }

    /// Whether the request means this process.
    pub(super) fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        let message = "this host name is not known here: send to an IP address or to localhost, \
                       or start with --allow-host";
        self.hosts
            .allows(&head.headers, &head.uri)
            .then_some(())
            .ok_or_else(|| Refusal::new(Reason::Host, message))
    }

    /// Takes the spans of a body. That is work for milliseconds: what answers
    /// other requests does not wait for it.
    pub(super) async fn take(
        &self,
        held: Held,
        coding: Coding,
        media_type: MediaType,
    ) -> Result<ExportTraceServiceResponse, Refusal> {
        let (intake, limits) = (Arc::clone(&self.intake), self.limits());
        let work = move || {
            // It counts as in flight until then, though its sender may go.
            let plain = coding.decompress(held.bytes.clone(), limits)?;
            Ok(intake.take(decode(plain, media_type, limits)?))
        };
        let taken = self.bounds.decoders.run(work).await;
        taken.unwrap_or_else(|| Err(Refusal::malformed(&"it could not be decoded")))
    }

    /// Exporters of all three signals would fill their logs if two of them
    /// failed, or were partially successful, with every batch. (OTLP, section
    /// "Full Success": an empty answer, and no more.) The status tells what came
    /// of them.
    pub(super) async fn ignore(&self, signal: Ignored, body: &mut Body) -> Result<(), Refusal> {
        body::discard(&self.bounds, body).await?;
        self.intake.stats.ignored(signal);
        Ok(())
    }

    pub(super) fn count(&self, refusal: &Refusal) {
        self.intake.stats.refused(refusal.reason);
    }
}
