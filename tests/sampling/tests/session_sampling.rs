//! A session is wholly in or wholly out, through every service.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::thread;

use rum_trace_otlp::sampling::{Reason, SessionSampler};
use rum_trace_sampling_tests::consistency::{Ot, five_sigma, id, randomness_of, scattered};
use rum_trace_sampling_tests::{
    Connection, Exported, Framework, InProcess, Processors, Receiver, Server, Service, Tap,
    on_actix, on_axum,
};

/// Without optimization as many as take some 20 seconds; `cargo test --release` sends all.
const SESSIONS: u64 = if cfg!(debug_assertions) {
    6_000
} else {
    20_000
};
const RATIO: f64 = 0.1;
/// `th` at that ratio, by OpenTelemetry's specification.
const THRESHOLD: &str = "th:e6666666666668";

/// One session in so many goes over real sockets, and from service to service by the
/// clients of both frameworks. The others are handed from service to service by the
/// test, with the headers that each writes.
const OVER_SOCKETS_EVERY: u64 = 20;

const THREADS: u64 = 2;

/// Session and trace of each request.
type Sent = Vec<(u64, u128)>;

#[test]
fn session_sampling() {
    let collector = Receiver::keeping();
    let chain = Chain::new(&collector);
    let chain = &chain;
    let sent: Sent = thread::scope(|scope| {
        let threads = (0..THREADS).map(|at| scope.spawn(move || chain.serve(at)));
        let threads: Vec<_> = threads.collect();
        let sent = threads.into_iter().map(|it| it.join().expect("no panic"));
        sent.flatten().collect()
    });
    let spans = chain.end(&collector, sent.len() as u64);
    let sampled = sampled_sessions(&sent, &spans);
    let at_another_edge = another_edge(&collector);
    assert_eq!(sampled, at_another_edge, "axum and actix-web");

    let off = (sampled.len() as f64 - SESSIONS as f64 * RATIO).abs();
    assert!(
        off <= five_sigma(SESSIONS, RATIO),
        "{} sessions",
        sampled.len()
    );
    println!(
        "{} of {SESSIONS} sessions at {RATIO}, wholly: {} requests of {}, {} spans; the same at \
         an edge on actix-web",
        sampled.len(),
        spans
            .iter()
            .filter(|span| span.service() == "edge" && span.is_server())
            .count(),
        sent.len(),
        spans.len(),
    );
}

/// The sessions that are in. None is partly.
fn sampled_sessions(sent: &Sent, spans: &[Exported]) -> BTreeSet<u64> {
    let mut at: HashMap<u128, BTreeSet<&str>> = HashMap::new();
    for span in spans.iter().filter(|span| span.is_server()) {
        let is_first = at
            .entry(span.trace_id())
            .or_default()
            .insert(span.service());
        assert!(is_first, "one span of a request: {span:?}");
        let reason = if span.service() == "edge" {
            "session"
        } else {
            reason_behind(span)
        };
        assert_eq!(span.reason(), reason, "{span:?}");
    }
    let mut sessions: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    for (session, trace) in sent {
        let services = at.remove(trace).map_or(0, |services| services.len());
        sessions.entry(*session).or_default().insert(services);
    }
    assert!(at.is_empty(), "of other traces: {at:?}");
    let sampled = sessions.iter().filter(|(session, services)| {
        let (all, none) = (BTreeSet::from([3]), BTreeSet::from([0]));
        assert!(
            **services == all || **services == none,
            "{session} at {services:?}"
        );
        **services == all
    });
    sampled.map(|(session, _)| *session).collect()
}

/// Only a sampler of ours tells.
fn reason_behind(span: &Exported) -> &'static str {
    if span.service() == "middle" {
        "parent"
    } else {
        ""
    }
}

/// axum, actix-web and axum.
struct Chain {
    edge: (Service, rum_trace_otlp::sampling::SamplingHandle),
    middle: (Service, rum_trace_otlp::sampling::SamplingHandle),
    last: Service,
}

impl Chain {
    fn new(collector: &Receiver) -> Self {
        let edge = SessionSampler::builder().by_session(RATIO);
        // It would take others, if it did not trust its caller.
        let middle = SessionSampler::builder()
            .by_session(0.5)
            .at_most(1)
            .trusted_callers(["127.0.0.0/8"]);
        let [edge, middle] = [("edge", edge), ("middle", middle)].map(|(name, sampler)| {
            let sampler = sampler.build().expect("settings that are right");
            let handle = sampler.handle();
            let service = Service::new(name, Some(sampler), Processors::Ours, collector);
            (service, handle)
        });
        Chain {
            edge,
            middle,
            last: Service::new("last", None, Processors::Ours, collector),
        }
    }

    /// Sends the requests of one in [`THREADS`] sessions.
    fn serve(&self, at: u64) -> Sent {
        let sessions = (0..SESSIONS).filter(|session| session % THREADS == at);
        let (sockets, others): (Vec<u64>, Vec<u64>) =
            sessions.partition(|session| session / THREADS % OVER_SOCKETS_EVERY == 0);
        let mut sent = self.over_sockets(&sockets);
        let system = actix_web::rt::System::new();
        sent.extend(system.block_on(self.in_process(&others)));
        sent
    }

