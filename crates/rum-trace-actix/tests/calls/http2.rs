//! HTTP/2: awc's requests to `https`, without TLS for the tests.

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, rt, web};

use crate::peer::*;
use crate::support::*;

struct Http2 {
    url: String,
    handle: ServerHandle,
}

impl Http2 {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let app = || {
            let breaks = || async {
                let chunks = [
                    Ok(Bytes::from_static(b"some")),
                    Err(std::io::Error::other("broken")),
                ];
                HttpResponse::Ok().streaming(Items(chunks.into_iter()))
            };
            App::new()
                .route("/text", web::to(|| async { "text" }))
                .route("/none", web::to(HttpResponse::NoContent))
                .route("/breaks", web::to(breaks))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .listen_auto_h2c(listener)
            .expect("listens")
            .run();
        let handle = server.handle();
        rt::spawn(server);
        Http2 { url, handle }
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        // The command is sent at once; nobody needs to wait for the end.
        drop(self.handle.stop(false));
    }
}

#[actix_web::test]
async fn each_stream_is_a_call() {
    let (spans, server) = (Spans::new(), Http2::start());
    let client = client(&spans);
    let table = [
        ("GET", "/text", "200", None),
        ("HEAD", "/text", "200", None),
        ("GET", "/none", "204", None),
        ("GET", "/nowhere", "404", Some("404")),
        ("GET", "/breaks", "200", Some("connection_reset")),
    ];
    for (method, path, status, error) in table {
        let method = awc::http::Method::from_bytes(method.as_bytes()).expect("a method");
        let sent = client
            .request(method, format!("{}{path}", server.url))
            .send();
        let mut response = in_time(sent).await.expect("a response");
        let body = in_time(response.body()).await;
        assert_eq!(body.is_err(), path == "/breaks", "{path}: {body:?}");
        let span = spans.one().await;
        let found = attributes(&span);
        assert_eq!(found["http.response.status_code"], status, "{path}");
        assert_eq!(found["network.protocol.version"], "2");
        assert_eq!(found.get("error.type").map(String::as_str), error, "{path}");
    }
}
