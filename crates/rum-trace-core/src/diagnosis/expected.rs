//! Where a client is expected to send a trace.

use crate::headers::TraceHeaders;
use crate::patterns::Patterns;
use crate::{BuildError, RequestInfo};

/// The paths and the user agents of clients that send a trace with every request.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    paths: Patterns,
    user_agents: Patterns,
}

impl Expected {
    pub(crate) fn add_path(&mut self, path: &str) -> Result<(), BuildError> {
        if self.paths.add_path(path) {
            return Ok(());
        }
        Err(BuildError::InvalidExpectedPath {
            path: path.to_owned(),
        })
    }

    pub(crate) fn add_user_agent(&mut self, user_agent: &str) -> Result<(), BuildError> {
        if self.user_agents.add(user_agent) {
            return Ok(());
        }
        Err(BuildError::InvalidExpectedUserAgent {
            user_agent: user_agent.to_owned(),
        })
    }

    /// Whether the request is one of those.
    pub(crate) fn includes(&self, request: &dyn RequestInfo, headers: &TraceHeaders<'_>) -> bool {
        if self.paths.is_empty() && self.user_agents.is_empty() {
            return false;
        }
        // A browser asks by OPTIONS whether it may send the headers, without them.
        request.method() != "OPTIONS"
            && (self.paths.contains(request.path().as_bytes())
                || headers
                    .user_agent
                    .first()
                    .is_some_and(|user_agent| self.user_agents.contains(user_agent)))
    }
}
