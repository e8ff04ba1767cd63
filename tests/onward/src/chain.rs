//! The three services and the stranger, running.

use std::net::SocketAddr;

use opentelemetry::trace::SpanKind;
use rum_trace_testing::{Collector, SpanView};

use crate::PATIENCE;
use crate::phone::Sent;
use crate::protocol::Hop;
use crate::seen::{Seen, Sightings};
use crate::services::first::Library;
use crate::services::middle::Actix;
use crate::services::{Axum, first, last, stranger};
use crate::taps::Tap;
use crate::telemetry::{Identity, Recorded, Telemetry};

/// What a chain is told.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// By what A calls B.
    pub library: Library,
    /// From A to B, and from B to C.
    pub hops: [Hop; 2],
    /// Whether hosts that are not its own get the trace from C.
    pub third_parties: bool,
    /// Which spans are looked at.
    pub recorded: Recorded,
}

impl Settings {
    /// The services, in order.
    #[must_use]
    pub const fn identities(&self) -> [Identity; 3] {
        let [to_b, to_c] = self.hops;
        [
            self.identity("shop", "shop-1", to_b),
            self.identity("price", "price-1", to_c),
            self.identity("stock", "stock-1", Hop::Default),
        ]
    }

    const fn identity(&self, service: &'static str, instance: &'static str, next: Hop) -> Identity {
        Identity {
            service,
            instance,
            next,
            third_parties: self.third_parties,
        }
    }
}

/// A running chain; it stops when this is dropped.
#[derive(Debug)]
pub struct Chain {
    settings: Settings,
    exported: Collector,
    stages: [Stage; 3],
    stranger: Sightings,
    stranger_address: SocketAddr,
    _axum: [Axum; 3],
    _actix: Actix,
}

/// One of the services.
#[derive(Debug)]
struct Stage {
    address: SocketAddr,
    spans: Collector,
    seen: Sightings,
}

/// What one of the services told of a request.
#[derive(Debug)]
pub struct Told {
    /// What its handler saw.
    pub seen: Seen,
    /// Its spans; none if the request was not recorded.
    pub spans: Option<Spans>,
}

/// A service's spans of one request.
#[derive(Debug)]
pub struct Spans {
    /// Of the request that came.
    pub server: SpanView,
    /// Of the one that went on.
    pub client: SpanView,
}

/// What became of one tap.
#[derive(Debug)]
pub struct Outcome {
    /// At A, B and C.
    pub told: [Told; 3],
    /// At the stranger.
    pub stranger: Seen,
    /// Where B, C and the stranger are.
    pub called: [String; 3],
}

impl Chain {
    /// Starts the services, the last one first: each knows where the next is.
    ///
    /// # Panics
    ///
    /// If they do not start.
    pub async fn start(settings: Settings) -> Self {
        let exported = Collector::new().with_deadline(PATIENCE);
        let [shop, price, stock] = settings
            .identities()
            .map(|identity| Telemetry::new(identity, settings.recorded, &exported));
        let (paid, stranger_saw) = Sightings::new();
        let stranger = stranger::start(paid).await;
        // Another name of the same machine, which nobody said is one's own.
        let pay = format!("http://{}/pay", by_name(stranger.address));
        let (witness, stock_saw) = Sightings::new();
        let last = last::start(stock.instrumenter, pay, witness).await;
        let (witness, price_saw) = Sightings::new();
        let items = format!("http://{}/stock", last.address);
        let middle = Actix::start(price.instrumenter, items, witness);
        let (witness, shop_saw) = Sightings::new();
        let items = format!("http://{}/price", middle.address);
        let first = first::start(shop.instrumenter, settings.library, items, witness).await;
        Chain {
            settings,
            exported,
            stages: [
                Stage::new(first.address, shop.spans, shop_saw),
                Stage::new(middle.address, price.spans, price_saw),
                Stage::new(last.address, stock.spans, stock_saw),
            ],
            stranger: stranger_saw,
            stranger_address: stranger.address,
            _axum: [first, last, stranger],
            _actix: middle,
        }
    }

