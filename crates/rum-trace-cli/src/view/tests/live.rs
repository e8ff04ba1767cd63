//! Events, as browsers get them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::{open, send};
use super::{PATIENCE, running};
use crate::collector::SpanBuilder;
use crate::view::live::MAX_LISTENERS;
use crate::view::start::Running;

struct Listener {
    stream: TcpStream,
    text: String,
    /// Of the last event's id.
    process: String,
}

impl Listener {
    async fn open(running: &Running, query: &str, headers: &[(&str, &str)]) -> Self {
        let path = format!("/api/v1/events{query}");
        let headers = [&[("host", "localhost")], headers].concat();
        let mut listener = Self {
            stream: open(running, "GET", &path, &headers).await,
            text: String::new(),
            process: String::new(),
        };
        let head = listener.until("retry: 1000\n\n").await;
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        listener
    }

    /// What comes until then, with it.
    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.text.find(end) {
                let rest = self.text.split_off(at + end.len());
                return std::mem::replace(&mut self.text, rest);
            }
            let mut bytes = [0; 4_096];
            let read = timeout(PATIENCE, self.stream.read(&mut bytes))
                .await
                .unwrap()
                .unwrap();
            assert!(read > 0, "ended: {}", self.text);
            self.text
                .push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
    }

    /// The next event, and the sequence number in its id.
    async fn event(&mut self) -> (u64, Value) {
        self.until("id: ").await;
        let event = self.until("\n\n").await;
        let mut lines = event.lines();
        let (process, id) = lines.next().unwrap().split_once('-').unwrap();
        let id = id.parse().unwrap();
        process.clone_into(&mut self.process);
        assert_eq!(lines.next(), Some("event: changed"));
        let data = lines.next().unwrap().strip_prefix("data: ").unwrap();
        // It must not have come in chunks that split it.
        (id, serde_json::from_str(data).unwrap())
    }

    /// Events until one has this sequence number, or a later one: a trace that is
    /// quiet is told again. The ids of traces in all, none of which is known since
    /// the change with number `since`.
    async fn through(&mut self, since: u64, sequence: u64) -> Vec<String> {
        let mut traces = Vec::new();
        loop {
            let (id, event) = self.event().await;
            assert_eq!(event["sequence"], id);
            assert_eq!(
                event["status"]["sequence"].as_u64().map(|now| now >= id),
                Some(true)
            );
            for trace in event["traces"].as_array().unwrap() {
                assert!(trace["sequence"].as_u64().unwrap() > since, "{trace}");
                traces.push(trace["trace_id"].as_str().unwrap()[..2].to_owned());
            }
            if id >= sequence {
                traces.sort();
                traces.dedup();
                return traces;
            }
        }
    }
}

fn insert(running: &Running, trace: u8, id: u8) {
    let span = SpanBuilder::new("shop", trace, id, 0).try_build().unwrap();
    running.store().insert([span]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_listeners_hear_all_changes_to_the_last() {
    let running = running(&[]).await;
    insert(&running, 9, 1);
    let mut one = Listener::open(&running, "", &[]).await;
    let mut other = Listener::open(&running, "?since=0", &[]).await;
    assert_eq!(other.through(0, 1).await, ["09"]);
    // Faster than events go out: they are put together, and the last is told.
    for trace in 1..=8 {
        for id in 1..=20 {
            insert(&running, trace, id);
        }
    }
    let last = running.store().sequence();
    assert!(last >= 161, "{last}");
    for listener in [&mut one, &mut other] {
        let mut traces = listener.through(1, last).await;
        traces.retain(|id| id != "09");
        assert_eq!(
            traces,
            (1..=8).map(|id| format!("0{id}")).collect::<Vec<_>>()
        );
    }
    // One that comes back hears what it missed and no more.
    let process = one.process.clone();
    drop(one);
    insert(&running, 3, 100);
    let known = format!("{process}-{last}");
    let next = running.store().sequence();
    let mut back = Listener::open(&running, "?since=0", &[("last-event-id", &known)]).await;
    for listener in [&mut back, &mut other] {
        let told = listener.through(last, next).await;
        assert!(told.contains(&"03".to_owned()), "{told:?}");
    }
    // What this process never gave is from before a restart, however small.
    for (query, last) in [
        ("?since=999999", ""),
        ("", "0123456789abcdef-161"),
        ("", "161"),
    ] {
        let mut old = Listener::open(&running, query, &[("last-event-id", last)]).await;
        assert_eq!(old.through(0, next).await.len(), 9, "{query} {last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_tells_of_100_traces_and_how_many_more() {
    let running = running(&[]).await;
    for trace in 1..=150 {
        insert(&running, trace, 1);
    }
    let mut listener = Listener::open(&running, "?since=0", &[]).await;
    let (_, event) = listener.event().await;
    assert_eq!(event["traces"].as_array().unwrap().len(), 100);
    assert_eq!(event["more"], 50);
    assert_eq!(event["traces"][0]["trace_id"], "96".repeat(16));
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_are_bounded_and_make_room_when_they_go() {
    let running = running(&[]).await;
    let mut listeners = Vec::new();
    for _ in 0..MAX_LISTENERS {
        listeners.push(Listener::open(&running, "", &[]).await);
    }
    let ask = || send(&running, "GET", "/api/v1/events", &[("host", "localhost")]);
    let answer = ask().await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["error"]["code"], "too_many_listeners");
    listeners.clear();
    // That they have gone shows when something is written to them.
    let mut id: u64 = 0;
    let opened = async {
        loop {
            id += 1;
            let span = SpanBuilder::new("shop", 1, 1, 0).span_id(&format!("{id:016x}"));
            running.store().insert([span.try_build().unwrap()]);
            let mut stream =
                open(&running, "GET", "/api/v1/events", &[("host", "localhost")]).await;
            let mut status = [0; 12];
            stream.read_exact(&mut status).await.unwrap();
            if status.ends_with(b"200") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, opened).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_do_not_hold_up_the_end() {
    let running = running(&[]).await;
    let listener = Listener::open(&running, "", &[]).await;
    ends(listener, running).await;
}

/// There is always something to tell, so that nothing is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn listeners_hear_of_the_end_under_load() {
    let running = running(&[]).await;
    let mut listener = Listener::open(&running, "", &[]).await;
    let store = Arc::clone(running.store());
    let load = tokio::spawn(async move {
        for id in 1_u64.. {
            let span = SpanBuilder::new("shop", 1, 1, 0).span_id(&format!("{id:016x}"));
            store.insert([span.try_build().unwrap()]);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    listener.event().await;
    ends(listener, running).await;
    load.abort();
}

async fn ends(mut listener: Listener, running: Running) {
    let stopped = tokio::spawn(running.stop());
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, listener.stream.read_to_end(&mut rest));
    read.await.unwrap().unwrap();
    // The last chunk of a whole answer.
    assert!(
        rest.ends_with(b"0\r\n\r\n"),
        "{:?}",
        String::from_utf8_lossy(&rest)
    );
    timeout(PATIENCE, stopped).await.unwrap().unwrap();
}
