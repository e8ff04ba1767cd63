//! The service, asked by phones over a real socket.

use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, rt};
use bytes::Bytes;
use example_actix_service::routes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rum_trace::Instrumenter;
use rum_trace::actix::RumTrace;
use rum_trace::opentelemetry::trace::SpanKind;
use rum_trace_testing::{Collector, Phone, PhoneRequest};

fn serve(collector: &Collector) -> (SocketAddr, ServerHandle) {
    rum_trace::opentelemetry::global::set_tracer_provider(collector.tracer_provider());
    let instrumenter = Instrumenter::builder()
        .tracer_provider(&collector.tracer_provider())
        .build()
        .expect("valid");
    let trace = RumTrace::new(instrumenter);
    let app = move || App::new().configure(routes).wrap(trace.clone());
    let server = HttpServer::new(app).bind("127.0.0.1:0");
    let server = server.expect("a free port");
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    rt::spawn(server);
    (address, handle)
}

async fn send(tap: &PhoneRequest) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = http::Request::builder().method(tap.method()).uri(tap.url());
    for (name, value) in tap.headers() {
        request = request.header(*name, value);
    }
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let response = client.request(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[actix_web::test]
async fn every_phone_finds_its_tap_on_the_server() {
    let collector = Collector::new();
    let (address, server) = serve(&collector);
    for phone in [
        Phone::browser(),
        Phone::uniapp(),
        Phone::android(),
        Phone::ios(),
        Phone::browser().sw8(),
    ] {
        collector.reset();
        let tap = phone.tap("GET", format!("http://{address}/items/42"));
        let (status, body) = send(&tap).await;
        assert_eq!(status, 200);
        let session = tap
            .session_id()
            .map_or("null".to_owned(), |id| format!("\"{id}\""));
        assert_eq!(body, format!("{{\"id\":42,\"seen_by_session\":{session}}}"));
        collector.wait_for_async(1).await;
        let span = collector.assert_continues(&tap);
        span.assert_name("GET /items/{id}").assert_rum(&tap);
    }

    // Spans of the handler hang under it.
    collector.reset();
    let tap = Phone::android().tap("GET", format!("http://{address}/search?words=tea"));
    send(&tap).await;
    collector.wait_for_async(2).await;
    let child = collector.assert_continues(&tap).child("look up index");
    child.assert_kind(SpanKind::Internal);

    // An error of the handler is a response, and keeps the route.
    collector.reset();
    let tap = Phone::uniapp().tap("GET", format!("http://{address}/items/0"));
    assert_eq!(send(&tap).await, (404, "no such item".to_owned()));
    collector.wait_for_async(1).await;
    collector
        .assert_continues(&tap)
        .assert_name("GET /items/{id}")
        .assert_no_attribute("error.type");

    // A failure is the span's, and its trace id is what the customer reads.
    collector.reset();
    let tap = Phone::ios().tap("POST", format!("http://{address}/orders"));
    let (status, body) = send(&tap).await;
    assert_eq!(
        (status, body),
        (503, format!("please quote {} to support", tap.trace_id()))
    );
    collector.wait_for_async(1).await;
    collector
        .assert_continues(&tap)
        .assert_attribute("error.type", "503");

    server.stop(false).await;
}
