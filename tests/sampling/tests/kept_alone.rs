//! What is exported although it was not sampled, and what spans say of why.

use std::time::{Duration, Instant};

use rum_trace_otlp::sampling::{
    Condition, Keep, Reason, Rule, RuleDecision, Rules, SamplingHandle, SessionSampler,
    SessionSamplerBuilder,
};
use rum_trace_sampling_tests::consistency::id;
use rum_trace_sampling_tests::{
    Connection, Exported, Framework, PATIENCE, Processors, Receiver, Server, Service, Tap,
    child_name, wait_until,
};

const KEPT_ALONE: &str = "rum.sampling.kept_alone";

/// A service of a kind, while it runs.
struct Running {
    at: String,
    collector: Receiver,
    service: Service,
    handle: SamplingHandle,
    server: Server,
    client: Connection,
    sent: u64,
}

impl Running {
    fn start(framework: Framework, processors: Processors, sampler: SessionSamplerBuilder) -> Self {
        let collector = Receiver::keeping();
        let sampler = sampler.build().expect("settings that are right");
        let handle = sampler.handle();
        let service = Service::new("shop", Some(sampler), processors, &collector);
        let server = Server::start(framework, service.site());
        Running {
            at: format!("{framework}, {processors:?}"),
            client: Connection::to(server.address()),
            collector,
            service,
            handle,
            server,
            sent: 0,
        }
    }

    /// Gives the trace's id.
    fn send(&mut self, tap: Tap, is_sampled: bool) -> u128 {
        let trace = id(self.sent);
        self.sent += 1;
        self.client.call(&tap.trace(trace, is_sampled));
        trace
    }

    /// Once so many spans were looked at that would be kept.
    fn end(self, wanted: u64) -> (SamplingHandle, Vec<Exported>) {
        let looked_at = || {
            let stats = self.handle.stats();
            stats.kept_alone + stats.not_kept
        };
        wait_until("spans end", PATIENCE, || looked_at() >= wanted);
        self.service.settle();
        drop(self.server);
        let _ = self.service.end();
        assert_eq!(looked_at(), wanted, "{}", self.at);
        assert_eq!(self.handle.stats().decisions(), self.sent, "{}", self.at);
        (self.handle, self.collector.take())
    }
}

fn on_all(test: impl Fn(Framework, Processors)) {
    for framework in Framework::ALL {
        for processors in Processors::ALL {
            test(framework, processors);
        }
    }
}

#[test]
fn kept_alone() {
    const CAP: u32 = 5;
    const FAILING: u64 = 60;
    on_all(|framework, processors| {
        let keep = Keep::new().errors().at_most(CAP);
        let start = Instant::now();
        let mut running =
            Running::start(framework, processors, SessionSampler::builder().keep(keep));
        for _ in 0..FAILING {
            running.send(Tap::get("/fails/7"), false);
            running.send(Tap::get("/items/7"), false);
        }
        let sampled = running.send(Tap::get("/fails/7"), true);
        let at = running.at.clone();
        let (handle, spans) = running.end(FAILING);
        let allowed = f64::from(CAP) * (start.elapsed().as_secs_f64() + 1.0);

        let (of_sampled, kept): (Vec<_>, Vec<_>) = spans
            .into_iter()
            .partition(|span| span.trace_id() == sampled);
        assert!(
            of_sampled
                .iter()
                .all(|span| span.text(KEPT_ALONE).is_none()),
            "{at}"
        );
        assert!(
            of_sampled.iter().any(|span| span.name() == child_name()),
            "{at}"
        );
        assert_eq!(of_sampled.len(), 2, "{at}: {of_sampled:?}");
        for span in &kept {
            assert!(span.is_server(), "{at}: nothing below it: {span:?}");
            assert_eq!(span.text("url.path"), Some("/fails/7"), "{at}");
            assert_eq!(span.text(KEPT_ALONE), Some("error"), "{at}");
            assert_eq!(span.reason(), "parent", "{at}");
            assert!(!span.has_sampled_flag(), "{at}: {span:?}");
        }
        let stats = handle.stats();
        assert_eq!(stats.kept_alone, kept.len() as u64, "{at}: {stats:?}");
        assert!(
            !kept.is_empty() && kept.len() as f64 <= allowed,
            "{at}: {}",
            kept.len()
        );
        println!(
            "{at}: {} of {FAILING} failures kept, of at most {allowed:.0}",
            kept.len()
        );
    });
}

