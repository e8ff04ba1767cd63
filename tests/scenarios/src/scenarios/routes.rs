//! Names and routes: low in number, and never the path.

use super::{CALLER, get, got};
use crate::Server;
use crate::expect::Expected;
use crate::service::TEXT;
use crate::wire::{Client, Protocol, Request};

/// A parameter, a nested router, a catch-all, the root.
pub async fn matched(server: &Server) {
    let table = [
        ("/", "/"),
        ("/users/42", "/users/{id}"),
        ("/users/a%20b?x=1&y", "/users/{id}"),
        ("/api/v1/orders/7", "/api/v1/orders/{id}"),
        ("/files/css/site.css", server.framework().files_route()),
    ];
    for protocol in Protocol::ALL {
        for (target, route) in table {
            assert_eq!(get(server, protocol, target).await.status(), 200);
            server.expect(got(protocol, target, route)).await;
        }
    }
}

/// A route's handler that finds nothing: the route is known.
pub async fn not_found_by_the_handler(server: &Server) {
    let target = "/users/42/avatar";
    assert_eq!(get(server, Protocol::Http1, target).await.status(), 404);
    let expected = got(Protocol::Http1, target, "/users/{id}/avatar");
    server.expect(expected.status(404)).await;
}

/// No route: no `http.route`, and the method alone for a name.
pub async fn unmatched(server: &Server) {
    for protocol in Protocol::ALL {
        for target in [
            "/nowhere",
            "/users",
            "/users/",
            "/api/v1/nowhere",
            "//",
            "/wp-admin.php?x=1",
        ] {
            let answer = get(server, protocol, target).await;
            assert_eq!(answer.status(), 404, "{target}");
            let expected = Expected::get(target).from(CALLER).over(protocol);
            let expected = expected.status(404).receives(answer.body.len());
            server.expect(expected).await;
        }
    }
}

/// A route, but not for this method.
pub async fn method_not_allowed(server: &Server) {
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    let request = Request::new("DELETE", "/users/42").from(CALLER);
    assert_eq!(client.ask(&request).await.status(), 405);
    let expected = Expected::new("DELETE", "/users/42").route("/users/{id}");
    server.expect(expected.from(CALLER).status(405)).await;
}

/// A method that nobody knows is `_OTHER`, and `HTTP` in the name.
pub async fn unknown_method(server: &Server) {
    let mut client = Client::open(Protocol::Http1, server.address()).await;
    let request = Request::new("BREW", "/users/42").from(CALLER);
    assert_eq!(client.ask(&request).await.status(), 405);
    let expected = Expected::new("_OTHER", "/users/42").route("/users/{id}");
    let expected = expected.named("HTTP /users/{id}").from(CALLER).status(405);
    server
        .expect(expected.with("http.request.method_original", "BREW"))
        .await;
}

/// HEAD: its own method, the route of the GET, no body.
pub async fn head(server: &Server) {
    for protocol in Protocol::ALL {
        for (target, route, status) in [
            ("/users/42", "/users/{id}", 200),
            ("/users/42/avatar", "/users/{id}/avatar", 404),
            ("/large?bytes=100000", "/large", 200),
            ("/stream?frames=3", "/stream", 200),
        ] {
            let mut client = Client::open(protocol, server.address()).await;
            let request = Request::new("HEAD", target).from(CALLER);
            let answer = client.ask(&request).await;
            assert_eq!(
                (answer.status(), answer.body.len()),
                (status, 0),
                "{target}"
            );
            let expected = Expected::new("HEAD", target).route(route).from(CALLER);
            server.expect(expected.over(protocol).status(status)).await;
        }
    }
}

/// Queries are told, without what opens doors.
pub async fn queries(server: &Server) {
    let target = "/users/42?a=1&X-Amz-Signature=secret&sig=secret";
    let answer = get(server, Protocol::Http1, target).await;
    assert_eq!(answer.text(), TEXT);
    let expected = got(Protocol::Http1, target, "/users/{id}");
    let redacted = "a=1&X-Amz-Signature=REDACTED&sig=REDACTED";
    server.expect(expected.with("url.query", redacted)).await;
}
