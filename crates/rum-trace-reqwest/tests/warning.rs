//! A client that follows redirects itself: said once, with what to do about it. A
//! file of its own, since it is once in a process.

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use rum_trace_reqwest::RumTraceMiddleware;
use support::{Harness, OWN, STRANGER, Seen, Server, answer, http, in_time, redirect};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_redirect_below_is_said_once() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());

    let server = Server::start(|seen: &Seen| match seen.target.as_str() {
        "/" => {
            let host = seen.header("host").unwrap_or_default();
            redirect(302, &format!("http://{}/end", host.replace(OWN, STRANGER)))
        }
        _ => answer(200, "hello"),
    })
    .await;
    let harness = Harness::new();

    // Put together right: nothing to say, whatever the URL looks like.
    let right = harness.client(server.address);
    for path in [
        "/",
        "/?",
        "/a%2Fb/%zz?x=%41&\u{e9}#f",
        "//x/../y?q=?#",
        "/end#frag",
    ] {
        let request = right.get(server.url(OWN, path)).send();
        drop(in_time(request).await.expect("a response"));
    }
    assert_eq!(log.text(), "");

    let wrong = reqwest_middleware::ClientBuilder::new(http(server.address).build().expect("one"))
        .with(RumTraceMiddleware::new(harness.instrumenter.clone()))
        .build();
    drop(
        in_time(wrong.get(server.url(OWN, "/end#x")).send())
            .await
            .expect("a response"),
    );
    assert_eq!(log.text(), "");
    for _ in 0..3 {
        drop(
            in_time(wrong.get(server.url(OWN, "/")).send())
                .await
                .expect("a response"),
        );
    }
    let said = log.text();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("WARN rum_trace_reqwest"), "{said}");
    assert!(
        said.contains("Policy::none()") && said.contains("FollowRedirects"),
        "{said}"
    );
    assert!(!said.contains(STRANGER), "{said}");
}
