//! The clients of one framework.

use std::ops::Range;

use rum_trace_sampling_tests::{Connection, Framework, InProcess, Server, Tap};

use crate::taps::{forged, real};
use crate::turn::Turn;
use crate::{FORGED, HONEST, MEMORY, PARTS};

/// In each part, on each framework.
pub(crate) const IN_A_PART: u64 = FORGED / PARTS / 2;
const HONEST_IN_A_PART: u64 = HONEST / PARTS / 2;
/// Of those: over a real socket, and alone, to be looked at one by one.
const OVER_SOCKETS: u64 = 200;
const ALONE: u64 = 101;

/// What a request allocates: the middle one of those that were sent alone, in each tenth.
pub(crate) type Typical = Vec<usize>;

/// In the process, and over a connection.
pub(crate) struct Client<'a> {
    framework: Framework,
    socket: Connection,
    turn: &'a Turn,
}

impl<'a> Client<'a> {
    pub(crate) fn new(framework: Framework, server: &Server, turn: &'a Turn) -> Self {
        Client {
            framework,
            socket: Connection::to(server.address()),
            turn,
        }
    }

    pub(crate) async fn run(mut self, site: impl InProcess) -> Typical {
        let mut typical = Vec::with_capacity(PARTS as usize);
        for part in 0..PARTS {
            let first = (part * 2 + self.framework as u64) * IN_A_PART;
            let alone = first + IN_A_PART - ALONE;
            self.turn.wait();
            self.part(&site, part, first..alone).await;
            self.turn.wait();
            // The others rest.
            for turn in Framework::ALL {
                self.turn.wait();
                if turn == self.framework {
                    typical.push(middle(&site, alone..first + IN_A_PART).await);
                }
            }
        }
        typical
    }

    async fn part(&mut self, site: &impl InProcess, part: u64, numbers: Range<u64>) {
        let every = (numbers.end - numbers.start) / HONEST_IN_A_PART;
        let first = (part * 2 + self.framework as u64) * HONEST_IN_A_PART;
        let mut honest = first..first + HONEST_IN_A_PART;
        for (at, number) in numbers.enumerate() {
            let at = at as u64;
            self.send(site, at < OVER_SOCKETS, &forged(number)).await;
            if at % every == 0 {
                if let Some(number) = honest.next() {
                    self.send(site, number % 2 == 0, &real(number)).await;
                }
            }
        }
        assert!(honest.is_empty(), "all are sent");
    }

    async fn send(&mut self, site: &impl InProcess, over_socket: bool, tap: &Tap) {
        let answer = match over_socket {
            true => self.socket.call(tap),
            false => site.call(tap).await,
        };
        assert_eq!(answer.status, 200);
    }
}

/// What one of them allocates.
async fn middle(site: &impl InProcess, numbers: Range<u64>) -> usize {
    let mut counts = Vec::with_capacity(ALONE as usize);
    for number in numbers {
        let tap = forged(number);
        let before = MEMORY.stats().allocations;
        site.call(&tap).await;
        counts.push(MEMORY.stats().allocations - before);
    }
    counts.sort_unstable();
    counts[counts.len() / 2]
}
