//! Nothing that a client sends can grow memory.

mod memory {
    pub(crate) mod client;
    pub(crate) mod service;
}

use std::ops::Range;

use memory::service::Service;
use peak_alloc::PeakAlloc;

/// All that is live in this process, which runs nothing but this test.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Each of another app, session, user, route and method. Without optimization as many
/// as take half a minute; `cargo test --release` sends all.
const REQUESTS: u64 = if cfg!(debug_assertions) {
    60_000
} else {
    10_000_000
};

/// A tenth of them: the first fills what is bounded (caches, labels, the export
/// queue), the second says how much that is.
const PART: u64 = REQUESTS / 10;

/// How often it is looked.
const STEP: u64 = 1_000;

/// What comes and goes: a batch on its way, a map that doubles. To keep two dozen bytes of
/// each request would be more, in the shorter run too.
const SLACK: usize = 1 << 20;

#[test]
fn memory_stays_flat() {
    let service = Service::start();
    let mut most = Vec::new();
    for part in 0..10 {
        most.push(most_live(&service, part * PART));
        println!(
            "{} requests: {} bytes live",
            (part + 1) * PART,
            most[part as usize]
        );
    }
    for later in &most[2..] {
        assert!(*later <= most[1] + SLACK, "live bytes by tenths: {most:?}");
    }
    service.stop(REQUESTS);
}

/// The most bytes that were live between the requests of a tenth, half of them on
/// another thread.
fn most_live(service: &Service, first: u64) -> usize {
    let (middle, end) = (first + PART / 2, first + PART);
    std::thread::scope(|scope| {
        let other = scope.spawn(move || serve(service, middle..end));
        let most = serve(service, first..middle);
        most.max(other.join().expect("no panic"))
    })
}

fn serve(service: &Service, numbers: Range<u64>) -> usize {
    let mut most = 0;
    for number in numbers {
        service.serve(number);
        if number % STEP == 0 {
            most = most.max(MEMORY.current_usage());
        }
    }
    most
}
