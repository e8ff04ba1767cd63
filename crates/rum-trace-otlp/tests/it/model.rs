//! Random sequences of operations against a model of the books.
//!
//! A case is one to three lives of a pipeline, one after the other, with the
//! same collector and, in some cases, the same spool. What became of each span
//! is known from outside: the collector's own log says what was asked and what
//! was answered, and the files of the spool are read without the crate's help.
//! After every operation, and by name at the end of every life, the books must
//! say the same.
//!
//! The seed of a case that fails is printed, with the smallest case that still
//! fails. `RUM_TRACE_MODEL_SEED=…` runs this one case again, and
//! `RUM_TRACE_MODEL_CASES=…` runs as many new ones instead of a few.
//!
//! No assertion looks at a clock. A time that is waited for is either that of a
//! pause of the exporter's own, or bounded by [`LONG`](super::support::LONG).

mod answer;
mod case;
mod collector;
mod disk;
mod exporter;
mod life;
mod seen;
mod verdict;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::strategy::Strategy as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::life::World;

/// Cases by default: a few seconds, most of which are the exporter's pauses.
const CASES: u64 = 500;

/// What so many cases do not leave out: each of it is in one of thirty or more.
const SEEN: [&str; 13] = [
    "again",
    "after_shutdown",
    "exported",
    "exporter_failed",
    "exporter_panic",
    "queue_full",
    "recovered",
    "refused",
    "rejected",
    "retry_expired",
    "shutdown_deadline",
    "spool_full",
    "spooled",
];

/// They wait more than they compute.
const THREADS: usize = 8;

#[test]
fn the_books_are_those_of_the_collector_and_the_disk() {
    let seeds = seeds();
    let next = AtomicU64::new(0);
    let failure = Mutex::new(None);
    let seen = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(seeds.len()) {
            scope.spawn(|| {
                while failure.lock().unwrap().is_none() {
                    let index = next.fetch_add(1, Ordering::Relaxed) as usize;
                    let Some(seed) = seeds.get(index) else { return };
                    match run(*seed) {
                        Ok(outcomes) => seen.lock().unwrap().extend(outcomes),
                        Err(problem) => *failure.lock().unwrap() = Some(problem),
                    }
                }
            });
        }
    });
    if let Some(problem) = failure.into_inner().unwrap() {
        panic!("{problem}");
    }
    if seeds.len() as u64 >= CASES {
        let seen = seen.into_inner().unwrap();
        assert!(SEEN.iter().all(|one| seen.contains(one)), "only {seen:?}");
    }
}

fn seeds() -> Vec<u64> {
    if let Some(seed) = variable("RUM_TRACE_MODEL_SEED") {
        return vec![seed];
    }
    let cases = variable("RUM_TRACE_MODEL_CASES").unwrap_or(CASES);
    let random = RandomState::new();
    let seed = |case| {
        let mut hasher = random.build_hasher();
        hasher.write_u64(case);
        hasher.finish()
    };
    (0..cases).map(seed).collect()
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

/// One case: what it has seen, or, if it fails, the smallest that still does.
fn run(seed: u64) -> Result<BTreeSet<&'static str>, String> {
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: 300,
        max_shrink_time: 30_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let case = case::case().new_tree(&mut runner).unwrap();
    let seen = RefCell::new(BTreeSet::new());
    let outcome = runner.run_one(case, |case| {
        seen.replace(World::of(&case).run(&case));
        Ok(())
    });
    outcome
        .map(|_| seen.take())
        .map_err(|error| format!("RUM_TRACE_MODEL_SEED={seed} runs this case again: {error:#}"))
}
