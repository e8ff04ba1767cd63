//! Paths that get no span.

use crate::BuildError;
use crate::patterns::Patterns;

/// What load balancers and orchestrators ask, by the usual names, and gRPC's
/// health protocol.
const HEALTH_CHECKS: [&str; 8] = [
    "/health",
    "/health/*",
    "/healthz",
    "/livez",
    "/ready",
    "/readyz",
    "/ping",
    "/grpc.health.v1.Health/*",
];

/// The paths to skip: whole ones, and prefixes.
#[derive(Debug, Default)]
pub(crate) struct SkippedPaths(Patterns);

impl SkippedPaths {
    pub(crate) fn add(&mut self, pattern: &str) -> Result<(), BuildError> {
        if self.0.add_path(pattern) {
            return Ok(());
        }
        Err(BuildError::InvalidSkipPath {
            path: pattern.to_owned(),
        })
    }

    pub(crate) fn add_health_checks(&mut self) {
        for pattern in HEALTH_CHECKS {
            // A test adds each of them.
            let _ = self.add(pattern);
        }
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.0.contains(path.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_paths_and_prefixes() {
        let mut skipped = SkippedPaths::default();
        for pattern in ["/metrics", "/internal/*", "/beta*"] {
            skipped.add(pattern).expect(pattern);
        }
        let table = [
            ("/metrics", true),
            ("/metrics/", false),
            ("/metricsx", false),
            ("/internal/", true),
            ("/internal/jobs/7", true),
            ("/internal", false),
            ("/beta", true),
            ("/beta2/x", true),
            ("/", false),
            ("", false),
            ("*", false),
        ];
        for (path, is_skipped) in table {
            assert_eq!(skipped.contains(path), is_skipped, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for pattern in [
            "",
            "*",
            "healthz",
            "/a/*/b",
            "/users/{id}",
            "/a?b",
            "/a#b",
            "/**",
        ] {
            let refused = SkippedPaths::default().add(pattern);
            assert!(refused.is_err(), "{pattern}");
        }
    }

    #[test]
    fn every_health_check_is_a_path() {
        for pattern in HEALTH_CHECKS {
            let mut skipped = SkippedPaths::default();
            skipped.add(pattern).expect(pattern);
            assert!(skipped.contains(pattern.trim_end_matches('*')));
        }
    }
}
