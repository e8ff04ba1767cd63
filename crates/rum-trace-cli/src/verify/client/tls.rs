//! TLS by rustls on ring, as the export has it: the system's authorities and the ones
//! given.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};

pub(super) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let roots = roots(ca_file)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Where the system has none, an https URL tells so by an unknown issuer.
fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let Some(file) = ca_file else {
        return Ok(roots);
    };
    let shown = file.display();
    let pem = std::fs::read(file).map_err(|error| format!("--ca-file {shown}: {error}"))?;
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        // The parser's own error may quote a line, which is a key's in the wrong file.
        let certificate = certificate.map_err(|_| format!("--ca-file {shown} is damaged"))?;
        let added = roots.add(certificate);
        added.map_err(|error| format!("--ca-file {shown} cannot be used: {error}"))?;
        found = true;
    }
    if found {
        return Ok(roots);
    }
    Err(format!(
        "--ca-file {shown} holds no certificate: PEM with `-----BEGIN CERTIFICATE-----` is wanted"
    ))
}

/// What to do about it.
pub(super) fn hint(error: &rustls::Error) -> Option<&'static str> {
    match error {
        rustls::Error::InvalidCertificate(reason) => Some(match reason {
            CertificateError::UnknownIssuer => {
                "the certificate is by an authority that this machine does not know: give that \
                 authority's, or a self-signed certificate itself, by --ca-file"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another host name: ask by the name in it"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired, or this machine's clock is wrong"
            }
            _ => "the certificate cannot be trusted",
        }),
        rustls::Error::InvalidMessage(_) => {
            Some("the answer was not TLS: does http:// belong there?")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let folder = std::env::temp_dir();
        let file = folder.join(format!("rum-trace-verify-ca-{}.pem", std::process::id()));
        for (text, word) in [
            ("hello", "BEGIN CERTIFICATE"),
            ("-----BEGIN CERTIFICATE-----\nsecret\n", "damaged"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "cannot be used",
            ),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = config(Some(&file)).unwrap_err();
            assert!(error.contains(word) && !error.contains("secret"), "{error}");
        }
        std::fs::remove_file(&file).unwrap();
        let error = config(Some(&file)).unwrap_err();
        assert!(error.contains("--ca-file"), "{error}");
    }
}
