//! Ten thousand requests of every kind at random, on each framework: each has
//! its span, with the end that it had; none leaks, none ends twice, and
//! nothing is active when all is over.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use rum_trace_core::InstrumenterBuilder;
use rum_trace_e2e::rng::Rng;
use rum_trace_scenarios::expect::Expected;
use rum_trace_scenarios::service::{FRAME, TEXT};
use rum_trace_scenarios::wire::{Caller, Client, Protocol, Request, http1, http2};
use rum_trace_scenarios::{Framework, Server, run};

/// At least 10,000 of them are requests that have a span.
const VISITS: usize = 11_500;
const CONNECTIONS: usize = 32;

/// Another mix: set the variable to any text.
const SEED: &str = "RUM_TRACE_MIX_SEED";

#[test]
fn axum() {
    println!("{SEED}={}", seed());
    run(Framework::Axum, skip_healthz, mix);
}

#[test]
fn actix() {
    println!("{SEED}={}", seed());
    run(Framework::Actix, skip_healthz, mix);
}

fn seed() -> String {
    std::env::var(SEED).unwrap_or_else(|_| "rum-trace".to_owned())
}

fn skip_healthz(builder: InstrumenterBuilder) -> InstrumenterBuilder {
    builder.skip("/healthz")
}

async fn mix(server: &Server) {
    let seed = seed();
    let next = AtomicUsize::new(0);
    let lanes = (0..CONNECTIONS).map(|_| lane(server, &seed, &next));
    let expected: Vec<Expected> = join_all(lanes).await.into_iter().flatten().collect();
    let count = expected.len();
    // Every span, each by the ids of its caller; and all of the metrics.
    let spans = server.expect_all(expected).await;
    let ids: HashSet<_> = spans
        .iter()
        .map(|span| span.span_context.span_id())
        .collect();
    assert_eq!(ids.len(), count, "a span ended twice");
    assert!(count >= 10_000, "{count}");
}

/// One visitor after the other, who share their connections where they can.
async fn lane(server: &Server, seed: &str, next: &AtomicUsize) -> Vec<Expected> {
    let mut lane = Lane {
        server,
        http1: Client::open(Protocol::Http1, server.address()).await,
        http2: Client::open(Protocol::Http2, server.address()).await,
        expected: Vec::new(),
    };
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= VISITS {
            return lane.expected;
        }
        // The same kind for the same number, whichever lane it comes to.
        let mut rng = Rng::seeded(&format!("{seed} {number}"));
        lane.visit(number as u64, &mut rng).await;
    }
}

struct Lane<'a> {
    server: &'a Server,
    http1: Client,
    http2: Client,
    expected: Vec<Expected>,
}

/// A request of which an answer comes.
struct Answered {
    target: &'static str,
    route: Option<&'static str>,
    status: u16,
    error: Option<&'static str>,
    bytes: Option<usize>,
}

const fn answered(target: &'static str, route: &'static str, bytes: usize) -> Answered {
    Answered {
        target,
        route: Some(route),
        status: 200,
        error: None,
        bytes: Some(bytes),
    }
}

const fn failed(target: &'static str, status: u16, error: Option<&'static str>) -> Answered {
    Answered {
        status,
        error,
        ..answered(target, target, TEXT.len())
    }
}

const ANSWERED: [Answered; 12] = [
    answered("/", "/", TEXT.len()),
    answered("/users/42?a=1", "/users/{id}", TEXT.len()),
    answered("/api/v1/orders/7", "/api/v1/orders/{id}", TEXT.len()),
    answered("/large?bytes=0", "/large", 0),
    answered("/large?bytes=70000", "/large", 70_000),
    answered("/stream?frames=0", "/stream", 0),
    answered("/stream?frames=20", "/stream", 20 * FRAME.len()),
    failed("/error500", 500, Some("500")),
    failed("/handler-error", 500, Some("500")),
    failed("/handler-not-found", 404, None),
    Answered {
        status: 204,
        ..answered("/empty", "/empty", 0)
    },
    Answered {
        route: None,
        bytes: None,
        ..failed("/nowhere", 404, None)
    },
];

