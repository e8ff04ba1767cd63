//! Pipelines with the sampler that knows sessions.

use std::sync::OnceLock;

use rum_trace::otlp::Pipeline;
use rum_trace::otlp::sampling::{Rules, SessionSampler, SessionSamplerBuilder};

/// Ten rules as services have them, of each kind. None matches the requests, so that all
/// are looked at.
const RULES: &str = r#"
[[rules]]
name = "complaint 4711"
session = ["4f04d2f5a1b2c3d44f04d2f5a1b2c3d4", "0b04d2f5a1b2c3d44f04d2f5a1b2c3d5"]
decision = "in"

[[rules]]
user = "uid_4711"
decision = "in"

[[rules]]
app = "another@53df7ad2afe8301"
decision = "out"

[[rules]]
app_type = "android"
version = "5.1.*"
decision = "in"

[[rules]]
app_type = "ios"
version = ["5.0.*", "5.1.2"]
decision = 0.5

[[rules]]
path = "/health*"
decision = "out"

[[rules]]
path = ["/metrics", "/ready"]
method = "GET"
decision = "out"

[[rules]]
method = ["OPTIONS", "HEAD"]
decision = "out"

[[rules]]
method = "POST"
route = "/checkout/{id}"
decision = "in"

[[rules]]
path = "/admin/*"
decision = 1.0
"#;

/// The caller's flag decides.
///
/// # Panics
///
/// If it cannot be built.
pub fn by_flag() -> &'static Pipeline {
    static PIPELINE: OnceLock<Pipeline> = OnceLock::new();
    PIPELINE.get_or_init(|| pipeline(SessionSampler::builder()))
}

/// The session decides, for all of them, within a cap that no bench reaches.
///
/// # Panics
///
/// If it cannot be built.
pub fn by_session() -> &'static Pipeline {
    static PIPELINE: OnceLock<Pipeline> = OnceLock::new();
    PIPELINE.get_or_init(|| {
        let sampler = SessionSampler::builder().by_session(1.0);
        pipeline(sampler.at_most(1_000_000_000))
    })
}

fn pipeline(sampler: SessionSamplerBuilder) -> Pipeline {
    let rules = Rules::from_toml(RULES).expect("the rules are right");
    let sampler = sampler.rules(rules).build();
    let pipeline = Pipeline::builder()
        .ignore_environment()
        .service_name("shop")
        .without_exporter()
        .sampler(sampler.expect("the settings are right"));
    pipeline.build().expect("the settings are right")
}
