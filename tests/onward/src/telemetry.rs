//! Each service's own instrumenter, and where its spans go.

use rum_trace_core::{Instrumenter, InstrumenterBuilder};
use rum_trace_testing::Collector;

use crate::PATIENCE;
use crate::protocol::Hop;

/// The one host of the services: every other is a stranger's, `localhost` too.
pub const OWN_HOST: &str = "127.0.0.1";

/// Which spans are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Those that are sampled, as in a service.
    Sampled,
    /// Also those that are not, so that their parents can be seen.
    All,
}

/// What a service is called in `sw8`, and what it was told.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The service's name.
    pub service: &'static str,
    /// The instance's name.
    pub instance: &'static str,
    /// The protocol of the hop behind it.
    pub next: Hop,
    /// Whether hosts that are not its own get the trace.
    pub third_parties: bool,
}

/// A service's own spans.
#[derive(Debug)]
pub struct Telemetry {
    /// Those of this service.
    pub spans: Collector,
    /// What the service continues and starts traces with.
    pub instrumenter: Instrumenter,
}

impl Telemetry {
    /// Spans go here, and those that are exported to `exported`, too.
    ///
    /// # Panics
    ///
    /// If the settings are wrong.
    #[must_use]
    pub fn new(identity: Identity, recorded: Recorded, exported: &Collector) -> Self {
        let spans = Collector::new().with_deadline(PATIENCE);
        let spans = match recorded {
            Recorded::Sampled => spans,
            Recorded::All => spans.with_unsampled(),
        };
        let provider = spans.provider_builder();
        let provider = provider.with_simple_exporter(exported.exporter()).build();
        let builder = Instrumenter::builder().tracer_provider(&provider);
        let instrumenter = told(builder, identity).build();
        Telemetry {
            spans,
            instrumenter: instrumenter.expect("settings that are right"),
        }
    }
}

fn told(builder: InstrumenterBuilder, identity: Identity) -> InstrumenterBuilder {
    let builder = builder
        .service(identity.service, identity.instance)
        .internal_hosts_are_own(false)
        .own_host(OWN_HOST)
        .trace_third_parties(identity.third_parties);
    match identity.next.protocol() {
        Some(protocol) => builder.protocol_to(OWN_HOST, protocol),
        None => builder,
    }
}
