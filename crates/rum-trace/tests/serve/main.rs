//! `Serve`, by real processes, signals and sockets.

#![cfg(unix)]

mod server;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;

use rustix::process::Signal;
use server::{Kind, Settings};
use support::collector::Collector;
use support::process::{Asked, End, Server, nowhere, wait_until_refused};

/// Each framework, on each kind of runtime.
const SERVERS: [Kind; 4] = [
    Kind::Axum,
    Kind::AxumOnOneThread,
    Kind::Actix,
    Kind::ActixOnTokio,
];

fn start(settings: &Settings, collector: &Collector) -> Server {
    Server::start(&mut settings.command(), &collector.endpoint())
}

/// What a server did whose handler was at work when it was told to stop.
struct Story {
    end: End,
    /// What came of the request.
    answer: String,
    /// The names of the spans that were exported.
    spans: Vec<String>,
}

impl Story {
    /// The request was not answered. That its span is not there is no promise:
    /// newer versions of actix-server end the handler in time.
    #[track_caller]
    fn assert_cut(&self) {
        assert_eq!(self.answer, "");
        assert!(
            self.spans.contains(&"GET /quick".to_owned()),
            "{:?}",
            self.spans
        );
    }
}

/// Runs a server, with a request to `path` under way when `then` is done.
fn story(settings: &Settings, path: &str, then: impl Fn(&mut Server, SocketAddr)) -> Story {
    // Before 2.9.1 a worker of actix-server may notice that nobody accepts
    // connections any more before the order to stop reaches it: it then ends at
    // once, with the requests under way (actix/actix-net#945). Such a run shows
    // by what its log lacks, and says nothing of ours.
    for _ in 0..20 {
        let collector = Collector::start();
        let mut server = start(settings, &collector);
        let address = server.address();
        Asked::get(address, "/quick").assert_answer("quick");
        let asked = Asked::get(address, path);
        server.wait_for_line("handling");
        then(&mut server, address);
        let end = server.wait();
        if settings.kind().is_actix() && !end.errors.contains("; finishing ") {
            continue;
        }
        return Story {
            end,
            answer: asked.answer(),
            spans: collector.names(),
        };
    }
    panic!("{:?} never drains", settings.kind());
}

fn drains(kind: Kind, signal: Signal) {
    let story = story(&Settings::of(kind), "/slow", |server, address| {
        server.signal(signal);
        wait_until_refused(address);
        server.go();
    });
    story.end.assert_success();
    assert!(
        story.answer.starts_with("HTTP/1.1 200 "),
        "{}",
        story.answer
    );
    assert!(story.answer.ends_with("\r\n\r\nslow"), "{}", story.answer);
    assert_eq!(story.spans, ["GET /quick", "GET /slow"]);
    story.end.assert_said(&["drains"]);
    assert!(!story.end.errors.contains("WARN"), "{}", story.end.errors);
}

#[test]
fn sigterm_lets_requests_end_and_their_spans_go_out() {
    for kind in SERVERS {
        drains(kind, Signal::TERM);
    }
}

#[test]
fn so_does_ctrl_c() {
    for kind in SERVERS {
        drains(kind, Signal::INT);
    }
}

#[test]
fn a_second_signal_ends_the_drain() {
    for kind in SERVERS {
        // Of either kind.
        for second in [Signal::TERM, Signal::INT] {
            let settings = Settings::of(kind).drain_ms(3_600_000);
            let story = story(&settings, "/endless", |server, address| {
                server.signal(Signal::TERM);
                wait_until_refused(address);
                server.signal(second);
            });
            story.end.assert_success();
            story.end.assert_said(&["a second signal", "open_spans=1"]);
            story.assert_cut();
        }
    }
}

#[test]
fn the_drain_has_its_time() {
    for kind in SERVERS {
        let settings = Settings::of(kind).drain_ms(200);
        let story = story(&settings, "/endless", |server, _| {
            server.signal(Signal::TERM);
        });
        story.end.assert_success();
        let told = ["the time to drain is over", "open_spans=1", "limit=200ms"];
        story.end.assert_said(&told);
        story.assert_cut();
    }
}

#[test]
fn what_is_lost_is_an_error() {
    for kind in SERVERS {
        let settings = Settings::of(kind).flush_ms(200);
        let server = Server::start(&mut settings.command(), &nowhere());
        let address = server.address();
        Asked::get(address, "/quick").assert_answer("quick");
        server.signal(Signal::TERM);
        let end = server.wait();
        assert_eq!(end.status.code(), Some(1), "{}", end.errors);
        end.assert_said(&[
            "at the shutdown of the pipeline, the deadline of 200ms passed: \
                           1 of 1 ended spans were not delivered",
        ]);
    }
}

#[test]
fn a_signal_that_is_early_is_not_fatal() {
    for kind in [Kind::StartsSlowly, Kind::ActixStartsSlowly] {
        let collector = Collector::start();
        let mut server = start(&Settings::of(kind), &collector);
        server.wait_for_line("starting");
        server.signal(Signal::TERM);
        server.go();
        server.wait().assert_success();
    }
}

#[test]
fn a_server_that_ends_by_itself_is_flushed() {
    let collector = Collector::start();
    let end = start(&Settings::of(Kind::Ends), &collector).wait();
    end.assert_success();
    assert_eq!(collector.names(), ["work"]);
}

#[test]
fn a_server_that_fails_is_flushed() {
    let collector = Collector::start();
    let end = start(&Settings::of(Kind::Fails), &collector).wait();
    assert_eq!(end.status.code(), Some(1));
    let told = end.errors.trim_end();
    assert!(
        told.ends_with("the server failed: no more sockets"),
        "{told}"
    );
    assert_eq!(collector.names(), ["work"]);
}

#[test]
fn a_failure_and_a_loss_are_both_told() {
    let settings = Settings::of(Kind::Fails).flush_ms(200);
    let end = Server::start(&mut settings.command(), &nowhere()).wait();
    assert_eq!(end.status.code(), Some(1));
    end.assert_said(&[
        "the server failed: no more sockets; and at the shutdown of the pipeline, \
         the deadline of 200ms passed: 1 of 1 ended spans were not delivered",
    ]);
}

#[test]
fn a_future_that_is_dropped_flushes() {
    let collector = Collector::start();
    let end = start(&Settings::of(Kind::Dropped), &collector).wait();
    end.assert_success();
    // The second one ended because the server was dropped.
    assert_eq!(collector.names(), ["served", "work"]);
}

#[test]
fn a_future_that_is_dropped_in_its_flush_ends_it() {
    let collector = Collector::start_held();
    let mut server = start(&Settings::of(Kind::DroppedInFlush), &collector);
    collector.wait_for_a_span();
    server.go();
    server.wait_for_line("dropping");
    collector.release();
    server.wait_for_line("exported 1");
    server.wait().assert_success();
}

#[test]
fn every_server_hears_of_the_stop() {
    let collector = Collector::start();
    let server = start(&Settings::of(Kind::Several), &collector);
    server.wait_for_line("serving");
    server.signal(Signal::TERM);
    server.wait_for_line("all have stopped");
    server.wait().assert_success();
}
