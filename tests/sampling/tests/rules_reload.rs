//! Rules that change under load: each decision is by the old ones or by the new ones.

#[path = "rules_reload/broken.rs"]
mod broken;
#[path = "rules_reload/files.rs"]
mod files;
#[path = "rules_reload/load.rs"]
mod load;
#[path = "rules_reload/logged.rs"]
mod logged;

use std::time::Duration;

use files::{Format, Mounted, RulesFile};
use load::Load;
use rum_trace_otlp::sampling::SessionSampler;

/// It is to be within a second, and no slow machine is to fail a test.
const LIMIT: Duration = Duration::from_secs(10);

/// Requests while the rules change all the time.
const STORM: u64 = 3_000;

#[test]
fn rules_reload_by_the_handle() {
    let load = Load::start(SessionSampler::builder().rules(files::rules(0)));
    let mut generation = 0;
    for _ in 0..50 {
        generation += 1;
        load.change_by_handle(generation);
        load.go_on();
    }
    // And without a pause, so that many a request is decided on while they change.
    let enough = load.answered() + STORM;
    while load.answered() < enough {
        generation += 1;
        load.change_by_handle(generation);
    }
    let verdict = load.end();
    assert_eq!(verdict.rules_taken, generation);
    println!("{generation} times by the handle: {verdict}");
}

#[test]
fn rules_reload_from_a_file() {
    for format in Format::ALL {
        let file = RulesFile::new(format);
        let load = Load::start(SessionSampler::builder().rules_file(file.path()));
        let mut slowest = Duration::ZERO;
        for generation in 1..=5 {
            load.change(generation, || {
                file.replace(&format.text(generation));
                slowest = slowest.max(load.wait_for_rules(generation, LIMIT));
            });
            load.go_on();
        }
        let verdict = load.end();
        assert_eq!((verdict.rules_taken, verdict.rules_refused), (5, 0));
        println!("5 times from {format:?}, within {slowest:.1?}: {verdict}");
    }
}

#[test]
fn rules_reload_refuses_what_is_broken() {
    let logged = logged::errors();
    for format in Format::ALL {
        let file = RulesFile::new(format);
        let load = Load::start(SessionSampler::builder().rules_file(file.path()));
        let mut refused = 0;
        for case in broken::cases(format) {
            file.replace(&case.text);
            refused += 1;
            load.wait_for_refusals(refused, LIMIT);
            // The old ones still decide.
            load.go_on();
            logged.assert_tells(file.path(), &[&format!("line {},", case.line), case.reason]);
        }
        file.remove();
        load.wait_for_refusals(refused + 1, LIMIT);
        load.go_on();
        logged.assert_tells(file.path(), &["cannot be read", "No such file"]);
        load.change(1, || {
            file.replace(&format.text(1));
            load.wait_for_rules(1, LIMIT);
        });
        load.go_on();
        let verdict = load.end();
        assert_eq!(
            (verdict.rules_taken, verdict.rules_refused),
            (1, refused + 1)
        );
        assert_eq!(
            logged.lines(file.path()),
            refused as usize + 1,
            "each said once"
        );
        println!(
            "{} refused from {format:?}, then one taken: {verdict}",
            refused + 1
        );
    }
    logged.assert_no(broken::IDS);
}

/// A `ConfigMap` in a volume: the file is a link to one in `..data`, which is a link to
/// a directory, and is turned to another.
#[cfg(unix)]
#[test]
fn rules_reload_from_a_link_that_is_turned() {
    let mounted = Mounted::new();
    let load = Load::start(SessionSampler::builder().rules_file(mounted.path()));
    let mut slowest = Duration::ZERO;
    for generation in 1..=3 {
        load.change(generation, || {
            mounted.turn_to(generation);
            slowest = slowest.max(load.wait_for_rules(generation, LIMIT));
        });
        load.go_on();
    }
    let verdict = load.end();
    assert_eq!((verdict.rules_taken, verdict.rules_refused), (3, 0));
    println!("3 times by a link, within {slowest:.1?}: {verdict}");
}
