//! A certificate authority that no machine knows, and certificates of it for a
//! server and for a client.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

/// The authority's certificate, a server's for `localhost`, and a client's.
pub struct Authority {
    pub ca_pem: String,
    pub client_pem: String,
    pub client_key_pem: String,
    certificate_pem: String,
    key_pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(ca, ca_key);

        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let client_key = KeyPair::generate().unwrap();
        let client = CertificateParams::new(vec!["shop".to_owned()])
            .unwrap()
            .signed_by(&client_key, &issuer)
            .unwrap();
        Self {
            ca_pem: ca_certificate.pem(),
            client_pem: client.pem(),
            client_key_pem: client_key.serialize_pem(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        self.accepting(WebPkiClientVerifier::no_client_auth())
    }

    /// Demands a client certificate of this authority.
    pub fn mutual_acceptor(&self) -> TlsAcceptor {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.ca_pem)).unwrap();
        let provider = Arc::new(default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        self.accepting(verifier.unwrap())
    }

    fn accepting(&self, clients: Arc<dyn ClientCertVerifier>) -> TlsAcceptor {
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate(&self.certificate_pem)], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    pub fn tonic(&self) -> ServerTlsConfig {
        ServerTlsConfig::new().identity(Identity::from_pem(&self.certificate_pem, &self.key_pem))
    }

    /// Demands a client certificate of this authority.
    pub fn mutual_tonic(&self) -> ServerTlsConfig {
        self.tonic()
            .client_ca_root(Certificate::from_pem(&self.ca_pem))
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}
