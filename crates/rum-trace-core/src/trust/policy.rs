//! Whose trace is continued, as the builder is told.

use std::collections::HashSet;
use std::fmt;

use opentelemetry::Value;

use super::Caller;
use crate::BuildError;
use crate::networks::Networks;

/// What becomes of what a request claims, from the least trusting to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Trust {
    /// Nothing of it is kept: a new trace, without a link, without the client's RUM
    /// fields.
    Restart,
    /// A new trace, with a link to the parent that is claimed. The client's RUM fields
    /// are attributes of its span, and nothing of what the client sent goes on to other
    /// services.
    Link,
    /// The trace goes on: the parent that is claimed is the parent.
    Parent,
}

impl Trust {
    /// A short name in lower case: `parent`, `link`, `restart`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Trust::Restart => "restart",
            Trust::Link => "link",
            Trust::Parent => "parent",
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Trust> for Value {
    fn from(trust: Trust) -> Self {
        Value::from(trust.as_str())
    }
}

/// Whose trace is continued, and what becomes of the others'.
///
/// This is policy, not authentication: anybody can send any app id, and an address
/// tells where a request comes from, not who sent it. It keeps apart what is one's own
/// from what strays in; it does not keep out an attacker who has read a page's
/// headers.
///
/// ```
/// use rum_trace_core::{Instrumenter, Trust, TrustPolicy};
///
/// // One's own web apps, and whatever comes from one's own networks.
/// let policy = TrustPolicy::known_apps(["demo123@53df7ad2afe8301"])
///     .or(TrustPolicy::trusted_peers(["10.0.0.0/8"]))
///     .without_app_id(Trust::Parent); // the Android and iOS apps
/// let instrumenter = Instrumenter::builder().trust(policy).build()?;
/// # let _ = instrumenter;
/// # Ok::<(), rum_trace_core::BuildError>(())
/// ```
///
/// # What becomes of the rest
///
/// [`Trust::Link`], unless [`otherwise`](Self::otherwise) says differently: an app that
/// was forgotten in the list can then be found by its spans. In both cases the SERVER
/// span is the root of a new trace, also if another span is active round it, and the
/// service's own sampler decides on it, not the client's flag. `tracestate`, `baggage`,
/// `sw8-correlation` and the ids in `sw8` are not carried on, and the RUM members do
/// not go to the next service. The context that the request is served in has no
/// baggage, and nothing else of another span's context.
///
/// The policy is asked of a request that claims something. Messages are not asked
/// about: see [`Instrumenter::extract`](crate::Instrumenter::extract).
#[must_use]
pub struct TrustPolicy {
    rules: Vec<Rule>,
    without_app_id: Option<Trust>,
    otherwise: Option<Trust>,
    error: Option<BuildError>,
}

type Decide = dyn Fn(&Caller<'_>) -> Trust + Send + Sync;

enum Rule {
    Everyone,
    Apps(HashSet<String>),
    Peers(Networks),
    By(Box<Decide>),
}

impl TrustPolicy {
    /// Every trace is continued. This is the default.
    pub fn everyone() -> Self {
        Self::of(Rule::Everyone, None)
    }

    /// Traces of the apps with these ids (pid in the RUM product), as they are written
    /// in the RUM members, or as `sw8` names the caller's service.
    ///
    /// Android and iOS send none, nor does another service that is no RUM SDK's
    /// client: see [`without_app_id`](Self::without_app_id).
    pub fn known_apps<S: Into<String>>(ids: impl IntoIterator<Item = S>) -> Self {
        let ids = ids.into_iter().map(Into::into);
        Self::of(Rule::Apps(ids.collect()), None)
    }

    /// Traces of clients in these networks: each an address, or a network in CIDR
    /// notation. The address is the peer's, or the one that
    /// [trusted proxies](crate::TrustedProxies) tell; one that is not known is in no
    /// network. What is no network is an error of
    /// [`build`](crate::InstrumenterBuilder::build).
    pub fn trusted_peers<S: AsRef<str>>(networks: impl IntoIterator<Item = S>) -> Self {
        match Networks::parse(networks) {
            Ok(networks) => Self::of(Rule::Peers(networks), None),
            Err(error) => Self::of(Rule::Peers(Networks::default()), Some(error)),
        }
    }

    /// As the function says. It is called while the request waits, and a panic in it is
    /// one of the request's. It is asked after [privacy](crate::Privacy): what it is
    /// [told](Caller::rum) of session and user is what may be kept, hashed or dropped
    /// as the builder says.
    ///
    /// ```
    /// use rum_trace_core::{Trust, TrustPolicy};
    ///
    /// // What partners call is no part of their traces.
    /// let policy = TrustPolicy::by(|caller| {
    ///     if caller.request().path().starts_with("/partners/") {
    ///         Trust::Link
    ///     } else {
    ///         Trust::Parent
    ///     }
    /// });
    /// # let _ = policy;
    /// ```
    pub fn by(decide: impl Fn(&Caller<'_>) -> Trust + Send + Sync + 'static) -> Self {
        Self::of(Rule::By(Box::new(decide)), None)
    }

    /// Either of the two: the answer that trusts more counts. What was said by
    /// [`otherwise`](Self::otherwise) and [`without_app_id`](Self::without_app_id)
    /// holds for both, if both say it this policy's.
    pub fn or(mut self, other: TrustPolicy) -> Self {
        self.rules.extend(other.rules);
        self.without_app_id = self.without_app_id.or(other.without_app_id);
        self.otherwise = self.otherwise.or(other.otherwise);
        self.error = self.error.or(other.error);
        self
    }

    /// What becomes of a request without an app id, as the Android and iOS SDKs send
    /// it. By default it is one of an unknown app, so that leaving the id out does not
    /// help. With [`Trust::Parent`] the apps for phones are continued, and so is
    /// everybody who leaves it out.
    ///
    /// Another rule that trusts more still counts: a trusted peer needs no app id. And
    /// beside [`everyone`](Self::everyone) this is what it says, for those without.
    pub fn without_app_id(mut self, trust: Trust) -> Self {
        self.without_app_id = Some(trust);
        self
    }

    /// What becomes of those that no rule is for; by default [`Trust::Link`]. A
    /// [function](Self::by) has an answer for everybody.
    pub fn otherwise(mut self, trust: Trust) -> Self {
        self.otherwise = Some(trust);
        self
    }

    /// Nobody has to be asked for an answer.
    pub(crate) fn is_everyone(&self) -> bool {
        let everyone = |rule: &Rule| matches!(rule, Rule::Everyone);
        self.rules.iter().any(everyone) && self.without_app_id.is_none()
    }

    pub(crate) fn error(&self) -> Option<&BuildError> {
        self.error.as_ref()
    }

    pub(super) fn decide(&self, caller: &Caller<'_>) -> Trust {
        let without = self.without_app_id.filter(|_| caller.app_id().is_none());
        let mut most = without;
        for rule in &self.rules {
            if most == Some(Trust::Parent) {
                break;
            }
            most = most.max(rule.answer(caller, without.is_some()));
        }
        most.unwrap_or(self.otherwise.unwrap_or(Trust::Link))
    }

    fn of(rule: Rule, error: Option<BuildError>) -> Self {
        TrustPolicy {
            rules: vec![rule],
            without_app_id: None,
            otherwise: None,
            error,
        }
    }
}

impl Rule {
    /// `None` if it has none.
    fn answer(&self, caller: &Caller<'_>, lacks_app_id: bool) -> Option<Trust> {
        let is_trusted = match self {
            Rule::Everyone => !lacks_app_id,
            Rule::Apps(ids) => caller.app_id().is_some_and(|id| ids.contains(id)),
            Rule::Peers(networks) => {
                let address = caller.client_address();
                address.is_some_and(|address| networks.contains(address))
            }
            Rule::By(decide) => return Some(decide(caller)),
        };
        is_trusted.then_some(Trust::Parent)
    }
}

impl Default for TrustPolicy {
    fn default() -> Self {
        Self::everyone()
    }
}

impl fmt::Debug for TrustPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustPolicy")
            .field("rules", &self.rules)
            .field("without_app_id", &self.without_app_id)
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Everyone => f.write_str("Everyone"),
            Rule::Apps(ids) => f.debug_tuple("Apps").field(ids).finish(),
            Rule::Peers(networks) => f.debug_tuple("Peers").field(networks).finish(),
            Rule::By(_) => f.write_str("By"),
        }
    }
}
