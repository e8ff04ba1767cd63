//! `/sessions` and `/sessions/{session_id}`.

use std::sync::Arc;

use serde::Serialize;

use super::query::Query;
use super::{Answer, ApiError};
use crate::analysis::digest::Field;
use crate::analysis::session::{Line, OfSession, Session, newest};
use crate::collector::{Filter, Store};

#[derive(Debug, Serialize)]
pub(super) struct Sessions {
    sessions: Vec<Line>,
}

pub(super) fn list(store: &Store, query: Option<&str>) -> Answer<Sessions> {
    let limit = Query::parse(query, &["limit"])?.limit()?;
    let of_sessions = store.newest(None).map(|trace| trace.digest);
    let with_session = of_sessions.filter(|digest| !digest.values(Field::Session).is_empty());
    Ok(Sessions {
        sessions: newest(with_session, limit),
    })
}

pub(super) fn one(store: &Store, id: &str, query: Option<&str>) -> Answer<Session> {
    let query = Query::parse(query, &["app"])?;
    let filter = Filter {
        session: Some(id.to_owned()),
        app: query.owned("app"),
        ..Filter::default()
    };
    // All of them: the store's own limits hold.
    let found = store.search(&filter, usize::MAX, None);
    let traces = found.traces.into_iter().map(|trace| OfSession {
        trace_id: trace.id.to_string(),
        digest: Arc::clone(&trace.digest),
        findings: trace.findings,
    });
    Session::new(id, traces.collect())
        .ok_or_else(|| ApiError::not_found("there is no such session, or none with this app"))
}
