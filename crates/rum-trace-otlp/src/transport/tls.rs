//! One TLS stack for both transports: rustls with the ring provider, handed
//! over explicitly, so that no process-wide default is needed or changed.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::identity::ClientIdentity;
use crate::config::{CaCertificates, TransportConfig};
use crate::error::{PipelineError, Setting};

/// The configuration of a client that trusts the system's authorities and the
/// ones given, and says who it is if it was told.
pub(super) fn client_config(config: &TransportConfig) -> Result<ClientConfig, PipelineError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(PipelineError::Tls)?
        .with_root_certificates(roots(config)?);
    let Some(identity) = &config.identity else {
        return Ok(builder.with_no_client_auth());
    };
    // Refuses a key that is not the certificate's.
    builder
        .with_client_auth_cert(chain(identity)?, key(identity)?)
        .map_err(|error| {
            let problem = format!("the key cannot be used with the client certificate: {error}");
            PipelineError::invalid(identity.key_setting, problem)
        })
}

/// The client's own certificate and those between it and its authority.
fn chain(identity: &ClientIdentity) -> Result<Vec<CertificateDer<'static>>, PipelineError> {
    certificates(identity.certificates_setting, &identity.certificates)
}

/// In words of ours: the PEM parser's errors quote lines of the text.
fn key(identity: &ClientIdentity) -> Result<PrivateKeyDer<'static>, PipelineError> {
    let pem = identity.key.expose();
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        const ENCRYPTED: &[u8] = b"-----BEGIN ENCRYPTED";
        let encrypted = pem.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED);
        let problem = if encrypted {
            "the private key is encrypted, which is not supported: give it without a pass \
             phrase (`openssl pkey` takes it off)"
        } else {
            "no private key found: PEM text with `-----BEGIN PRIVATE KEY-----` (PKCS #8), \
             `RSA PRIVATE KEY` or `EC PRIVATE KEY` is wanted"
        };
        PipelineError::invalid(identity.key_setting, problem)
    })
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
    for certificate in certificates(own.setting, &own.pem)? {
        roots.add(certificate).map_err(|error| {
            let problem = format!("a certificate cannot be used: {error}");
            PipelineError::invalid(own.setting, problem)
        })?;
    }
    Ok(())
}

/// All certificates of a PEM text: at least one.
fn certificates(
    setting: Setting,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, PipelineError> {
    // The parser's error may quote a line, which is a key's if two settings
    // were mistaken for each other.
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| PipelineError::invalid(setting, "the PEM text is damaged or cut off"))?;
    if found.is_empty() {
        return Err(PipelineError::invalid(
            setting,
            "no certificate found: PEM text with `-----BEGIN CERTIFICATE-----` is wanted",
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::identity::PrivateKeyPem;

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

    fn identity(certificates: &str, key: &str) -> ClientIdentity {
        ClientIdentity {
            certificates_setting: Setting::Variable("CERTIFICATE"),
            certificates: certificates.as_bytes().to_vec(),
            key_setting: Setting::Variable("KEY"),
            key: PrivateKeyPem::new(key),
        }
    }

    #[test]
    fn a_bad_key_is_refused_without_a_word_of_it() {
        for (pem, wanted) in [
            ("topsecret", "BEGIN PRIVATE KEY"),
            ("", "BEGIN PRIVATE KEY"),
            ("-----BEGIN PRIVATE KEY topsecret\n", "BEGIN PRIVATE KEY"),
            (
                "-----BEGIN PRIVATE KEY-----\ntopsecret\n",
                "BEGIN PRIVATE KEY",
            ),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "openssl",
            ),
        ] {
            let error = key(&identity("", pem)).unwrap_err();
            assert_eq!(error.setting(), Some(Setting::Variable("KEY")));
            let text = format!("{error} {error:?}");
            assert!(text.contains(wanted), "{text}");
            assert!(!text.contains("topsecret"), "{text}");
        }
    }

    #[test]
    fn a_key_in_the_place_of_the_certificate_is_not_quoted() {
        let error = chain(&identity("-----BEGIN PRIVATE KEY topsecret\n", "")).unwrap_err();
        assert_eq!(error.setting(), Some(Setting::Variable("CERTIFICATE")));
        assert!(!error.to_string().contains("topsecret"), "{error}");
    }
}
