//! A gateway that traces: it exports a SERVER span of its own, and puts that between phone
//! and service.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The span that it puts between.
const SPAN: &str = "b7ad6b7169203331";
/// The trace that it begins, if it does not go on with the phone's.
const TRACE: &str = "11111111111111111111111111111111";

/// What it writes for the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Its own span, in the phone's trace.
    Span,
    /// One in a trace of its own.
    Trace,
}

/// Starts it before this service, for as long as the test runs. Its spans go here, over
/// OTLP, after its answers.
///
/// # Panics
///
/// If there is no free port.
#[must_use]
pub fn start(service: SocketAddr, collector: SocketAddr, writes: Writes) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let span = serve(stream, service, writes);
            // Who hangs up early has seen enough.
            if let Ok(Some((trace, parent))) = span {
                thread::spawn(move || export(collector, &trace, &parent));
            }
        }
    });
    address
}

/// Hands one request on, and gives the phone's trace and span.
fn serve(
    mut phone: TcpStream,
    service: SocketAddr,
    writes: Writes,
) -> std::io::Result<Option<(String, String)>> {
    let head = head(&mut phone)?;
    let mut onward = String::new();
    let mut caller = None;
    for line in head.trim_end().split("\r\n") {
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("traceparent: ") {
            let parts: Vec<&str> = value.split('-').collect();
            let [version, trace, span, flags] = parts[..] else {
                panic!("a traceparent of four parts: {value}");
            };
            caller = (flags == "01").then(|| (trace.to_owned(), span.to_owned()));
            let trace = if writes == Writes::Trace {
                TRACE
            } else {
                trace
            };
            onward.push_str(&format!(
                "traceparent: {version}-{trace}-{SPAN}-{flags}\r\n"
            ));
        } else if !lower.starts_with("connection:") {
            onward.push_str(line);
            onward.push_str("\r\n");
        }
    }
    onward.push_str("connection: close\r\n\r\n");
    let mut service = TcpStream::connect(service)?;
    service.write_all(onward.as_bytes())?;
    let mut answer = Vec::new();
    service.read_to_end(&mut answer)?;
    phone.write_all(&answer)?;
    Ok(caller)
}

fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn export(collector: SocketAddr, trace: &str, parent: &str) -> std::io::Result<()> {
    let body = serde_json::json!({"resourceSpans": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "edge"}},
            {"key": "telemetry.sdk.language", "value": {"stringValue": "cpp"}},
        ]},
        "scopeSpans": [{
            "scope": {"name": "nginx"},
            "spans": [{
                "traceId": trace, "spanId": SPAN, "parentSpanId": parent, "name": "/", "kind": 2,
                "startTimeUnixNano": "1763892000000000000",
                "endTimeUnixNano": "1763892000001000000",
            }],
        }],
    }]})
    .to_string();
    let mut stream = TcpStream::connect(collector)?;
    write!(
        stream,
        "POST /v1/traces HTTP/1.1\r\nhost: {collector}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(())
}
