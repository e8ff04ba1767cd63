//! Requests without pause, on both frameworks, each with what it may have been decided by.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rum_trace_otlp::sampling::{Reason, SamplingHandle, SamplingStats, SessionSamplerBuilder};
use rum_trace_sampling_tests::consistency::id;
use rum_trace_sampling_tests::{
    Connection, Exported, Framework, PATIENCE, Processors, Receiver, Server, Service, Tap,
    wait_until,
};

use crate::files::{APPS, is_in, rules};

/// Clients of each framework.
const CLIENTS: u64 = 2;

/// How many requests there are at least between two changes.
const BETWEEN: u64 = 40;

/// The load, from its start to its end.
pub(crate) struct Load {
    collector: Receiver,
    service: Service,
    handle: SamplingHandle,
    servers: Vec<Server>,
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Vec<Sent>>>,
}

/// Which rules hold: those of one generation, or while they are changed of two.
#[derive(Default)]
struct Shared {
    oldest: AtomicU64,
    newest: AtomicU64,
    answered: AtomicU64,
    is_over: AtomicBool,
}

/// A request that was answered.
struct Sent {
    trace: u128,
    app: &'static str,
    /// Those that it may have been decided by.
    generations: RangeInclusive<u64>,
}

/// What it came to.
pub(crate) struct Verdict {
    requests: u64,
    sampled: u64,
    pub(crate) rules_taken: u64,
    pub(crate) rules_refused: u64,
}

impl Load {
    /// With the rules of generation 0.
    pub(crate) fn start(sampler: SessionSamplerBuilder) -> Self {
        let collector = Receiver::keeping();
        let sampler = sampler.build().expect("settings that are right");
        let handle = sampler.handle();
        let service = Service::new("shop", Some(sampler), Processors::Ours, &collector);
        let start = |framework| Server::start(framework, service.site());
        let servers = Framework::ALL.map(start);
        let shared = Arc::<Shared>::default();
        let to = servers.each_ref().map(Server::address);
        let clients = (0..CLIENTS * 2).map(|number| {
            let (to, shared) = (to[number as usize % 2], Arc::clone(&shared));
            thread::spawn(move || shared.send(number, to))
        });
        let load = Load {
            collector,
            service,
            handle,
            clients: clients.collect(),
            servers: servers.into(),
            shared,
        };
        load.go_on();
        load
    }

    pub(crate) fn change_by_handle(&self, generation: u64) {
        let rules = rules(generation);
        self.change(generation, || self.handle.set_rules(rules));
    }

    /// How many requests there were so far.
    pub(crate) fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Changes the rules: from before to after it, the old ones or the new ones decide.
    pub(crate) fn change(&self, generation: u64, change: impl FnOnce()) {
        self.shared.newest.store(generation, Ordering::SeqCst);
        change();
        self.shared.oldest.store(generation, Ordering::SeqCst);
    }

    /// Waits for some more requests.
    pub(crate) fn go_on(&self) {
        let enough = self.answered() + BETWEEN;
        let is_enough = || self.answered() >= enough;
        wait_until("requests are answered", PATIENCE, is_enough);
    }

    /// Waits until these hold, and tells how long that took.
    pub(crate) fn wait_for_rules(&self, generation: u64, limit: Duration) -> Duration {
        let expected = rules(generation);
        wait_until("the rules hold", limit, || self.handle.rules() == expected)
    }

    pub(crate) fn wait_for_refusals(&self, number: u64, limit: Duration) {
        let refused = || self.handle.stats().rules_refused;
        wait_until("the file is refused", limit, || refused() >= number);
        assert_eq!(refused(), number);
    }

    /// Compares what was exported with what was sent.
    pub(crate) fn end(self) -> Verdict {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let clients = self.clients.into_iter();
        let sent = clients.flat_map(|client| client.join().expect("no panic"));
        let sent: Vec<Sent> = sent.collect();
        self.service.settle();
        drop(self.servers);
        let books = self.service.end();
        let spans = self.collector.take();
        let stats = self.handle.stats();
        assert_adds_up(&stats, sent.len() as u64, spans.len() as u64);
        assert_eq!(books.exported(), spans.len() as u64, "{books}");
        assert_decided(&sent, spans);
        Verdict {
            requests: sent.len() as u64,
            sampled: stats.sampled(Reason::Rule),
            rules_taken: stats.rules_taken,
            rules_refused: stats.rules_refused,
        }
    }
}

impl Shared {
    fn send(&self, client: u64, to: SocketAddr) -> Vec<Sent> {
        let mut connection = Connection::to(to);
        let mut sent = Vec::new();
        while !self.is_over.load(Ordering::SeqCst) {
            for app in APPS {
                let trace = id(client << 32 | sent.len() as u64);
                let tap = Tap::get("/items/7").trace(trace, true).rum(app, "s", "");
                let oldest = self.oldest.load(Ordering::SeqCst);
                assert_eq!(connection.call(&tap).status, 200);
                let newest = self.newest.load(Ordering::SeqCst);
                self.answered.fetch_add(1, Ordering::SeqCst);
                let generations = oldest..=newest;
                sent.push(Sent {
                    trace,
                    app,
                    generations,
                });
            }
        }
        sent
    }
}

/// One decision for each request, and every one by a rule: what fits no rule would show
/// that some of the old ones were asked and some of the new ones.
fn assert_adds_up(stats: &SamplingStats, requests: u64, exported: u64) {
    assert_eq!(stats.decisions(), requests, "{stats:?}");
    let dropped = stats.dropped(Reason::Rule);
    assert_eq!(stats.sampled(Reason::Rule) + dropped, requests, "{stats:?}");
    assert_eq!(stats.sampled(Reason::Rule), exported, "{stats:?}");
    assert!(dropped > 0 && exported > 0, "{stats:?}");
}

/// Each was decided as rules say that held while it was served.
fn assert_decided(sent: &[Sent], spans: Vec<Exported>) {
    let spans = spans.into_iter().map(|span| (span.trace_id(), span));
    let spans: std::collections::HashMap<u128, Exported> = spans.collect();
    for request in sent {
        let mut held = request.generations.clone();
        let is_right = match spans.get(&request.trace) {
            Some(span) => {
                assert_eq!(span.reason(), "rule");
                let said = said_by(span);
                held.contains(&said) && is_in(said, request.app)
            }
            None => held.any(|it| !is_in(it, request.app)),
        };
        let span = spans.get(&request.trace).map(Exported::rule);
        let Sent {
            app, generations, ..
        } = request;
        assert!(is_right, "{app} by {span:?}, while {generations:?} held");
    }
}

/// The generation of the rule that took it.
fn said_by(span: &Exported) -> u64 {
    let said = span.rule().strip_suffix(" in");
    let said = said.unwrap_or_else(|| panic!("no rule that takes: {span:?}"));
    said.parse().expect("a number")
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict {
            requests, sampled, ..
        } = self;
        write!(
            f,
            "{requests} requests, {requests} decisions, {sampled} sampled and exported"
        )
    }
}
