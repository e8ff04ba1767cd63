//! Each decoder takes what we write, with the same fields.

#![allow(clippy::print_stdout, reason = "the table is the result")]

use rum_trace_sw8_peers::check::{Verdict, check};
use rum_trace_sw8_peers::peer::{PEERS, Peer};
use rum_trace_sw8_peers::table::{Row, Table};
use rum_trace_sw8_peers::{Field, cases, ours};

/// Of many that went wrong alike the first say enough.
fn assert_good(peer: &str, verdict: &Verdict) {
    let first: Vec<&str> = verdict.wrong.iter().map(|line| &**line).take(20).collect();
    let all = verdict.wrong.len();
    assert!(
        verdict.is_good(),
        "{peer}: {all} wrong\n{}",
        first.join("\n")
    );
}

#[test]
fn our_own_parser_takes_what_we_write() {
    let sent = cases::all();
    let verdict = check(&sent, &ours(&sent), &Field::ALL);
    assert_good("rum-trace", &verdict);
}

#[test]
#[ignore = "needs SkyWalking's agents for Rust (built with protoc), Python and Node.js: run tests/sw8-peers/run"]
fn other_agents_take_what_we_write_and_we_what_they_write() {
    let sent = cases::all();
    let row = |peer: Peer| {
        let (version, answers) = peer.ask(&sent);
        let verdict = check(&sent, &answers, peer.exposes);
        Row {
            peer: peer.name,
            version,
            exposes: peer.exposes,
            verdict,
        }
    };
    let table = Table(PEERS.map(row).into());
    println!("\n{table}");
    for row in &table.0 {
        assert_good(row.peer, &row.verdict);
        assert_eq!(
            row.verdict.written,
            sent.len(),
            "{} writes each on",
            row.peer
        );
    }
}
