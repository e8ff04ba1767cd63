//! Load, for a look at figures: `cargo test --release -p rum-trace-cli --lib --
//! --ignored --nocapture store_under_load`, alone in its process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use super::*;

const SPANS_PER_S: u64 = 20_000;
const BATCH: u64 = 500;

fn seconds() -> u64 {
    let told = std::env::var("RUM_TRACE_LOAD_SECONDS").ok();
    told.and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// As spans of a service behind phones are: five to a trace.
fn proto(number: u64) -> SpanBuilder {
    let (trace, place) = (number / 5, number % 5);
    let id = |place: u64| format!("{:016x}", trace * 8 + place + 1);
    let service = ["shop", "shop", "stock", "stock", "prices"][place as usize];
    let span = SpanBuilder::new(service, 1, 1, 1)
        .trace_id(&format!("{:032x}", (u128::from(trace) << 64) | 0xfeed))
        .span_id(&id(place + 1))
        .parent(&id(place))
        .time(trace + place, trace + place + 40)
        .text("http.request.method", "GET")
        .text("url.path", &format!("/items/{}", trace % 1_000))
        .text("http.route", "/items/{id}")
        .text("url.scheme", "https")
        .text("server.address", "shop.example.com")
        .text("client.address", "203.0.113.7")
        .text("network.peer.address", "203.0.113.7")
        .text(
            "user_agent.original",
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36",
        )
        .number(
            "http.response.status_code",
            if trace % 50 == 0 { 500 } else { 200 },
        )
        .number("server.port", 443)
        .trace_state(
            "rum=v2&browser&shopapp@18ff4c0a0d8fd8d&6752f69566df43a98dc42f23f3bef670&uid_1",
        );
    match place {
        0 => span
            .server()
            .text("rum.app.id", "shopapp@18ff4c0a0d8fd8d")
            .text("rum.app.type", "browser")
            .text("session.id", &format!("{:032x}", trace / 20))
            .text("user.id", &format!("uid_{}", trace / 100)),
        1 | 3 => span.client(),
        _ => span.server(),
    }
}

/// The processor's time of this thread, which other work on the machine does
/// not change; where the system does not tell, the time.
fn cpu(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// How long something takes: by the clock, and of the processor.
fn timed<T>(times: &mut Times, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let before = cpu(start);
    let done = work();
    times.cpu.push(cpu(start).saturating_sub(before));
    times.wall.push(start.elapsed());
    done
}

/// Resident memory in KiB, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[derive(Debug, Default)]
struct Times {
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
}

impl Times {
    fn tell(&mut self, name: &str) {
        print!("{name}, {} times:", self.wall.len());
        for (what, times) in [
            ("time", &mut self.wall),
            ("of the processor", &mut self.cpu),
        ] {
            times.sort();
            let at = |percent: usize| times[(times.len() - 1) * percent / 100];
            print!(
                " {what} p50 {:.1?}, p99 {:.1?}, max {:.1?};",
                at(50),
                at(99),
                at(100)
            );
        }
        println!();
    }
}

#[test]
#[ignore = "a minute, and figures that only an optimised build gives"]
fn store_under_load() {
    let store = Store::new(Limits {
        traces: 20_000,
        bytes: 256 << 20,
    });
    let before = resident();
    let over = AtomicBool::new(false);
    let (mut insert, searches) = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                store.settle();
                thread::sleep(Duration::from_millis(250));
            }
        });
        let searching = scope.spawn(|| search(&store, &over));
        let insert = feed(&store);
        over.store(true, Ordering::Relaxed);
        (insert, searching.join().unwrap())
    });
    let counts = store.counts();
    let all: Duration = insert.cpu.iter().sum();
    println!("{counts:?}");
    println!(
        "resident: {before:?} KiB before, {:?} KiB after",
        resident()
    );
    println!(
        "insertion takes {:.1} % of a core",
        all.as_secs_f64() * 100.0 / seconds() as f64
    );
    insert.tell("insert of 500 spans");
    for (name, mut times) in searches {
        times.tell(name);
    }
    assert!(counts.evicted_traces > 0);
}

fn feed(store: &Store) -> Times {
    let mut times = Times::default();
    let start = Instant::now();
    let batches = seconds() * SPANS_PER_S / BATCH;
    for batch in 0..batches {
        let due = start + Duration::from_secs(1) * u32::try_from(batch * BATCH).unwrap() / 20_000;
        // One resource for the batch, as a service sends it.
        let first = proto(batch * BATCH).try_build().unwrap();
        let spans: Vec<_> = (0..BATCH)
            .map(|number| {
                let mut span = proto(batch * BATCH + number).try_build().unwrap();
                if span.service() == first.service() {
                    span.resource = Arc::clone(&first.resource);
                    span.scope = Arc::clone(&first.scope);
                }
                span
            })
            .collect();
        thread::sleep(due.saturating_duration_since(Instant::now()));
        timed(&mut times, || store.insert(spans));
    }
    times
}

fn search(store: &Store, over: &AtomicBool) -> Vec<(&'static str, Times)> {
    let text = |text: &str| Some(text.to_owned());
    let filters = [
        ("newest 100", Filter::default()),
        (
            "session of none",
            Filter {
                session: text("none"),
                ..Filter::default()
            },
        ),
        (
            "route of none",
            Filter {
                route: text("/none"),
                ..Filter::default()
            },
        ),
        (
            "text of none",
            Filter {
                text: text("Nothing like it"),
                ..Filter::default()
            },
        ),
        (
            "status 5xx",
            Filter {
                status: Some(StatusFilter::Class(5)),
                ..Filter::default()
            },
        ),
        (
            "missing",
            Filter {
                missing: Some(true),
                ..Filter::default()
            },
        ),
    ];
    let mut times: Vec<_> = filters
        .iter()
        .map(|(name, _)| (*name, Times::default()))
        .collect();
    times.push(("sessions", Times::default()));
    times.push(("topology", Times::default()));
    while !over.load(Ordering::Relaxed) {
        for ((_, filter), (_, times)) in filters.iter().zip(&mut times) {
            timed(times, || {
                let found = store.search(filter, 100, None);
                let json: Vec<_> = found.traces.iter().map(Listed::summary).collect();
                serde_json::to_vec(&json).unwrap()
            });
        }
        timed(&mut times[6].1, || {
            let digests = store.newest(None).map(|trace| trace.digest);
            crate::analysis::session::newest(digests, 100)
        });
        timed(&mut times[7].1, || {
            let topology = crate::analysis::topology::Answer::new(&store.topology(), true);
            serde_json::to_vec(&topology).unwrap()
        });
        thread::sleep(Duration::from_millis(100));
    }
    times
}