impl Lane<'_> {
    async fn visit(&mut self, number: u64, rng: &mut Rng) {
        let caller = Caller::number(number);
        let protocol = rng.one_of(&Protocol::ALL);
        match rng.below(22) {
            0..=7 => {
                self.answered(caller, protocol, &ANSWERED[rng.below(ANSWERED.len())])
                    .await;
            }
            8 => self.head(caller, protocol).await,
            9 => self.echo(caller, protocol, 1 + rng.below(100_000)).await,
            10 => self.skipped(caller, protocol).await,
            11 => self.service_error(caller, protocol).await,
            12 => self.broken(caller, protocol, "/panic", None, "panic").await,
            13 => {
                let target = "/stream-panic?frames=2";
                self.broken(caller, protocol, target, Some(2), "panic")
                    .await;
            }
            14 => {
                let target = "/stream-error?frames=2";
                self.broken(caller, protocol, target, Some(2), "response_body_error")
                    .await;
            }
            15 => self.released(caller, protocol, number).await,
            16 => {
                self.gone_before_the_head(caller, number, rng.below(2) == 0)
                    .await;
            }
            17 => self.gone_in_the_body(caller, number).await,
            18 => self.reset_before_the_head(caller, number).await,
            19 => self.reset_in_the_body(caller, number).await,
            20 => self.upgrade(caller).await,
            _ => self.gone_in_its_own_head(caller).await,
        }
    }

    fn client(&mut self, protocol: Protocol) -> &mut Client {
        match protocol {
            Protocol::Http1 => &mut self.http1,
            Protocol::Http2 => &mut self.http2,
        }
    }

    async fn reopen(&mut self, protocol: Protocol) {
        let client = Client::open(protocol, self.server.address()).await;
        *self.client(protocol) = client;
    }

    async fn answered(&mut self, caller: Caller, protocol: Protocol, kind: &Answered) {
        let request = Request::get(kind.target).from(caller);
        let answer = self.client(protocol).ask(&request).await;
        assert_eq!(answer.status(), kind.status, "{}", kind.target);
        let bytes = kind.bytes.unwrap_or(answer.body.len());
        assert_eq!(answer.body.len(), bytes, "{}", kind.target);
        let mut expected = Expected::get(kind.target).from(caller).over(protocol);
        expected = expected.status(kind.status).receives(bytes);
        if let Some(route) = kind.route {
            expected = expected.route(route);
        }
        if let Some(error) = kind.error {
            expected = expected.error(error);
        }
        self.expected.push(expected);
    }

    async fn head(&mut self, caller: Caller, protocol: Protocol) {
        let request = Request::new("HEAD", "/stream?frames=3").from(caller);
        let answer = self.client(protocol).ask(&request).await;
        assert!(answer.body.is_empty());
        let expected = Expected::new("HEAD", "/stream?frames=3").route("/stream");
        self.expected.push(expected.from(caller).over(protocol));
    }

    async fn echo(&mut self, caller: Caller, protocol: Protocol, bytes: usize) {
        let request = Request::post("/echo", vec![b'x'; bytes]).from(caller);
        let answer = self.client(protocol).ask(&request).await;
        assert_eq!(answer.body.len(), bytes);
        let expected = Expected::new("POST", "/echo").route("/echo").from(caller);
        let expected = expected.over(protocol).sends(bytes).receives(bytes);
        self.expected.push(expected);
    }

    async fn skipped(&mut self, caller: Caller, protocol: Protocol) {
        let request = Request::get("/healthz").from(caller);
        let answer = self.client(protocol).ask(&request).await;
        let onward = format!("traceparent: {}", caller.traceparent());
        assert_eq!(answer.text(), onward);
    }

    async fn service_error(&mut self, caller: Caller, protocol: Protocol) {
        let request = Request::get("/service-error").from(caller);
        assert_eq!(self.client(protocol).ask(&request).await.status(), 503);
        let expected = Expected::get("/service-error").route("/service-error");
        let expected = expected.from(caller).over(protocol).error("handler_error");
        let expected = expected.receives_unseen();
        self.expected
            .push(match self.server.framework().status_of_a_failed_service() {
                Some(status) => expected.status(status),
                None => expected.no_status(),
            });
    }

    /// The server breaks off, before the head or after so many frames.
    async fn broken(
        &mut self,
        caller: Caller,
        protocol: Protocol,
        target: &'static str,
        frames: Option<usize>,
        error: &'static str,
    ) {
        let request = Request::get(target).from(caller);
        let answer = self.client(protocol).send(&request).await;
        assert!(answer.is_err(), "{answer:?}");
        self.reopen(protocol).await;
        let route = target.split('?').next().unwrap_or(target);
        let expected = Expected::get(target).route(route).from(caller);
        let expected = expected.over(protocol).error(error);
        self.expected.push(match frames {
            Some(frames) => expected.receives(frames * FRAME.len()),
            None => expected.no_status(),
        });
    }

    /// A handler that waits until it is released, with a client that waits.
    async fn released(&mut self, caller: Caller, protocol: Protocol, key: u64) {
        let target = format!("/hang?key={key}");
        let handler = self.server.signals().appoint(key);
        let request = Request::get(&*target).from(caller);
        handler.release();
        assert_eq!(self.client(protocol).ask(&request).await.text(), TEXT);
        let expected = Expected::get(&target).route("/hang").from(caller);
        self.expected
            .push(expected.over(protocol).receives(TEXT.len()));
    }

    async fn gone_before_the_head(&mut self, caller: Caller, key: u64, by_reset: bool) {
        let target = format!("/hang?key={key}");
        let mut handler = self.server.signals().appoint(key);
        let mut client = http1::Connection::open(self.server.address()).await;
        client
            .write(&http1::bytes(&Request::get(&*target).from(caller)))
            .await;
        handler.entered().await;
        if by_reset {
            client.reset();
        }
        let expected = Expected::get(&target).route("/hang").from(caller);
        self.expected
            .push(expected.no_status().error("client_disconnected"));
    }

    async fn gone_in_the_body(&mut self, caller: Caller, key: u64) {
        let target = format!("/stream-hang?frames=1&key={key}");
        let _handler = self.server.signals().appoint(key);
        let mut client = http1::Connection::open(self.server.address()).await;
        client
            .write(&http1::bytes(&Request::get(&*target).from(caller)))
            .await;
        client.until(FRAME.as_bytes()).await;
        let expected = Expected::get(&target).route("/stream-hang").from(caller);
        let expected = expected.error("client_disconnected_in_body");
        self.expected.push(expected.receives_a_part());
    }

    /// In a connection of its own: a server takes many resets for an attack.
    async fn reset_before_the_head(&mut self, caller: Caller, key: u64) {
        let target = format!("/hang?key={key}");
        let mut handler = self.server.signals().appoint(key);
        let mut client = http2::Connection::open(self.server.address()).await;
        let call = client.start(&Request::get(&*target).from(caller)).await;
        handler.entered().await;
        call.cancel();
        client.ping().await;
        let expected = Expected::get(&target).route("/hang").from(caller);
        let expected = expected.over(Protocol::Http2);
        self.expected
            .push(if self.server.framework().notices_reset_streams() {
                expected.no_status().error("client_disconnected")
            } else {
                handler.release();
                expected.error("client_disconnected_in_body")
            });
    }

    async fn reset_in_the_body(&mut self, caller: Caller, key: u64) {
        let target = format!("/stream-hang?frames=1&key={key}");
        let handler = self.server.signals().appoint(key);
        let mut client = http2::Connection::open(self.server.address()).await;
        let call = client.start(&Request::get(&*target).from(caller)).await;
        let mut answer = call.head().await.expect("the head");
        answer.chunk().await.expect("the first frame");
        answer.cancel();
        client.ping().await;
        if !self.server.framework().notices_reset_streams() {
            handler.release();
        }
        let expected = Expected::get(&target).route("/stream-hang").from(caller);
        let expected = expected.over(Protocol::Http2).receives_a_part();
        self.expected
            .push(expected.error("client_disconnected_in_body"));
    }

    /// A WebSocket, which its client then leaves without a word.
    async fn upgrade(&mut self, caller: Caller) {
        let mut client = http1::Connection::open(self.server.address()).await;
        let request = Request::get("/ws").from(caller).upgrade();
        client.write(&http1::bytes(&request)).await;
        assert_eq!(client.head().await.expect("a head").status, 101);
        let expected = Expected::get("/ws").route("/ws").from(caller);
        self.expected.push(expected.status(101));
    }

    async fn gone_in_its_own_head(&mut self, caller: Caller) {
        let mut client = http1::Connection::open(self.server.address()).await;
        let bytes = http1::bytes(&Request::get("/users/42").from(caller));
        client.write(&bytes[..bytes.len() - 2]).await;
    }
}