    /// What it was told.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What was exported, of all services.
    #[must_use]
    pub const fn exported(&self) -> &Collector {
        &self.exported
    }

    /// Prints the traces if the test fails while this is alive.
    #[must_use]
    pub fn watch(&self, tap: &Tap) -> Watch {
        Watch {
            cell: format!("{} through {:?}", tap.name, self.settings),
            collectors: std::iter::once(&self.exported)
                .chain(self.stages.iter().map(|stage| &stage.spans))
                .cloned()
                .collect(),
        }
    }

    /// Sends a request, and does not wait.
    pub async fn send(&self, tap: &Tap, item: &str) -> Sent {
        let [first, ..] = &self.stages;
        Sent::new(first.address, &format!("/checkout/{item}"), tap).await
    }

    /// Waits until each of the services has been asked.
    pub async fn asked(&mut self) -> [Seen; 3] {
        let [a, b, c] = &mut self.stages;
        [
            a.seen.next().await,
            b.seen.next().await,
            c.seen.next().await,
        ]
    }

    /// Puts a request through.
    ///
    /// # Panics
    ///
    /// If it is not answered, or if there are other spans than two of each service.
    pub async fn tap(&mut self, tap: &Tap) -> Outcome {
        self.forget();
        let answer = self.send(tap, "42").await.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("paid"), "{answer}");
        let [a, b, c] = self.asked().await;
        let is_recorded = tap.sampled || self.settings.recorded == Recorded::All;
        let [shop, price, stock] = &self.stages;
        Outcome {
            told: [
                shop.told(a, is_recorded).await,
                price.told(b, is_recorded).await,
                stock.told(c, is_recorded).await,
            ],
            stranger: self.stranger.next().await,
            called: [
                price.address.to_string(),
                stock.address.to_string(),
                by_name(self.stranger_address),
            ],
        }
    }

    /// The spans of one request that each service has, once it has so many.
    pub async fn ended(&self, [a, b, c]: [usize; 3]) -> [Vec<SpanView>; 3] {
        let [shop, price, stock] = &self.stages;
        [
            shop.spans.wait_for_async(a).await,
            price.spans.wait_for_async(b).await,
            stock.spans.wait_for_async(c).await,
        ]
    }

    fn forget(&self) {
        self.exported.reset();
        for stage in &self.stages {
            stage.spans.reset();
        }
    }
}

fn by_name(address: SocketAddr) -> String {
    format!("localhost:{}", address.port())
}

impl Stage {
    fn new(address: SocketAddr, spans: Collector, seen: Sightings) -> Self {
        Stage {
            address,
            spans,
            seen,
        }
    }

    async fn told(&self, seen: Seen, is_recorded: bool) -> Told {
        if is_recorded {
            let spans = Some(self.both().await);
            return Told { seen, spans };
        }
        // What comes later is found among the next tap's.
        assert!(self.spans.spans().is_empty(), "nothing is recorded");
        Told { seen, spans: None }
    }

    async fn both(&self) -> Spans {
        let spans = self.spans.wait_for_async(2).await;
        assert_eq!(spans.len(), 2, "a SERVER span and a CLIENT span");
        let of = |kind: SpanKind| {
            let found = spans.iter().find(|span| span.kind() == kind);
            found.expect("one of each kind").clone()
        };
        Spans {
            server: of(SpanKind::Server),
            client: of(SpanKind::Client),
        }
    }
}

/// Prints which cell it was and the traces, if the test fails while it is alive.
#[derive(Debug)]
pub struct Watch {
    cell: String,
    collectors: Vec<Collector>,
}

impl Drop for Watch {
    #[allow(clippy::print_stderr, reason = "for whoever reads why a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("\n{}", self.cell);
            let names = ["exported", "shop", "price", "stock"];
            for (name, collector) in names.iter().zip(&self.collectors) {
                eprintln!("{name}: {}", collector.tree());
            }
        }
    }
}
