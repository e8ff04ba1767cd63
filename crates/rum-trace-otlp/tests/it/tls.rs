//! TLS with an authority of one's own, and with client certificates.

use std::time::{Duration, Instant};

#[cfg(feature = "grpc")]
use rum_trace_otlp::Protocol;
use rum_trace_otlp::{DropReason, PipelineBuilder, Setting};

#[cfg(feature = "grpc")]
use super::support::grpc::GrpcCollector;
use super::support::http::HttpCollector;
use super::support::tls::Authority;
use super::support::{LONG, builder, spans};

/// For what does not come. A handshake of an unoptimised build is well within.
const DEADLINE: Duration = Duration::from_secs(2);

fn exports(builder: PipelineBuilder) {
    let pipeline = builder.build().unwrap();
    spans(&pipeline, 3);
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
}

/// Sends nothing, keeps it, and says in the end what to do.
fn is_kept(builder: PipelineBuilder, wanted: &str) {
    let pipeline = builder.build().unwrap();
    spans(&pipeline, 3);
    let error = pipeline.shutdown(DEADLINE).unwrap_err();
    let stats = error.stats().unwrap();
    assert_eq!(stats.dropped(DropReason::ShutdownDeadline), 3, "{stats}");
    let text = error.to_string();
    assert!(text.contains(wanted), "{text}");
}

/// Nobody has refused the spans: they wait on disk until the collector's
/// authority is known.
fn is_not_trusted_until_it_is_known(builder: impl Fn() -> PipelineBuilder, authority: Authority) {
    let dir = tempfile::tempdir().unwrap();
    let trusting = |ca_pem: String| {
        let builder = builder().ca_certificate_pem(ca_pem);
        builder.spool(dir.path(), 1 << 20).build().unwrap()
    };
    let pipeline = trusting(Authority::new().ca_pem);
    spans(&pipeline, 3);
    let stats = pipeline.shutdown(DEADLINE).unwrap();
    assert_eq!((stats.spooled(), stats.lost()), (3, 0));

    let pipeline = trusting(authority.ca_pem);
    let end = Instant::now() + LONG;
    while pipeline.stats().spooled() > 0 {
        assert!(Instant::now() < end, "{}", pipeline.stats());
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
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
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.acceptor());
    is_not_trusted_until_it_is_known(|| builder().endpoint(collector.url()), authority);
    assert_eq!(collector.inbox.span_names().len(), 3);
}

/// The collector gets the right certificate while the pipeline waits.
#[test]
fn http_with_a_certificate_that_is_mended() {
    let (wrong, right) = (Authority::new(), Authority::new());
    let collector = HttpCollector::tls_mended(wrong.acceptor(), right.acceptor());
    exports(
        builder()
            .endpoint(collector.url())
            .ca_certificate_pem(right.ca_pem),
    );
    assert_eq!(collector.inbox.span_names().len(), 3);
}

#[test]
fn http_with_a_certificate_for_another_host() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.acceptor());
    is_kept(
        builder()
            .endpoint(collector.url().replace("localhost", "127.0.0.1"))
            .ca_certificate_pem(authority.ca_pem),
        "another host name",
    );
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn https_at_a_port_that_speaks_plain_http() {
    let collector = HttpCollector::start();
    is_kept(
        builder()
            .endpoint(collector.url().replace("http://", "https://"))
            .ca_certificate_pem(Authority::new().ca_pem),
        "must begin with http://",
    );
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
    let authority = Authority::new();
    let collector = GrpcCollector::tls(authority.tonic());
    let builder = || builder().protocol(Protocol::Grpc).endpoint(collector.url());
    is_not_trusted_until_it_is_known(builder, authority);
    assert_eq!(collector.inbox.span_names().len(), 3);
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

#[test]
fn a_collector_that_misses_the_client_certificate() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.mutual_acceptor());
    is_kept(
        builder()
            .endpoint(collector.url())
            .ca_certificate_pem(authority.ca_pem),
        "give one by `client_identity_pem`",
    );
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn a_collector_that_does_not_know_the_client_certificates_authority() {
    let authority = Authority::new();
    let collector = HttpCollector::tls(authority.mutual_acceptor());
    let other = Authority::new();
    is_kept(
        builder()
            .endpoint(collector.url())
            .ca_certificate_pem(authority.ca_pem)
            .client_identity_pem(other.client_pem, other.client_key_pem),
        "does not trust the client certificate",
    );
    assert!(collector.inbox.all().is_empty());
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
