//! Why an attempt failed, whether another one may help, and what to say.

use std::error::Error;
use std::io;
use std::time::Duration;

/// Whether a failed attempt is worth another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// The same bytes would be refused again.
    Never,
    /// After a pause of our choice.
    Backoff,
    /// Not before this time has passed: the collector said so.
    After(Duration),
}

/// One failed attempt, in words without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) retry: Retry,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>, retry: Retry) -> Self {
        Self {
            message: message.into(),
            retry,
        }
    }

    /// An error of the connection: nothing that the collector answered. Nobody
    /// has refused the batch, so it is kept. That holds for TLS as well: a
    /// certificate is renewed, an authority is added, a clock is set.
    pub(crate) fn of_connection(what: &str, error: &(dyn Error + 'static)) -> Self {
        let reasons = chain(error).map(ToString::to_string);
        let mut message = join(what, reasons);
        let tls = chain(error).find_map(|e| e.downcast_ref::<rustls::Error>());
        if let Some(hint) = tls.and_then(tls_hint) {
            message.push_str("; ");
            message.push_str(hint);
        }
        Self::new(message, Retry::Backoff)
    }
}

/// The parts with `: ` between them, without those that an outer one already
/// says.
fn join(what: &str, reasons: impl Iterator<Item = String>) -> String {
    reasons.fold(what.to_owned(), |mut text, reason| {
        if !text.contains(reason.trim()) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        text
    })
}

/// An error and all that is under it. `io::Error` hides what it wraps from
/// `source`, so it is opened by hand.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static));
        wrapped.or_else(|| error.source())
    })
}

/// What to do about a TLS error that waiting alone hardly mends.
fn tls_hint(error: &rustls::Error) -> Option<&'static str> {
    use rustls::CertificateError;

    match error {
        rustls::Error::InvalidCertificate(reason) => Some(match reason {
            CertificateError::UnknownIssuer => {
                "the collector's certificate was signed by an authority that this machine \
                 does not know: give that authority's certificate by `ca_certificate_pem` or \
                 OTEL_EXPORTER_OTLP_CERTIFICATE"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the collector's certificate is for another host name: use the name in it as \
                 the endpoint's host"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the collector's certificate has expired: renew it, or check this machine's clock"
            }
            _ => {
                "the collector's certificate cannot be trusted: check it, and the one given by \
                  `ca_certificate_pem` or OTEL_EXPORTER_OTLP_CERTIFICATE"
            }
        }),
        rustls::Error::InvalidMessage(_) => Some(
            "the answer was not TLS: if the collector speaks plain HTTP at this port, the \
             endpoint must begin with http://",
        ),
        rustls::Error::AlertReceived(alert) => alert_hint(*alert),
        _ => None,
    }
}

/// The alerts that a collector ends a connection with because of the client's
/// certificate (RFC 8446, section 6.2).
fn alert_hint(alert: rustls::AlertDescription) -> Option<&'static str> {
    use rustls::AlertDescription as Alert;

    match alert {
        Alert::CertificateRequired => Some(
            "the collector wants a client certificate: give one by `client_identity_pem`, or \
             OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY",
        ),
        Alert::UnknownCA
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::AccessDenied
        | Alert::DecryptError => Some(
            "the collector does not trust the client certificate: check the one given by \
             `client_identity_pem` or OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, and that the \
             certificates between it and its authority are in the same text",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_tried_again_and_said_once() {
        let error = io::Error::new(io::ErrorKind::ConnectionRefused, "Connection refused");
        let failure = Failure::of_connection("no connection", &error);
        assert_eq!(failure.message, "no connection: Connection refused");
        assert_eq!(failure.retry, Retry::Backoff);
    }

    #[test]
    fn an_unknown_authority_is_found_below_io_errors_and_the_batch_is_kept() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = io::Error::other(io::Error::other(tls));
        let failure = Failure::of_connection("no connection", &error);
        assert_eq!(failure.retry, Retry::Backoff);
        assert!(
            failure.message.contains("ca_certificate_pem"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn no_tls_error_is_a_refusal_of_the_batch_and_those_with_a_remedy_name_it() {
        use rustls::{AlertDescription as Alert, CertificateError, InvalidMessage};

        let invalid = rustls::Error::InvalidCertificate;
        for (error, wanted) in [
            (invalid(CertificateError::Expired), "renew it"),
            (invalid(CertificateError::NotValidForName), "another host"),
            (invalid(CertificateError::Revoked), "cannot be trusted"),
            (
                InvalidMessage::InvalidContentType.into(),
                "must begin with http://",
            ),
            (
                rustls::Error::AlertReceived(Alert::CertificateRequired),
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            ),
            (
                rustls::Error::AlertReceived(Alert::UnknownCA),
                "does not trust the client certificate",
            ),
            // No remedy of ours: the error speaks for itself.
            (rustls::Error::AlertReceived(Alert::InternalError), "alert"),
        ] {
            let failure = Failure::of_connection("no connection", &io::Error::other(error));
            assert_eq!(failure.retry, Retry::Backoff, "{}", failure.message);
            assert!(failure.message.contains(wanted), "{}", failure.message);
        }
    }
}
