//! Two cores against one: whether requests get into one another's way.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use rum_trace_bench_requests::axum::Layered;
use rum_trace_bench_requests::load::Load;

use crate::sockets::cores;

/// How long requests are counted.
const WINDOW: Duration = Duration::from_millis(20);
/// Requests between two looks at the clock.
const BATCH: usize = 16;

/// Requests a second of so many threads, each with a router that shares its layer
/// with the others, as the connections of a server do.
///
/// # Panics
///
/// If a thread cannot be kept on its core.
#[must_use]
pub fn rate(layered: &Layered, load: Load, threads: usize) -> f64 {
    let together = Barrier::new(threads);
    thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|core| {
                scope.spawn({
                    let together = &together;
                    move || {
                        cores::pin(core).expect("a thread may choose its core");
                        count(layered, load, together)
                    }
                })
            })
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().expect("no request panics"))
            .sum()
    })
}

fn count(layered: &Layered, load: Load, together: &Barrier) -> f64 {
    let mut subject = layered.clone().scoped(load);
    subject.serve(4 * BATCH);
    together.wait();
    let started = Instant::now();
    let mut served = 0;
    while started.elapsed() < WINDOW {
        subject.serve(BATCH);
        served += BATCH;
    }
    served as f64 / started.elapsed().as_secs_f64()
}
