//! Clients that ask for everything get what the cap gives, and cost no more for it.

#[path = "abuse/client.rs"]
mod client;
#[path = "abuse/flood.rs"]
mod flood;
#[path = "abuse/taps.rs"]
mod taps;
#[path = "abuse/turn.rs"]
mod turn;

use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use flood::{Parts, flood};
use rum_trace_otlp::sampling::{Reason, SessionSampler};
use rum_trace_sampling_tests::{Processors, Receiver, Service};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use taps::{Seen, honest_in};

/// All that is allocated in this process, which runs nothing but this test.
#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Each of another app, session and trace; half of them on each framework. Without
/// optimization as many as take some 20 seconds; `cargo test --release` sends all.
const FORGED: u64 = if cfg!(debug_assertions) {
    60_000
} else {
    200_000
};
/// What is sampled of them, a second.
const CAP: u32 = 100;
/// Sessions that the rules name, each with one request.
const HONEST: u64 = 500;

/// The first fills what is bounded, and the second says how much that is.
const PARTS: u64 = 10;
/// What comes and goes beside the requests: to keep two bytes of each would be more, or
/// six in the shorter run.
const SLACK: usize = 256 << 10;
/// More than a span takes until it is sent, received and counted.
const ALLOCATIONS_OF_A_SAMPLED_SPAN: u64 = 500;

#[test]
fn abuse() {
    let seen = Arc::new(Seen::default());
    let theirs = Arc::clone(&seen);
    let collector = Receiver::telling(move |span| theirs.count(&span));
    let start = Instant::now();
    let sampler = SessionSampler::builder().at_most(CAP).rules(honest_in());
    let sampler = sampler.build().expect("settings that are right");
    let handle = sampler.handle();
    let service = Service::new("edge", Some(sampler), Processors::Ours, &collector);
    let parts = flood(&service, &handle);
    let took = start.elapsed();

    let books = service.end();
    drop(collector);
    let (forged, stats) = (seen.forged.load(Ordering::Relaxed), handle.stats());
    let allowed = f64::from(CAP) * (took.as_secs_f64() + 1.0);
    assert!(
        forged > 0 && forged as f64 <= allowed,
        "{forged} of at most {allowed}"
    );
    assert!(
        seen.honest.iter().all(|it| it.load(Ordering::Relaxed) == 1),
        "each one, once"
    );

    assert_eq!(stats.decisions(), FORGED + HONEST, "{stats:?}");
    assert_eq!(stats.sampled(Reason::Rule), HONEST, "{stats:?}");
    assert_eq!(stats.sampled(Reason::Parent), forged, "{stats:?}");
    assert_eq!(stats.dropped(Reason::Cap), FORGED - forged, "{stats:?}");
    assert_eq!(books.exported(), forged + HONEST, "{books}");
    assert_flat(&parts);
    println!(
        "{FORGED} forged requests in {took:.1?}: {forged} sampled, of at most {allowed:.0}; \
         {HONEST} of {HONEST} honest ones; {parts}"
    );
}

fn assert_flat(parts: &Parts) {
    let (second, last) = (&parts.parts[1], &parts.parts[PARTS as usize - 1]);
    for later in &parts.parts[2..] {
        assert!(later.live <= second.live + SLACK, "{:?}", parts.parts);
    }
    for typical in &parts.typical {
        let (second, last) = (typical[1], typical[PARTS as usize - 1]);
        assert!(
            last <= second,
            "allocations of a request, by tenths: {typical:?}"
        );
    }
    // All together: how many were sampled is the clock's choice, and they take more.
    let allowed = second.allocations + second.allocations / 50;
    let allowed = allowed + last.sampled * ALLOCATIONS_OF_A_SAMPLED_SPAN;
    assert!(last.allocations <= allowed, "{:?}", parts.parts);
}
