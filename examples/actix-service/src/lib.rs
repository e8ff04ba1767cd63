//! A shop's backend: what its clients' RUM SDKs begin, its spans go on with.

use actix_web::web::{self, Json, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, error};
use rum_trace::actix::{CurrentTrace, Rum};
use rum_trace::opentelemetry::global;
use rum_trace::opentelemetry::trace::Tracer;
use serde::{Deserialize, Serialize};

/// The routes; the middleware goes round them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/items/{id}", web::get().to(item))
        .route("/search", web::get().to(search))
        .route("/orders", web::post().to(order));
}

/// An item as the shop shows it.
#[derive(Debug, Serialize)]
struct Item {
    id: u32,
    /// The session that asked, if the client told: no wiring in the handler.
    seen_by_session: Option<String>,
}

async fn item(id: Path<u32>, rum: Option<Rum>) -> actix_web::Result<Json<Item>> {
    let id = id.into_inner();
    if id == 0 {
        return Err(error::ErrorNotFound("no such item"));
    }
    let session = rum.and_then(|Rum(rum)| rum.session_id().map(str::to_owned));
    Ok(Json(Item {
        id,
        seen_by_session: session,
    }))
}

#[derive(Debug, Deserialize)]
struct Search {
    words: String,
}

/// A span of one's own hangs under the request's.
async fn search(search: Query<Search>) -> String {
    global::tracer("shop").in_span("look up index", |_| format!("nothing for {}", search.words))
}

/// The trace id is what a customer can read to support.
async fn order(trace: CurrentTrace) -> HttpResponse {
    HttpResponse::ServiceUnavailable().body(format!("please quote {} to support", trace.trace_id))
}
