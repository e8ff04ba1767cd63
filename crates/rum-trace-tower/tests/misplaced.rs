//! A layer that is where it cannot do its work says so, once.
#![cfg(feature = "axum")]

#[path = "../../rum-trace-core/tests/support/log.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with core's tests")]
mod log;
mod support;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::get;
use log::Log;
use rum_trace_tower::RumTraceLayer;
use support::*;
use tower::util::BoxCloneService;
use tower::{Layer, Service, ServiceExt, service_fn};

type Served = BoxCloneService<Request<Body>, Response<()>, Infallible>;

fn router() -> Router {
    Router::new().route("/items/{id}", get(|| async { "an item" }))
}

/// Any service, without the type of its body.
fn served<S, B>(service: S) -> Served
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: 'static,
{
    BoxCloneService::new(service.map_response(|response| response.map(drop)))
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::get(path);
    let add = |request: axum::http::request::Builder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    let request = headers.iter().fold(request, add);
    request.body(Body::empty()).expect("a request")
}

/// What is said in the log about where the layer is, when this serves some requests.
fn told(service: &Served, headers: &[(&str, &str)]) -> Vec<String> {
    let log = Log::default();
    log.during(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            for path in ["/items/1", "/nowhere", "/items/2"] {
                let response = service.clone().oneshot(request(path, headers)).await;
                response.expect("a response");
            }
        });
    });
    let mut kinds = log.kinds();
    kinds.retain(|kind| kind.starts_with("WARN"));
    kinds
}

const CARRIER: [(&str, &str); 2] = [("traceparent", TRACEPARENT), ("tracestate", RUM)];

#[test]
fn a_layer_outside_of_axums_routing() {
    type Build = fn(RumTraceLayer) -> Served;
    let table: [(&str, Build, bool); 7] = [
        (
            "on the router",
            |layer| served(router().layer(layer)),
            false,
        ),
        ("around it", |layer| served(layer.layer(router())), true),
        (
            "around what is around it",
            |layer| {
                let stack = tower::ServiceBuilder::new()
                    .layer(layer)
                    .map_request(|request: Request<Body>| request);
                served(stack.service(router()))
            },
            true,
        ),
        (
            "on the router, with something around that",
            |layer| {
                let stack =
                    tower::ServiceBuilder::new().map_request(|request: Request<Body>| request);
                served(stack.service(router().layer(layer)))
            },
            false,
        ),
        (
            "on a router that is nested",
            |layer| {
                served(Router::new().nest(
                    "/items",
                    Router::new().route("/{id}", get(|| async {})).layer(layer),
                ))
            },
            false,
        ),
        (
            "on routes only",
            |layer| served(router().route_layer(layer)),
            false,
        ),
        (
            "without axum's router there are no routes",
            |layer| {
                let hello = |_| async { Ok::<_, Infallible>(Response::new(Body::empty())) };
                served(layer.layer(service_fn(hello)))
            },
            false,
        ),
    ];
    for (name, build, is_told) in table {
        let service = build(Spans::new().layer());
        let expected: &[&str] = if is_told {
            &["WARN outside_routing"]
        } else {
            &[]
        };
        assert_eq!(told(&service, &CARRIER), expected, "{name}");
        assert_eq!(told(&service, &CARRIER), [""; 0], "{name}: once");
    }
}

#[test]
fn a_layer_that_is_applied_twice() {
    let spans = Spans::new();
    let layer = spans.layer();
    let twice = served(router().layer(layer.clone()).layer(layer.clone()));
    assert_eq!(told(&twice, &CARRIER), ["WARN applied_twice"]);
    assert_eq!(told(&twice, &CARRIER), [""; 0], "once");
    assert_eq!(
        spans.all().len(),
        12,
        "two for each request, as the line says"
    );

    let inner = Router::new()
        .route("/{id}", get(|| async {}))
        .layer(spans.layer());
    let nested = served(Router::new().nest("/items", inner).layer(spans.layer()));
    assert_eq!(told(&nested, &CARRIER), ["WARN applied_twice"]);

    let once = served(router().layer(spans.layer()));
    assert_eq!(told(&once, &CARRIER), [""; 0]);
}

/// The outermost answers: two answers would be more than the head of a response has
/// room for.
#[tokio::test]
async fn a_verifier_has_one_answer() {
    let token = "5f0e8c6a1b3d7924";
    let layer = Spans::new().layer_with(|builder| builder.verification_token(token));
    let service = router().layer(layer.clone()).layer(layer);
    let request = request("/items/1", &[("rum-trace-verify", token)]);
    let response = service.oneshot(request).await.expect("a response");
    let answers = response.headers().get_all("rum-trace-verified");
    assert_eq!(answers.iter().count(), 1);
}
