//! Whoever means no good does not get into the log, and does not fill it.

use std::collections::BTreeSet;

use opentelemetry_sdk::trace::Sampler;

use crate::cases::{CASES, request};
use crate::support::{Harness, Log, Request, TRACEPARENT};

/// What clients send who mean no good.
fn hostile() -> Vec<Vec<u8>> {
    vec![
        b"\x1b[2J\x1b]0;owned\x07".to_vec(),
        b"00-\r\nERROR forged line\r\n".to_vec(),
        vec![0, 1, 2, 0x7f, 0x9b, 0xff],
        "\u{202e}gnirts\u{2028}".as_bytes().to_vec(),
        b"{}%s{hint}$HOME".to_vec(),
        vec![b'A'; 1 << 20],
        [b"1-".to_vec(), vec![b'-'; 1 << 16]].concat(),
        [b"Marker=".to_vec(), vec![b','; 1 << 16]].concat(),
    ]
}

const CARRIERS: [&str; 9] = [
    "traceparent",
    "tracestate",
    "baggage",
    "sw8",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "uber-trace-id",
    "user-agent",
];

#[test]
fn nothing_that_a_client_sends_is_in_the_log() {
    let (log, harness) = (Log::default(), Harness::new());
    log.during(|| {
        for value in hostile() {
            for name in CARRIERS {
                let alone = Request::get("/").header(name, &value);
                harness.serve(&alone);
                harness.serve(&alone.header("traceparent", TRACEPARENT));
            }
        }
    });
    assert!(log.lines().len() > 5, "{:?}", log.kinds());
    for line in log.lines() {
        for (field, text) in &line.fields {
            let printable = text.chars().all(|c| (' '..='~').contains(&c));
            assert!(printable && text.len() < 512, "{field}: {text:?}");
            for sent in ["owned", "forged", "AAAA", "$HOME", "Marker"] {
                assert!(!text.contains(sent), "{field}: {text}");
            }
        }
    }
}

#[test]
fn bad_requests_do_not_fill_the_log() {
    const REQUESTS: u64 = 100_000;
    let (log, harness) = (Log::default(), Harness::sampling(Sampler::AlwaysOff));
    let bad: Vec<Request> = CASES.iter().map(|case| request(case.headers)).collect();
    log.during(|| {
        for request in bad.iter().cycle().take(REQUESTS as usize) {
            harness.instrumenter.start(request).finish();
        }
    });
    let stats = harness.instrumenter.stats();
    assert_eq!(stats.requests(), REQUESTS);
    // One of each kind at first; further ones only if this takes minutes.
    let kinds: BTreeSet<String> = log.kinds().into_iter().collect();
    assert_eq!(kinds.len(), stats.findings().count() + 1, "and `absent`");
    assert!(log.lines().len() <= 5 * kinds.len(), "{:?}", log.kinds());
}
