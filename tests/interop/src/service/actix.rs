//! Our actix-web service, with awc.

use actix_web::http::header::HeaderValue;
use actix_web::web::{self, Data, Json, Query};
use actix_web::{App, HttpRequest, HttpServer};
use awc::Client;
use rum_trace::Instrumenter;
use rum_trace::actix::{CurrentTrace, Rum, RumTrace, RumTraceClient};
use rum_trace::serve::Serve;

use super::{Call, MAX_ANSWER, PATIENCE, Setup, with_next};
use crate::BoxError;
use crate::answer::Answer;

#[derive(Debug)]
struct Name(String);

/// Serves until SIGTERM.
pub(crate) fn run(setup: &Setup) -> Result<(), BoxError> {
    actix_web::rt::System::new().block_on(serve(setup))
}

async fn serve(setup: &Setup) -> Result<(), BoxError> {
    let pipeline = setup.pipeline()?;
    let instrumenter = setup.instrumenter()?;
    let name = Data::new(Name(setup.name.clone()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(name.clone())
            .app_data(Data::new(instrumenter.clone()))
            .app_data(Data::new(client(&instrumenter)))
            .route("/call", web::get().to(call))
            .wrap(RumTrace::new(instrumenter.clone()))
    });
    let server = server
        .h1_allow_half_closed(false)
        .workers(2)
        .bind("127.0.0.1:0")?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    Serve::new(pipeline).actix(server).await?;
    Ok(())
}

/// One for each worker: awc's clients stay on their thread.
fn client(instrumenter: &Instrumenter) -> Client {
    let trace = RumTraceClient::new(instrumenter.clone()).timeout(PATIENCE);
    Client::builder().timeout(PATIENCE).wrap(trace).finish()
}

async fn call(
    name: Data<Name>,
    client: Data<Client>,
    instrumenter: Data<Instrumenter>,
    call: Query<Call>,
    trace: CurrentTrace,
    rum: Option<Rum>,
    request: HttpRequest,
) -> Json<Answer> {
    let headers = request.headers();
    let values = |name: &str| headers.get_all(name).map(HeaderValue::as_bytes).collect();
    let rum = rum.as_ref().map(|Rum(rum)| rum);
    let trace = (trace.trace_id, trace.sampled);
    let answer = super::answer(&name.0, trace, rum, &instrumenter.stats(), values);
    Json(match &call.next {
        Some(next) => with_next(answer, next_answer(&client, next).await),
        None => answer,
    })
}

async fn next_answer(client: &Client, url: &str) -> Result<Answer, BoxError> {
    // awc's errors are not `Send`.
    let response = client.get(url).send().await;
    let mut response = response.map_err(|error| error.to_string())?;
    let body = response.body().limit(MAX_ANSWER).await;
    let body = body.map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&body)?)
}
