//! `POST /test` takes a list of calls and makes them, one after another.

mod actix;
mod axum;

use opentelemetry_sdk::trace::SdkTracerProvider;
use rum_trace::opentelemetry::global;

pub use actix::server as actix_server;
pub use axum::router as axum_router;

use crate::calls::{Call, Caller};

/// Sets the global tracer provider as a user's service would.
pub fn install_tracing() {
    global::set_tracer_provider(SdkTracerProvider::builder().build());
}

/// What went wrong is for the caller to read, as a 502.
async fn make_all(caller: &Caller, calls: &[Call]) -> Result<&'static str, String> {
    for call in calls {
        caller.make(call).await?;
    }
    Ok("called")
}
