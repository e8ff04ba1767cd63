//! Errors of configuration. They come up when the instrumenter is built, never
//! in the request path.

use thiserror::Error;

/// Why an [`Instrumenter`](crate::Instrumenter) could not be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A header to capture has a name that no header can have.
    #[error(
        "cannot capture the header {name:?}: a header name is made of letters, digits and \
         !#$%&'*+-.^_`|~ (RFC 9110, section 5.6.2)"
    )]
    InvalidHeaderName {
        /// The name as given, in lower case.
        name: String,
    },
    /// A header to capture usually holds credentials or personal data.
    #[error(
        "refused to capture the header {name:?}, which usually holds credentials or personal \
         data: leave it out, or name it in capture_sensitive_request_header or \
         capture_sensitive_response_header to have it in every span"
    )]
    SensitiveHeader {
        /// The name as given, in lower case.
        name: String,
    },
    /// The default scheme is neither `http` nor `https`.
    #[error("the scheme {scheme:?} is not one of \"http\" and \"https\"")]
    InvalidScheme {
        /// The scheme as given.
        scheme: String,
    },
    /// An HTTP method to be known has a name that no method can have.
    #[error(
        "the method {method:?} cannot be known: a method is made of letters, digits and \
         !#$%&'*+-.^_`|~ (RFC 9110, section 9.1)"
    )]
    InvalidMethod {
        /// The method as given.
        method: String,
    },
    /// The list of carriers names one twice.
    #[error("the carrier {carrier} is named twice: name each once, in order of precedence")]
    DuplicateCarrier {
        /// The carrier.
        carrier: crate::Carrier,
    },
    /// The list of carriers names the propagator, which is always the last.
    #[error(
        "Carrier::Propagator cannot be ordered: it is asked last; give it with fallback_propagator"
    )]
    PropagatorInCarriers,
    /// A host that is to be one's own, or to get a protocol, is no host.
    #[error(
        "{host:?} names no host: give a name as \"stock.shop.example\", a domain with all below it \
         as \"*.shop.example\", or an address, without scheme, port and path"
    )]
    InvalidHost {
        /// The host as given.
        host: String,
    },
    /// A path to skip is no path.
    #[error(
        "cannot skip {path:?}: give a path as \"/healthz\", or a prefix with a * at its end as \
         \"/internal/*\"; for anything else there is filter"
    )]
    InvalidSkipPath {
        /// The path as given.
        path: String,
    },
    /// A path where clients are expected to send a trace is no path.
    #[error(
        "cannot expect a trace at {path:?}: give a path as \"/cart\", or a prefix with a * at its \
         end as \"/api/*\""
    )]
    InvalidExpectedPath {
        /// The path as given.
        path: String,
    },
    /// A user agent that is expected to send a trace is no pattern.
    #[error(
        "cannot expect a trace from the user agent {user_agent:?}: give a whole one, or its begin \
         with a * at the end as \"okhttp/*\""
    )]
    InvalidExpectedUserAgent {
        /// The user agent as given.
        user_agent: String,
    },
    /// The number of app ids that may be metric labels is out of range.
    #[error("{at_most} app ids cannot be metric labels: choose 1 to 10000")]
    AppIdLabels {
        /// The number as given.
        at_most: usize,
    },
    /// A gRPC method to be known has no method's name, or there are too many.
    #[error(
        "the gRPC method {method:?} cannot be known: name it as \"package.Service/Method\", \
         and at most 1000 of them"
    )]
    InvalidRpcMethod {
        /// The method as given.
        method: String,
    },
    /// Ids are to be hashed, and there is no key.
    #[error(
        "ids cannot be hashed without a key: make one with `openssl rand -hex 32`, keep it with \
         the service's other secrets, and give it to Privacy::hash_key"
    )]
    HashKeyMissing,
    /// The key that ids are to be hashed with could be guessed.
    #[error(
        "a key of {bytes} bytes is too short to hash ids with: it needs at least 16; make one \
         with `openssl rand -hex 32`"
    )]
    HashKeyTooShort {
        /// How long it is.
        bytes: usize,
    },
    /// A header to capture holds the ids that are to be hashed or dropped.
    #[error(
        "cannot capture the header {name:?} while session or user ids are hashed or dropped: it \
         holds them as the client sent them; leave it out, or keep the ids"
    )]
    CapturedIds {
        /// The name as given, in lower case.
        name: String,
    },
    /// The verification token could be guessed.
    #[error(
        "a verification token of {bytes} bytes is too short: it needs at least 16; make one with \
         `openssl rand -hex 32`"
    )]
    VerificationTokenTooShort {
        /// How long it is.
        bytes: usize,
    },
    /// The verification token is longer than a header should be.
    #[error(
        "a verification token of {bytes} bytes is too long: at most 256; make one with \
         `openssl rand -hex 32`"
    )]
    VerificationTokenTooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The verification token cannot stand in a header as it is.
    #[error(
        "the verification token has other characters than visible ASCII, a space or a line's end \
         for one: make one with `openssl rand -hex 32`"
    )]
    VerificationTokenNotVisible,
    /// The verification token repeats a few characters.
    #[error(
        "the verification token has fewer than 6 different characters and could be guessed: make \
         one with `openssl rand -hex 32`"
    )]
    VerificationTokenGuessable,
    /// A header to capture is the verification token's.
    #[error(
        "cannot capture the header {name:?}: it holds the verification token, which is recorded \
         nowhere"
    )]
    CapturedVerificationToken {
        /// The name as given, in lower case.
        name: String,
    },
    /// What is to be a network of trusted peers or proxies is none.
    #[error(
        "{network:?} is no network: give an address as \"10.0.0.7\" or \"fd00::7\", or a network \
         in CIDR notation whose address has no bits behind the prefix, as \"10.0.0.0/8\""
    )]
    InvalidNetwork {
        /// The network as given.
        network: String,
    },
    /// The number of proxies in front of the service is out of range.
    #[error(
        "{hops} proxies cannot be in front of the service: choose 1 to 32, or leave \
         trusted_proxies out where there is none"
    )]
    TrustedHops {
        /// The number as given.
        hops: usize,
    },
}
