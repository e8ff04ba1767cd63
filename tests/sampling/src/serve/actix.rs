//! On actix-web.

use std::net::TcpListener;

use actix_http::Request;
use actix_web::body::MessageBody;
use actix_web::dev::{Server, Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, error, rt};
use rum_trace_actix::{RumTrace, RumTraceClient};
use rum_trace_test_services::Running;

use super::{InProcess, SLOW};
use crate::{Answer, Site, Tap};

/// The site as a service of actix-web's, behind its middleware.
pub async fn on_actix(site: Site) -> impl InProcess {
    let layer = RumTrace::new(site.instrumenter.clone());
    let app = App::new().configure(|config| routes(config, site));
    Routes(init_service(app.wrap(layer)).await)
}

struct Routes<S>(S);

impl<S, B> InProcess for Routes<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    async fn call(&self, tap: &Tap) -> Answer {
        let method = tap.method.parse().expect("a method");
        let request = TestRequest::with_uri(&tap.path).method(method);
        let headers = tap.headers.iter();
        let request = headers.fold(request, |request, (name, value)| {
            request.insert_header((name.as_str(), value.as_str()))
        });
        let request = request.peer_addr(tap.from).to_request();
        let response = self.0.call(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = String::from_utf8(read_body(response).await.into());
        Answer {
            status,
            body: body.expect("text"),
        }
    }
}

/// Clients of awc stay on their thread, and need its runtime.
fn routes(config: &mut ServiceConfig, site: Site) {
    let trace = RumTraceClient::new(site.instrumenter.clone());
    config
        .app_data(Data::new(awc::Client::builder().wrap(trace).finish()))
        .app_data(Data::new(site))
        .route("/told/{id}", web::get().to(told))
        .route("/next/{id}", web::get().to(next))
        .route("/items/{id}", web::to(item))
        .route("/fails/{id}", web::get().to(fails))
        .route("/slow/{id}", web::get().to(slow))
        .default_service(web::to(|| async { "ok" }));
}

pub(super) fn start(listener: TcpListener, site: Site) -> Running {
    Running::on_actix(|| serve(listener, site))
}

fn serve(listener: TcpListener, site: Site) -> Server {
    let server = HttpServer::new(move || {
        let site = site.clone();
        let layer = RumTrace::new(site.instrumenter.clone());
        App::new()
            .configure(move |config| routes(config, site))
            .wrap(layer)
    });
    let server = server.workers(1).disable_signals().listen(listener);
    server.expect("it listens").run()
}

async fn told(site: Data<Site>) -> String {
    site.told()
}

async fn next(
    client: Data<awc::Client>,
    site: Data<Site>,
    id: Path<String>,
) -> actix_web::Result<Bytes> {
    let sent = client.get(site.next(&id)).send();
    let mut response = sent.await.map_err(error::ErrorBadGateway)?;
    response.body().await.map_err(error::ErrorBadGateway)
}

async fn item(request: HttpRequest) -> String {
    let list = request.headers().get("tracestate");
    let list = list.map(|value| String::from_utf8_lossy(value.as_bytes()));
    list.unwrap_or_default().into_owned()
}

async fn fails(site: Data<Site>) -> HttpResponse {
    site.child();
    HttpResponse::InternalServerError().finish()
}

async fn slow() -> &'static str {
    rt::time::sleep(SLOW).await;
    "at last"
}
