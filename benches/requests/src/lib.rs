//! One request, served in process by axum or actix-web: bare, and under what is
//! to be measured.

pub mod actix;
pub mod alone;
pub mod axum;
pub mod guard;
pub mod load;
pub mod ours;
pub mod program;
pub mod row;
pub mod sampling;
pub mod sdk;
pub mod subject;
