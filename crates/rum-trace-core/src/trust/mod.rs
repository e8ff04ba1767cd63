//! Who may say what: whose trace is continued.

mod caller;
mod policy;
mod step;

pub use self::caller::Caller;
pub use self::policy::{Trust, TrustPolicy};
pub(crate) use self::step::Told;
