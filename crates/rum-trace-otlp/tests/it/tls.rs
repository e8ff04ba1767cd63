//! TLS with an authority of one's own, and with client certificates.

#[cfg(feature = "grpc")]
use rum_trace_otlp::Protocol;
use rum_trace_otlp::{PipelineBuilder, Setting};

#[cfg(feature = "grpc")]
use super::support::grpc::GrpcCollector;
use super::support::http::HttpCollector;
use super::support::tls::Authority;
use super::support::{LONG, builder, spans};

fn exports(builder: PipelineBuilder) {
    let pipeline = builder.build().unwrap();
    spans(&pipeline, 3);
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
}

/// Fails at once, since trying again cannot help, and says what to do.
fn is_not_trusted(builder: PipelineBuilder) {
    let other = Authority::new();
    let pipeline = builder.ca_certificate_pem(other.ca_pem).build().unwrap();
    spans(&pipeline, 3);
    let error = pipeline.shutdown(LONG).unwrap_err();
    assert_eq!(error.lost(), 3);
    let text = error.to_string();
    assert!(text.contains("ca_certificate_pem"), "{text}");
    assert!(!text.contains("attempts"), "{text}");
}

#[test]
fn http_with_an_own_authority() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.acceptor());
    exports(
        builder()
            .endpoint(collector.url())
            .ca_certificate_pem(authority.ca_pem),
    );
    assert_eq!(collector.inbox.span_names().len(), 3);
}

#[test]
fn http_with_an_unknown_authority() {
    let collector = HttpCollector::tls(Authority::new().acceptor());
    is_not_trusted(builder().endpoint(collector.url()));
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn http_with_a_certificate_for_another_host() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.acceptor());
    let pipeline = builder()
        .endpoint(collector.url().replace("localhost", "127.0.0.1"))
        .ca_certificate_pem(authority.ca_pem)
        .build()
        .unwrap();
    spans(&pipeline, 1);
    let error = pipeline.shutdown(LONG).unwrap_err().to_string();
    assert!(error.contains("another host name"), "{error}");
}

#[test]
fn https_at_a_port_that_speaks_plain_http() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url().replace("http://", "https://"))
        .ca_certificate_pem(Authority::new().ca_pem)
        .build()
        .unwrap();
    spans(&pipeline, 1);
    let error = pipeline.shutdown(LONG).unwrap_err().to_string();
    assert!(error.contains("must begin with http://"), "{error}");
}

#[cfg(feature = "grpc")]
#[test]
fn grpc_with_an_own_authority() {
    let authority = Authority::new();
    let collector = GrpcCollector::tls(authority.tonic());
    exports(
        builder()
            .protocol(Protocol::Grpc)
            .endpoint(collector.url())
            .ca_certificate_pem(authority.ca_pem),
    );
    assert_eq!(collector.inbox.span_names().len(), 3);
}

#[cfg(feature = "grpc")]
#[test]
fn grpc_with_an_unknown_authority() {
    let collector = GrpcCollector::tls(Authority::new().tonic());
    is_not_trusted(builder().protocol(Protocol::Grpc).endpoint(collector.url()));
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn http_with_a_client_certificate() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.mutual_acceptor());
    exports(
        builder()
            .endpoint(collector.url())
            .ca_certificate_pem(authority.ca_pem)
            .client_identity_pem(authority.client_pem, authority.client_key_pem),
    );
    assert_eq!(collector.inbox.span_names().len(), 3);
}

#[cfg(feature = "grpc")]
#[test]
fn grpc_with_a_client_certificate() {
    let authority = Authority::new();
    let collector = GrpcCollector::tls(authority.mutual_tonic());
    exports(
        builder()
            .protocol(Protocol::Grpc)
            .endpoint(collector.url())
            .ca_certificate_pem(authority.ca_pem)
            .client_identity_pem(authority.client_pem, authority.client_key_pem),
    );
    assert_eq!(collector.inbox.span_names().len(), 3);
}

/// Exports nothing, and says in the end what to do.
fn is_refused(builder: PipelineBuilder, collector: &HttpCollector, wanted: &str) {
    let pipeline = builder.endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 3);
    let error = pipeline.shutdown(LONG).unwrap_err();
    assert_eq!(error.lost(), 3);
    assert!(error.to_string().contains(wanted), "{error}");
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn a_collector_that_misses_the_client_certificate() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.mutual_acceptor());
    is_refused(
        builder().ca_certificate_pem(authority.ca_pem),
        &collector,
        "give one by `client_identity_pem`",
    );
}

#[test]
fn a_collector_that_does_not_know_the_client_certificates_authority() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.mutual_acceptor());
    let other = Authority::new();
    is_refused(
        builder()
            .ca_certificate_pem(authority.ca_pem)
            .client_identity_pem(other.client_pem, other.client_key_pem),
        &collector,
        "does not trust the client certificate",
    );
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused_when_the_pipeline_is_built() {
    let (one, other) = (Authority::new(), Authority::new());
    let builder = builder()
        .endpoint("https://localhost:4318")
        .ca_certificate_pem(one.ca_pem)
        .client_identity_pem(one.client_pem, other.client_key_pem.clone());
    let printed = format!("{builder:?}");
    let error = builder.build().unwrap_err();
    assert_eq!(error.setting(), Some(Setting::Code("client_identity_pem")));
    let key = other.client_key_pem.lines().nth(1).unwrap();
    assert!(!format!("{printed}{error}{error:?}").contains(key));
}
