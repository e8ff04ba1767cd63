//! A service that is sent one request, and every byte that comes of it: the answer, the
//! requests that go on, exported spans and metrics, log lines.

mod actix;
mod axum;
mod calls;
mod case;
mod logs;
mod outputs;
mod peer;
mod telemetry;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

pub use self::case::{Case, Ids, Settings, any_case};
pub use self::logs::Logs;
pub use self::outputs::Outputs;
use self::peer::Peer;
use self::telemetry::Telemetry;
use crate::Framework;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The one host that is the service's own: every other is a stranger's, `localhost` too.
const OWN_HOST: &str = "127.0.0.1";

/// Sends the case's request to a service of its own, and gives all that came of it.
///
/// # Panics
///
/// If anything of it takes too long, or fails.
#[must_use]
pub fn outputs(runtime: &Runtime, logs: &Logs, framework: Framework, case: &Case) -> Outputs {
    let telemetry = runtime.block_on(Telemetry::start());
    let upstream = runtime.block_on(Peer::start());
    let instrumenter = telemetry.instrumenter(&case.settings);
    let calls = calls::Calls::new(instrumenter.clone(), upstream.address);
    let response = match framework {
        Framework::Axum => {
            let service = runtime.block_on(axum::Axum::start(calls.clone()));
            let answer = runtime.block_on(answer(service.address, case));
            runtime.block_on(service.end());
            answer
        }
        Framework::Actix => {
            let service = actix::Actix::start(calls.clone());
            runtime.block_on(answer(service.address, case))
        }
    };
    let mut outputs = Outputs::default();
    outputs.add("response", response);
    for request in upstream.requests() {
        outputs.add("onward", request);
    }
    for message in calls.messages() {
        outputs.add("message", message);
    }
    telemetry.end(&mut outputs);
    outputs.add("logs", logs.take());
    outputs
}

/// The whole answer to the case's request.
async fn answer(address: SocketAddr, case: &Case) -> Vec<u8> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let sent = stream.write_all(&case.request()).await;
        sent.expect("it reads");
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer).await;
        read.expect("an answer");
        answer
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    let answer = answer.expect("an answer in time");
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    answer
}
