//! Both frameworks at once, and what each tenth of that cost.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use rum_trace_otlp::sampling::{Reason, SamplingHandle};
use rum_trace_sampling_tests::{Framework, Server, Service, on_actix, on_axum};

use crate::client::{Client, IN_A_PART, Typical};
use crate::turn::Turn;
use crate::{MEMORY, PARTS};

/// What a tenth of the run cost.
#[derive(Debug)]
pub(crate) struct Part {
    /// Live bytes at its end.
    pub(crate) live: usize,
    /// Of all threads.
    pub(crate) allocations: u64,
    pub(crate) sampled: u64,
    took: Duration,
}

pub(crate) struct Parts {
    pub(crate) parts: Vec<Part>,
    /// On each framework.
    pub(crate) typical: [Typical; 2],
}

/// Both frameworks at once, as fast as they go.
pub(crate) fn flood(service: &Service, handle: &SamplingHandle) -> Parts {
    let turn = &Turn::of(3);
    thread::scope(|scope| {
        let axum = scope.spawn(move || {
            let server = Server::start(Framework::Axum, service.site());
            let client = Client::new(Framework::Axum, &server, turn);
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(client.run(on_axum(service.site())))
        });
        let actix = scope.spawn(move || {
            let server = Server::start(Framework::Actix, service.site());
            let client = Client::new(Framework::Actix, &server, turn);
            let system = actix_web::rt::System::new();
            system.block_on(async { client.run(on_actix(service.site()).await).await })
        });
        let parts = (0..PARTS).map(|_| measure(service, handle, turn));
        Parts {
            parts: parts.collect(),
            typical: [axum, actix].map(|it| it.join().expect("no panic")),
        }
    })
}

fn measure(service: &Service, handle: &SamplingHandle, turn: &Turn) -> Part {
    turn.wait();
    let (start, before) = (Instant::now(), MEMORY.stats());
    let sampled_before = sampled(handle);
    turn.wait();
    let (took, after) = (start.elapsed(), MEMORY.stats());
    service.settle();
    service.pipeline.flush().expect("it is sent");
    let quiet = MEMORY.stats();
    for _ in Framework::ALL {
        turn.wait();
    }
    Part {
        live: quiet.bytes_allocated - quiet.bytes_deallocated,
        allocations: (after.allocations - before.allocations) as u64,
        sampled: sampled(handle) - sampled_before,
        took,
    }
}

fn sampled(handle: &SamplingHandle) -> u64 {
    let stats = handle.stats();
    Reason::ALL
        .iter()
        .map(|reason| stats.sampled(*reason))
        .sum()
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = [1, PARTS as usize - 1];
        let [second, last] = at.map(|at| &self.parts[at]);
        let micros = |part: &Part| part.took.as_secs_f64() * 1e6 / IN_A_PART as f64;
        let [axum, actix] = self.typical.each_ref().map(|it| at.map(|at| it[at]));
        write!(
            f,
            "second tenth and last: live {} and {} bytes, allocations of a refused request \
             {axum:?} on axum and {actix:?} on actix-web, {:.0} and {:.0} us a request",
            second.live,
            last.live,
            micros(second),
            micros(last),
        )
    }
}