#[test]
fn kept_alone_when_slow() {
    const REQUESTS: u64 = 5;
    on_all(|framework, processors| {
        for (limit, kept) in [
            (Duration::from_millis(1), REQUESTS),
            (Duration::from_secs(3_600), 0),
        ] {
            let keep = Keep::new().slower_than(limit).at_most(1_000);
            let mut running =
                Running::start(framework, processors, SessionSampler::builder().keep(keep));
            for _ in 0..REQUESTS {
                running.send(Tap::get("/slow/7"), false);
            }
            let at = running.at.clone();
            let (_, spans) = running.end(kept);
            assert_eq!(spans.len() as u64, kept, "{at}, {limit:?}: {spans:?}");
            for span in spans {
                assert_eq!(span.text(KEPT_ALONE), Some("slow"), "{at}: {span:?}");
            }
        }
    });
}

/// Each reason, once sampled where that can be, and once on a span that was kept.
#[test]
fn reasons() {
    on_all(|framework, processors| {
        let start = |sampler: SessionSamplerBuilder| {
            let keep = Keep::new().errors().at_most(1_000);
            Running::start(framework, processors, sampler.keep(keep))
        };
        let anonymous = || Tap::get("/fails/7");
        let of_session = || anonymous().rum("shop@1", "5f2a", "u");
        let one = |decision| SessionSampler::builder().rules(Rules::new([named(decision)]));
        let by = |ratio| SessionSampler::builder().by_session(ratio);
        let table: [(_, Tap, bool, Reason); 10] = [
            (SessionSampler::builder(), anonymous(), true, Reason::Parent),
            (
                SessionSampler::builder(),
                anonymous(),
                false,
                Reason::Parent,
            ),
            (one(RuleDecision::In), of_session(), false, Reason::Rule),
            (
                one(RuleDecision::Ratio(1.0)),
                of_session(),
                false,
                Reason::Rule,
            ),
            (one(RuleDecision::Out), of_session(), true, Reason::Rule),
            (
                one(RuleDecision::Ratio(0.0)),
                of_session(),
                true,
                Reason::Rule,
            ),
            (by(1.0), of_session(), false, Reason::Session),
            (by(0.0), of_session(), true, Reason::Session),
            (by(1.0), anonymous(), false, Reason::TraceId),
            (by(0.0), anonymous(), true, Reason::TraceId),
        ];
        for (at, (sampler, tap, flag, reason)) in table.into_iter().enumerate() {
            let is_sampled = match reason {
                Reason::Parent => flag,
                _ => !flag,
            };
            let mut running = start(sampler);
            running.send(tap, flag);
            let (handle, spans) = running.end(u64::from(!is_sampled));
            let row = format!("{framework}, {processors:?}, row {at}");
            let span = spans.iter().find(|span| span.is_server()).expect("one");
            check_reason(&row, span, reason, is_sampled);
            let stats = handle.stats();
            let counts = (stats.sampled(reason), stats.dropped(reason));
            assert_eq!(
                counts,
                (u64::from(is_sampled), u64::from(!is_sampled)),
                "{row}"
            );
        }
        for (sampler, reason) in [
            (SessionSampler::builder().at_most(1), Reason::Cap),
            (SessionSampler::builder().at_most_per_app(1), Reason::AppCap),
        ] {
            over_the_cap(start(sampler), reason);
        }
    });
}

fn named(decision: RuleDecision) -> Rule {
    let mut rule = Rule::new(decision);
    rule.name = Some("named".to_owned());
    rule.session = Condition::any_of(["5f2a"]);
    rule
}

fn check_reason(row: &str, span: &Exported, reason: Reason, is_sampled: bool) {
    assert_eq!(span.reason(), reason.as_str(), "{row}: {span:?}");
    let rule = if reason == Reason::Rule { "named" } else { "" };
    assert_eq!(span.rule(), rule, "{row}: {span:?}");
    assert_eq!(span.has_sampled_flag(), is_sampled, "{row}: {span:?}");
    assert_eq!(
        span.text(KEPT_ALONE).is_none(),
        is_sampled,
        "{row}: {span:?}"
    );
}

/// Enough at once that some are over it, however slow the machine is: all of one app.
fn over_the_cap(mut running: Running, reason: Reason) {
    while running.handle.stats().dropped(reason) == 0 {
        assert!(running.sent < 10_000, "nothing is ever over it");
        running.send(Tap::get("/fails/7").rum("shop@1", "5f2a", "u"), true);
    }
    let at = running.at.clone();
    let dropped = running.handle.stats().dropped(reason);
    let sent = running.sent;
    let (handle, spans) = running.end(dropped);
    let servers = spans.iter().filter(|span| span.is_server());
    let (kept, sampled): (Vec<_>, Vec<_>) =
        servers.partition(|span| span.text(KEPT_ALONE).is_some());
    assert_eq!(kept.len() as u64, dropped, "{at}");
    for span in kept {
        check_reason(&at, span, reason, false);
    }
    assert_eq!(sampled.len() as u64, sent - dropped, "{at}");
    for span in sampled {
        check_reason(&at, span, Reason::Parent, true);
    }
    assert_eq!(
        handle.stats().sampled(Reason::Parent),
        sent - dropped,
        "{at}"
    );
}
