//! Who this client is, for collectors that want a client certificate (mTLS).

use std::fmt;

use super::env::{self, Environment, Found};
use super::read_file;
use crate::error::{PipelineError, Setting};

/// PEM text of a private key. It is used but never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PrivateKeyPem(Vec<u8>);

impl PrivateKeyPem {
    pub(crate) fn new(pem: impl Into<Vec<u8>>) -> Self {
        Self(pem.into())
    }

    /// The text itself. Call it only where the key is used, never where
    /// something is formatted.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PrivateKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What the builder was given.
pub(crate) struct IdentityOption {
    pub(crate) certificates: Vec<u8>,
    pub(crate) key: PrivateKeyPem,
}

impl fmt::Debug for IdentityOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityOption({} bytes)", self.certificates.len())
    }
}

/// A certificate chain and its key, with the settings that they came from.
pub(crate) struct ClientIdentity {
    pub(crate) certificates_setting: Setting,
    pub(crate) certificates: Vec<u8>,
    pub(crate) key_setting: Setting,
    pub(crate) key: PrivateKeyPem,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ClientIdentity({} bytes from {})",
            self.certificates.len(),
            self.certificates_setting
        )
    }
}

pub(crate) fn resolve(
    code: Option<IdentityOption>,
    environment: &Environment,
) -> Result<Option<ClientIdentity>, PipelineError> {
    if let Some(IdentityOption { certificates, key }) = code {
        let setting = Setting::Code("client_identity_pem");
        return Ok(Some(ClientIdentity {
            certificates_setting: setting,
            certificates,
            key_setting: setting,
            key,
        }));
    }
    let certificates = environment.first(env::CLIENT_CERTIFICATE)?;
    let key = environment.first(env::CLIENT_KEY)?;
    match (certificates, key) {
        (None, None) => Ok(None),
        (Some(certificates), Some(key)) => from_files(&certificates, &key).map(Some),
        (Some(alone), None) => Err(incomplete(&alone, "the certificate's key", env::CLIENT_KEY)),
        (None, Some(alone)) => Err(incomplete(
            &alone,
            "the key's certificate",
            env::CLIENT_CERTIFICATE,
        )),
    }
}

fn from_files(
    certificates: &Found<String>,
    key: &Found<String>,
) -> Result<ClientIdentity, PipelineError> {
    let read = |found: &Found<String>| {
        read_file(&found.value).map_err(|problem| PipelineError::invalid(found.setting(), problem))
    };
    Ok(ClientIdentity {
        certificates_setting: certificates.setting(),
        certificates: read(certificates)?,
        key_setting: key.setting(),
        key: PrivateKeyPem::new(read(key)?),
    })
}

fn incomplete(alone: &Found<String>, missing: &str, [traces, all]: [&str; 2]) -> PipelineError {
    PipelineError::invalid(
        alone.setting(),
        format!("{missing} is missing: set {all} (or {traces}) too, or neither"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
    const TRACES_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE";
    const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
    const TRACES_KEY: &str = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY";
    /// A file that is there wherever the tests run.
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

    fn read(table: &[(&str, &str)]) -> Result<Option<ClientIdentity>, PipelineError> {
        resolve(None, &Environment::of(table))
    }

    #[test]
    fn a_pair_may_be_put_together_from_both_kinds_of_variables() {
        let identity = read(&[
            (CERTIFICATE, FILE),
            (TRACES_KEY, FILE),
            (KEY, "/no/such/file"),
        ]);
        let identity = identity.unwrap().unwrap();
        assert_eq!(identity.key_setting, Setting::Variable(TRACES_KEY));
        assert_eq!(
            identity.certificates_setting,
            Setting::Variable(CERTIFICATE)
        );
        assert_eq!(identity.certificates, std::fs::read(FILE).unwrap());
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn one_without_the_other_is_an_error_that_names_both_variables() {
        for (alone, missing) in [
            (CERTIFICATE, KEY),
            (TRACES_CERTIFICATE, TRACES_KEY),
            (KEY, CERTIFICATE),
            (TRACES_KEY, TRACES_CERTIFICATE),
        ] {
            let error = read(&[(alone, FILE)]).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(alone) && text.contains(missing), "{text}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_variable() {
        for bad in [CERTIFICATE, KEY] {
            let path = |name| {
                if name == bad {
                    "/no/such/file.pem"
                } else {
                    FILE
                }
            };
            let error = read(&[(CERTIFICATE, path(CERTIFICATE)), (KEY, path(KEY))]).unwrap_err();
            assert!(matches!(error.setting(), Some(Setting::Variable(name)) if name == bad));
            assert!(error.to_string().contains("/no/such/file.pem"), "{error}");
        }
    }

    #[test]
    fn a_key_in_the_variable_itself_is_refused_and_not_printed() {
        let key = "-----BEGIN PRIVATE KEY----- topsecret";
        let error = read(&[(CERTIFICATE, FILE), (KEY, key)]).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("path") && !text.contains("topsecret"),
            "{text}"
        );
    }

    #[test]
    fn code_goes_before_the_environment_and_is_not_printed() {
        let option = IdentityOption {
            certificates: b"chain".to_vec(),
            key: PrivateKeyPem::new("topsecret"),
        };
        let mut text = format!("{option:?}");
        let table = [(CERTIFICATE, "/no/such/file")];
        let identity = resolve(Some(option), &Environment::of(&table));
        let identity = identity.unwrap().unwrap();
        assert_eq!(identity.key.expose(), b"topsecret");
        text += &format!("{identity:?} {:?}", identity.key);
        assert!(!text.contains("topsecret"), "{text}");
    }
}
