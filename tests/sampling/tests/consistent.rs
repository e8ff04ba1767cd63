//! Services that know nothing of each other take the same traces.

use std::collections::BTreeMap;

use opentelemetry::trace::{SpanKind, TraceId};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample as _};
use rum_trace_otlp::sampling::{Reason, SessionSampler};
use rum_trace_sampling_tests::consistency::{Ot, five_sigma, id, randomness_of};
use rum_trace_sampling_tests::{
    Framework, InProcess, Processors, Receiver, Service, Tap, on_actix, on_axum,
};

/// Of each kind.
const TRACES: u64 = if cfg!(debug_assertions) {
    10_000
} else {
    100_000
};
const RATIO: f64 = 0.1;
const LARGER: f64 = 0.3;

/// What is known of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A session, and an id that says nothing of it.
    Session,
    /// Only an id, of 16 random bytes.
    Random,
    /// Only an id, which is a UUID of version 4: six of its bits are fixed.
    Uuid,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Session, Kind::Random, Kind::Uuid];

    fn trace(self, number: u64) -> u128 {
        let id = id(number + ((self as u64) << 32));
        match self {
            Kind::Uuid => as_uuid(id),
            _ => id,
        }
    }

    fn tap(self, number: u64) -> Tap {
        let tap = Tap::get("/items/7").trace(self.trace(number), number % 2 == 0);
        match self {
            Kind::Session => tap.rum("shop@1", &format!("{:032x}", id(number)), ""),
            _ => tap,
        }
    }
}

/// RFC 9562, §5.4.
fn as_uuid(id: u128) -> u128 {
    let version = 4 << 76;
    let variant = 2 << 62;
    (id & !(0xf << 76) & !(3 << 62)) | version | variant
}

/// The traces that a service took, with what it wrote of their probability.
type Taken = BTreeMap<u128, Ot>;

#[test]
fn consistent() {
    for kind in Kind::ALL {
        let one = taken(kind, RATIO, Framework::Axum);
        let other = taken(kind, RATIO, Framework::Actix);
        assert_eq!(one, other, "{kind:?}: the same ratio");
        let more = taken(kind, LARGER, Framework::Axum);
        assert!(
            one.keys().all(|id| more.contains_key(id)),
            "{kind:?}: a part of them"
        );
        for (taken, ratio) in [(&one, RATIO), (&more, LARGER)] {
            check_counts(kind, taken, ratio);
            check_letter(kind, taken);
        }
        println!(
            "{kind:?}: of {TRACES} traces {} at {RATIO} on axum and on actix-web, {} at {LARGER}; \
             they stand for {:.0} and {:.0}; the SDK's own sampler takes {} and {}",
            one.len(),
            more.len(),
            adjusted(&one),
            adjusted(&more),
            taken_by_sdk(kind, RATIO),
            taken_by_sdk(kind, LARGER),
        );
    }
    // Why it is not the SDK's sampler that decides: what it compares begins with the two
    // bits that are fixed in a UUID.
    let off = taken_by_sdk(Kind::Random, RATIO) as f64 - TRACES as f64 * RATIO;
    assert!(off.abs() <= sigma(RATIO), "random ids are no matter to it");
    for (ratio, takes) in [(RATIO, 0), (0.5, 0), (0.75, TRACES)] {
        assert_eq!(taken_by_sdk(Kind::Uuid, ratio), takes, "at {ratio}");
    }
}

fn sigma(ratio: f64) -> f64 {
    five_sigma(TRACES, ratio)
}

/// A service of its own, with a sampler of its own.
fn taken(kind: Kind, ratio: f64, framework: Framework) -> Taken {
    let collector = Receiver::keeping();
    let sampler = SessionSampler::builder().by_session(ratio).build();
    let sampler = sampler.expect("settings that are right");
    let handle = sampler.handle();
    let service = Service::new("shop", Some(sampler), Processors::Ours, &collector);
    actix_web::rt::System::new().block_on(async {
        match framework {
            Framework::Axum => send(kind, &on_axum(service.site())).await,
            Framework::Actix => send(kind, &on_actix(service.site()).await).await,
        }
    });
    let _ = service.end();
    let spans = collector.take();
    let reason = match kind {
        Kind::Session => Reason::Session,
        Kind::Random | Kind::Uuid => Reason::TraceId,
    };
    let stats = handle.stats();
    assert_eq!(stats.decisions(), TRACES, "{stats:?}");
    assert_eq!(stats.sampled(reason), spans.len() as u64, "{stats:?}");
    let ot = spans.iter().map(|span| {
        assert_eq!(span.reason(), reason.as_str());
        (span.trace_id(), Ot::in_list(span.trace_state()))
    });
    ot.collect()
}

async fn send(kind: Kind, site: &impl InProcess) {
    for number in 0..TRACES {
        let answer = site.call(&kind.tap(number)).await;
        assert_eq!(answer.status, 200);
    }
}

/// As many as the ratio says, and each says for how many it stands.
fn check_counts(kind: Kind, taken: &Taken, ratio: f64) {
    let off = (taken.len() as f64 - TRACES as f64 * ratio).abs();
    assert!(off <= sigma(ratio), "{kind:?} at {ratio}: {}", taken.len());
    let off = (adjusted(taken) - TRACES as f64).abs();
    assert!(
        off <= sigma(ratio) / ratio,
        "{kind:?} at {ratio}: {}",
        adjusted(taken)
    );
}

fn adjusted(taken: &Taken) -> f64 {
    taken.values().map(Ot::adjusted_count).sum()
}

/// Sampled if R ≥ T, and not if not.
fn check_letter(kind: Kind, taken: &Taken) {
    let mut thresholds = taken.values().map(|ot| ot.threshold);
    let threshold = thresholds
        .next()
        .flatten()
        .expect("one is taken, and says it");
    assert!(
        thresholds.all(|it| it == Some(threshold)),
        "one ratio, one threshold"
    );
    for number in 0..TRACES {
        let trace = kind.trace(number);
        let is_taken = taken.contains_key(&trace);
        match (kind, taken.get(&trace)) {
            // The randomness of what is not taken stands nowhere.
            (Kind::Session, None) => {}
            (Kind::Session, Some(ot)) => assert!(ot.randomness >= Some(threshold), "{ot:?}"),
            (_, ot) => {
                let is_due = randomness_of(trace) >= threshold;
                assert_eq!(is_taken, is_due, "{kind:?} {trace:032x}");
                assert_eq!(ot.and_then(|ot| ot.randomness), None, "it is in the id");
            }
        }
    }
}

/// What the SDK's sampler for ratios takes of the same ids.
fn taken_by_sdk(kind: Kind, ratio: f64) -> u64 {
    let sampler = Sampler::TraceIdRatioBased(ratio);
    let is_taken = |number: &u64| {
        let id = TraceId::from(kind.trace(*number));
        let result = sampler.should_sample(None, id, "", &SpanKind::Server, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    };
    (0..TRACES).filter(is_taken).count() as u64
}
