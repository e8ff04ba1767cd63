//! Sampling that knows sessions.
//!
//! A sampler of this module decides once, where a request comes in: at a span without a
//! parent, and at one whose parent is in another process. What is started under such a
//! span follows it. In this order:
//!
//! 1. A [trusted caller](SessionSamplerBuilder::trusted_callers) has decided already:
//!    its flag is followed.
//! 2. The first [rule](Rules) that matches decides.
//! 3. Else the caller's flag does, or, with
//!    [`by_session`](SessionSamplerBuilder::by_session), the session.
//! 4. What would be sampled so has to pass the [cap](SessionSamplerBuilder::at_most),
//!    unless a rule forced it.
//!
//! ```
//! use std::time::Duration;
//! use rum_trace_otlp::Pipeline;
//! use rum_trace_otlp::sampling::{Keep, Rules, SessionSampler};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rules = Rules::from_toml(
//!     r#"
//!     [[rules]]
//!     name = "complaint 4711"
//!     user = "uid_4711"
//!     decision = "in"
//!
//!     [[rules]]
//!     path = "/health*"
//!     decision = "out"
//!     "#,
//! )?;
//! let sampler = SessionSampler::builder()
//!     .by_session(0.1) // one session in ten, wholly
//!     .trusted_callers(["10.0.0.0/8"]) // services of one's own have decided
//!     .at_most(200) // SERVER spans a second from outside
//!     .rules(rules)
//!     .keep(Keep::new().errors().slower_than(Duration::from_secs(2)))
//!     .build()?;
//! let handle = sampler.handle(); // changes the rules at run time, tells the numbers
//! let pipeline = Pipeline::builder().service_name("shop").sampler(sampler).build()?;
//! # let _ = (handle, pipeline);
//! # Ok(())
//! # }
//! ```
//!
//! # What the spans say
//!
//! The span that was decided on says why in `rum.sampling.reason` ([`Reason`]), and which
//! rule it was in `rum.sampling.rule`. Where a probability decided, `tracestate` has it
//! for whoever counts spans: `ot=th:…`, the rejection threshold of OpenTelemetry's
//! consistent probability sampling, and with sessions `rv:…`, the randomness it was
//! compared with. So two services with the same ratio take the same traces, and a
//! smaller ratio takes a part of those that a larger one takes. Where no session is told
//! the `rv` that came in goes before the trace id. A caller's `th` goes on where its flag
//! is followed, unless the two contradict each other.

mod builder;
mod cap;
mod decision;
mod error;
mod facts;
mod handle;
mod keep;
mod member;
mod probability;
mod rules;
mod sampler;
mod sdk;
mod start;
mod stats;
mod watch;

pub use self::builder::SessionSamplerBuilder;
pub use self::decision::Reason;
pub use self::error::{RulesError, SamplingError};
pub use self::handle::SamplingHandle;
pub use self::keep::Keep;
pub use self::rules::{Condition, Rule, RuleDecision, Rules};
pub use self::sampler::SessionSampler;
pub use self::stats::SamplingStats;

pub(crate) use self::start::start;
