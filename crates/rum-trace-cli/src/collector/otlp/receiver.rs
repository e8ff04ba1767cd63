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
            // Whole: it counts as in flight until then, though its sender may go.
            let held = held;
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::FutureExt as _;

    use super::super::DECODERS;
    use super::*;
    use crate::collector::{Limits, Store};

    /// Otherwise whoever sends and goes, again and again, fills the memory with
    /// what waits for a decoder.
    #[tokio::test]
    async fn a_body_counts_until_it_is_decoded_though_its_sender_has_gone() {
        let store = Arc::new(Store::new(Limits::default()));
        let intake = Arc::new(Intake::new(store));
        let receiver = Receiver::new(intake, RequestLimits::default(), HostPolicy::default());
        let busy: Vec<_> = (0..DECODERS)
            .map(|_| {
                let (end, ended) = mpsc::channel::<()>();
                let work = receiver.bounds.decoders.run(move || ended.recv().is_err());
                let mut work = Box::pin(work);
                assert!((&mut work).now_or_never().is_none());
                (end, work)
            })
            .collect();
        let body = Body::from(vec![0xff; 10]);
        let held = body::read(&receiver.bounds, body, 10, None).await.unwrap();
        let taken = receiver.take(held, Coding::Identity, MediaType::Protobuf);
        assert!(Box::pin(taken).now_or_never().is_none());
        assert_eq!(receiver.bounds.in_flight.used(), 10);
        for (end, work) in busy {
            drop(end);
            work.await.unwrap();
        }
        let given_back = async {
            while receiver.bounds.in_flight.used() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let deadline = std::time::Duration::from_secs(60);
        tokio::time::timeout(deadline, given_back).await.unwrap();
    }
}
