//! One TLS stack for both transports: rustls with the ring provider, handed
//! over explicitly, so that no process-wide default is needed or changed.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::config::{CaCertificates, TransportConfig};
use crate::error::PipelineError;

/// The configuration of a client that trusts the system's authorities and the
/// ones given.
pub(super) fn client_config(config: &TransportConfig) -> Result<ClientConfig, PipelineError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(PipelineError::Tls)?
        .with_root_certificates(roots(config)?)
        .with_no_client_auth())
}

fn roots(config: &TransportConfig) -> Result<RootCertStore, PipelineError> {
    let mut roots = RootCertStore::empty();
    for own in &config.ca_certificates {
        add_own(&mut roots, own)?;
    }
    // Reading some hundred certificates takes a while: not for plain HTTP.
    if config.endpoint.is_https() {
        add_system(&mut roots)?;
    }
    Ok(roots)
}

fn add_system(roots: &mut RootCertStore) -> Result<(), PipelineError> {
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if !roots.is_empty() {
        return Ok(());
    }
    let problem = system.errors.first().map_or_else(
        || "the system's store is empty".to_owned(),
        ToString::to_string,
    );
    Err(PipelineError::NoRootCertificates { problem })
}

/// Unlike the system's store, in which one odd certificate does no harm, what
/// was given on purpose must be right.
fn add_own(roots: &mut RootCertStore, own: &CaCertificates) -> Result<(), PipelineError> {
    let invalid = |problem: String| PipelineError::invalid(own.setting, problem);
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(&own.pem) {
        let certificate = certificate
            .map_err(|error| invalid(format!("the PEM text cannot be read: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| invalid(format!("a certificate cannot be used: {error}")))?;
        found = true;
    }
    found.then_some(()).ok_or_else(|| {
        invalid(
            "no certificate found: PEM text with `-----BEGIN CERTIFICATE-----` is wanted".into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Setting;

    fn add(pem: &str) -> Result<(), PipelineError> {
        let own = CaCertificates {
            setting: Setting::Code("ca_certificate_pem"),
            pem: pem.as_bytes().to_vec(),
        };
        add_own(&mut RootCertStore::empty(), &own)
    }

    #[test]
    fn text_without_a_certificate_is_refused() {
        let error = add("hello").unwrap_err().to_string();
        assert!(error.contains("BEGIN CERTIFICATE"), "{error}");
    }

    #[test]
    fn a_broken_certificate_is_refused() {
        for pem in [
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        ] {
            let error = add(pem).unwrap_err();
            assert_eq!(error.setting(), Some(Setting::Code("ca_certificate_pem")));
        }
    }
}