    fn over_sockets(&self, sessions: &[u64]) -> Sent {
        let last = Server::start(Framework::Axum, self.last.site());
        let mut site = self.middle.0.site();
        site.next = format!("http://{}/items", last.address());
        let middle = Server::start(Framework::Actix, site);
        let mut site = self.edge.0.site();
        site.next = format!("http://{}/next", middle.address());
        let edge = Server::start(Framework::Axum, site);
        let mut client = Connection::to(edge.address());
        let mut lists = Lists::default();
        for (session, number) in requests(sessions) {
            let answer = client.call(&tap("/next/7", session, number));
            assert_eq!(answer.status, 200);
            lists.check(session, &answer.body);
        }
        self.settle();
        sent(sessions)
    }

    async fn in_process(&self, sessions: &[u64]) -> Sent {
        let edge = on_axum(self.edge.0.site());
        let middle = on_actix(self.middle.0.site()).await;
        let last = on_axum(self.last.site());
        let within = || Tap::get("/told/7").from(Ipv4Addr::LOCALHOST);
        let mut lists = Lists::default();
        for (session, number) in requests(sessions) {
            let told = edge.call(&tap("/told/7", session, number)).await;
            let told = middle.call(&within().sent_on(&told)).await;
            let items = Tap::get("/items/7").sent_on(&told);
            lists.check(session, &last.call(&items).await.body);
        }
        sent(sessions)
    }

    fn settle(&self) {
        for service in [&self.edge.0, &self.middle.0, &self.last] {
            service.settle();
        }
    }

    /// What arrived, after the books were compared with it.
    fn end(&self, collector: &Receiver, requests: u64) -> Vec<Exported> {
        self.settle();
        for service in [&self.edge.0, &self.middle.0, &self.last] {
            service.pipeline.flush().expect("it is sent");
        }
        let spans = collector.take();
        let servers = spans.iter().filter(|span| span.is_server());
        let in_chain = servers.count() as u64;
        for (_, handle) in [&self.edge, &self.middle] {
            assert_eq!(handle.stats().decisions(), requests, "{:?}", handle.stats());
        }
        let (edge, middle) = (self.edge.1.stats(), self.middle.1.stats());
        assert_eq!(edge.sampled(Reason::Session) * 3, in_chain, "{edge:?}");
        assert_eq!(middle.sampled(Reason::Parent) * 3, in_chain, "{middle:?}");
        spans
    }
}

/// What the last service gets to see in `tracestate`.
#[derive(Default)]
struct Lists {
    of_sessions: HashMap<u64, Ot>,
}

impl Lists {
    fn check(&mut self, session: u64, list: &str) {
        let ot = Ot::in_list(list);
        let of_session = self.of_sessions.entry(session).or_insert(ot);
        assert_eq!(*of_session, ot, "of all its requests: {list}");
        match ot.randomness {
            Some(randomness) => {
                assert!(list.contains(&format!("ot={THRESHOLD};rv:")), "{list}");
                assert!(Some(randomness) >= ot.threshold, "{list}");
            }
            None => assert_eq!(ot, Ot::default(), "nobody's probability: {list}"),
        }
    }
}

/// Several of each session.
fn requests(sessions: &[u64]) -> impl Iterator<Item = (u64, u64)> + '_ {
    let of = |session: &u64| {
        let session = *session;
        (0..2 + scattered(session) % 3).map(move |number| (session, number))
    };
    sessions.iter().flat_map(of)
}

fn sent(sessions: &[u64]) -> Sent {
    let requests = requests(sessions);
    requests
        .map(|(session, number)| (session, trace(session, number)))
        .collect()
}

fn trace(session: u64, number: u64) -> u128 {
    id(session * 16 + number + (1 << 40))
}

/// Some are sampled by the client and some are not; some tell of the session in
/// `tracestate` and some in `baggage`; some have been through a sampler already.
fn tap(path: &str, session: u64, number: u64) -> Tap {
    let trace = trace(session, number);
    let bits = randomness_of(trace);
    let tap = Tap::get(path).trace(trace, bits & 1 == 1);
    let id = format!("{:032x}", id(session));
    match bits & 6 {
        0 => tap.rum_in_baggage("shop@1", &id, "uid_1"),
        2 => tap
            .header("tracestate", "ot=th:8")
            .rum("shop@1", &id, "uid_1"),
        _ => tap.rum("shop@1", &id, "uid_1"),
    }
}

/// The sessions that an edge on actix-web takes, of which each sends one request.
fn another_edge(collector: &Receiver) -> BTreeSet<u64> {
    let sampler = SessionSampler::builder().by_session(RATIO).build();
    let sampler = sampler.expect("settings that are right");
    let service = Service::new("another", Some(sampler), Processors::Ours, collector);
    actix_web::rt::System::new().block_on(async {
        let edge = on_actix(service.site()).await;
        for session in 0..SESSIONS {
            edge.call(&tap("/items/7", session, 9)).await;
        }
    });
    let _ = service.end();
    let numbers: HashMap<String, u64> = (0..SESSIONS)
        .map(|session| (format!("{:032x}", id(session)), session))
        .collect();
    let spans = collector.take();
    spans.iter().map(|span| numbers[span.session()]).collect()
}
