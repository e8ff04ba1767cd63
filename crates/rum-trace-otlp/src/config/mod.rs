//! From what was asked for to what is done: code goes before environment, and
//! environment before the default.

pub(crate) mod batch;
pub(crate) mod env;
pub(crate) mod exporter;
pub(crate) mod headers;
pub(crate) mod identity;
pub(crate) mod ignored;
pub(crate) mod limits;
mod list;
pub(crate) mod propagators;
pub(crate) mod resource;
pub(crate) mod sampler;

use std::time::Duration;

use http::HeaderMap;

use self::env::Environment;
use self::headers::{FreshOption, HeaderOption};
use self::identity::{ClientIdentity, IdentityOption};
use crate::endpoint::Endpoint;
use crate::error::{PipelineError, Setting};
use crate::protocol::{Compression, Protocol};
use crate::secret::Secret;
use crate::transport::fresh::FreshHeaders;

/// What the builder was given about the connection to the collector.
#[derive(Debug, Default)]
pub(crate) struct TransportOptions {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) endpoint: Option<Secret>,
    pub(crate) traces_endpoint: Option<Secret>,
    pub(crate) headers: Vec<HeaderOption>,
    pub(crate) fresh_headers: Vec<FreshOption>,
    pub(crate) ca_certificates: Vec<Vec<u8>>,
    pub(crate) identity: Option<IdentityOption>,
    pub(crate) compression: Option<Compression>,
    pub(crate) timeout: Option<Duration>,
}

/// The connection to the collector, checked.
#[derive(Debug)]
pub(crate) struct TransportConfig {
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: HeaderMap,
    pub(crate) fresh_headers: FreshHeaders,
    pub(crate) ca_certificates: Vec<CaCertificates>,
    pub(crate) identity: Option<ClientIdentity>,
    pub(crate) compression: Compression,
    /// For one attempt.
    pub(crate) timeout: Duration,
}

/// PEM text with the setting that it came from.
pub(crate) struct CaCertificates {
    pub(crate) setting: Setting,
    pub(crate) pem: Vec<u8>,
}

impl std::fmt::Debug for CaCertificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "CaCertificates({} bytes from {})",
            self.pem.len(),
            self.setting
        )
    }
}

impl TransportConfig {
    const TIMEOUT: Duration = Duration::from_secs(10);
    const MAX_TIMEOUT: Duration = Duration::from_secs(3_600);

    pub(crate) fn resolve(
        options: TransportOptions,
        environment: &Environment,
    ) -> Result<Self, PipelineError> {
        let protocol = protocol(options.protocol, environment)?;
        let config = Self {
            protocol,
            endpoint: endpoint(&options, environment, protocol)?,
            headers: headers::resolve(&options.headers, environment)?,
            fresh_headers: headers::fresh(options.fresh_headers)?,
            compression: compression(options.compression, environment)?,
            timeout: timeout(options.timeout, environment)?,
            ca_certificates: ca_certificates(options.ca_certificates, environment)?,
            identity: identity::resolve(options.identity, environment)?,
        };
        config.warn_of_unused_tls();
        Ok(config)
    }

    /// Somebody who gives certificates expects TLS.
    fn warn_of_unused_tls(&self) {
        if self.endpoint.is_https() {
            return;
        }
        let authorities = self.ca_certificates.iter().map(|own| own.setting);
        let identity = self.identity.iter().map(|own| own.certificates_setting);
        for setting in authorities.chain(identity) {
            tracing::warn!(
                setting = %setting,
                endpoint = %self.endpoint,
                "a certificate was given, but the endpoint is http: spans are sent without TLS"
            );
        }
    }

    /// The compression that is ours to do: over gRPC, tonic compresses.
    pub(crate) fn body_compression(&self) -> Compression {
        match self.protocol {
            Protocol::HttpProtobuf => self.compression,
            Protocol::Grpc => Compression::None,
        }
    }
}

fn protocol(code: Option<Protocol>, environment: &Environment) -> Result<Protocol, PipelineError> {
    if let Some(protocol) = code {
        protocol.check(Setting::Code("protocol"))?;
        return Ok(protocol);
    }
    let Some(found) = environment.first(env::PROTOCOL)? else {
        return Ok(Protocol::default());
    };
    let protocol = Protocol::parse(found.setting(), &found.value)?;
    protocol.check(found.setting())?;
    Ok(protocol)
}

fn compression(
    code: Option<Compression>,
    environment: &Environment,
) -> Result<Compression, PipelineError> {
    if let Some(compression) = code {
        compression.check(Setting::Code("compression"))?;
        return Ok(compression);
    }
    let Some(found) = environment.first(env::COMPRESSION)? else {
        return Ok(Compression::default());
    };
    let compression = Compression::parse(found.setting(), &found.value)?;
    compression.check(found.setting())?;
    Ok(compression)
}

fn endpoint(
    options: &TransportOptions,
    environment: &Environment,
    protocol: Protocol,
) -> Result<Endpoint, PipelineError> {
    if let Some(url) = &options.traces_endpoint {
        return Endpoint::whole(Setting::Code("traces_endpoint"), url.expose(), protocol);
    }
    if let Some(url) = &options.endpoint {
        return Endpoint::base(Setting::Code("endpoint"), url.expose(), protocol);
    }
    if let Some(found) = environment.text(env::TRACES_ENDPOINT)? {
        return Endpoint::whole(found.setting(), &found.value, protocol);
    }
    if let Some(found) = environment.text(env::ENDPOINT)? {
        return Endpoint::base(found.setting(), &found.value, protocol);
    }
    Endpoint::base(
        Setting::Code("endpoint"),
        protocol.default_endpoint(),
        protocol,
    )
}

fn timeout(code: Option<Duration>, environment: &Environment) -> Result<Duration, PipelineError> {
    let (setting, timeout) = match code {
        Some(timeout) => (Setting::Code("timeout"), timeout),
        None => match environment.millis(env::TIMEOUT)? {
            Some(found) => (found.setting(), found.value),
            None => return Ok(TransportConfig::TIMEOUT),
        },
    };
    if (Duration::from_millis(1)..=TransportConfig::MAX_TIMEOUT).contains(&timeout) {
        return Ok(timeout);
    }
    Err(PipelineError::invalid(
        setting,
        format!("a timeout of {timeout:?} is not possible; give 1 ms to 1 h"),
    ))
}

fn ca_certificates(
    code: Vec<Vec<u8>>,
    environment: &Environment,
) -> Result<Vec<CaCertificates>, PipelineError> {
    if !code.is_empty() {
        let setting = Setting::Code("ca_certificate_pem");
        return Ok(code
            .into_iter()
            .map(|pem| CaCertificates { setting, pem })
            .collect());
    }
    let Some(found) = environment.first(env::CERTIFICATE)? else {
        return Ok(Vec::new());
    };
    let setting = found.setting();
    let pem =
        read_file(&found.value).map_err(|problem| PipelineError::invalid(setting, problem))?;
    Ok(vec![CaCertificates { setting, pem }])
}

fn read_file(path: &str) -> Result<Vec<u8>, String> {
    if path.contains("-----BEGIN") {
        return Err("the value must be the path of a PEM file, not its content".to_owned());
    }
    std::fs::read(path).map_err(|error| format!("the file {path:?} cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
