//! A phone asks the server that has no framework.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use rum_trace::Instrumenter;
use rum_trace_testing::{Collector, Phone};

#[test]
fn the_phones_trace_goes_on() {
    let collector = Collector::new();
    let instrumenter = Instrumenter::builder()
        .tracer_provider(&collector.tracer_provider())
        .build()
        .expect("valid");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        let (stream, peer) = listener.accept().expect("a client");
        by_hand::serve_one(stream, peer, &instrumenter).expect("served");
    });

    let tap = Phone::browser().tap("GET", format!("http://{address}/hello"));
    let headers: String = tap
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(
        stream,
        "GET /hello HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n"
    )
    .expect("sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("an answer");
    server.join().expect("the server ends");

    let session = tap.session_id().expect("browsers send one");
    assert!(
        response.ends_with(&format!("hello, session {session}\n")),
        "{response}"
    );
    let span = collector.assert_continues(&tap);
    span.assert_name("GET /hello").assert_rum(&tap);
    span.assert_attribute("client.address", "127.0.0.1");
}
