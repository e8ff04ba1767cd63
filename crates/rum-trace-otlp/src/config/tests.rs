//! The connection's settings, from tables of variables.

use super::*;

type Table<'a> = &'a [(&'a str, &'a str)];

fn resolve(options: TransportOptions, table: Table<'_>) -> Result<TransportConfig, PipelineError> {
    TransportConfig::resolve(options, &Environment::of(table))
}

fn from_environment(table: Table<'_>) -> Result<TransportConfig, PipelineError> {
    resolve(TransportOptions::default(), table)
}

fn url(config: &TransportConfig) -> String {
    config.endpoint.uri().to_string()
}

#[test]
fn without_anything_it_is_a_collector_on_this_machine() {
    let config = from_environment(&[]).unwrap();
    assert_eq!(url(&config), "http://localhost:4318/v1/traces");
    assert_eq!(config.protocol, Protocol::HttpProtobuf);
    assert_eq!(config.compression, Compression::None);
    assert_eq!(config.timeout, Duration::from_secs(10));
    assert!(config.headers.is_empty() && config.ca_certificates.is_empty());
}

#[test]
fn each_endpoint_goes_before_the_next() {
    let table = [
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://env-traces/whole",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env/base"),
    ];
    let options = |traces: bool, base: bool| TransportOptions {
        traces_endpoint: traces.then(|| Secret::new("http://code-traces/whole")),
        endpoint: base.then(|| Secret::new("http://code/base")),
        ..TransportOptions::default()
    };
    let cases = [
        (options(true, true), &table[..], "http://code-traces/whole"),
        (
            options(false, true),
            &table[..],
            "http://code/base/v1/traces",
        ),
        (options(false, false), &table[..], "http://env-traces/whole"),
        (
            options(false, false),
            &table[1..],
            "http://env/base/v1/traces",
        ),
    ];
    for (options, table, wanted) in cases {
        assert_eq!(url(&resolve(options, table).unwrap()), wanted);
    }
}

#[test]
fn the_variable_for_traces_goes_before_the_one_for_all_signals() {
    let config = from_environment(&[
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2500"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "not looked at"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "not looked at"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
    ])
    .unwrap();
    assert_eq!(config.timeout, Duration::from_millis(2_500));
    assert_eq!(config.compression, Compression::None);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let config = from_environment(&[
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", " http://env:4318 "),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "  "),
    ])
    .unwrap();
    assert_eq!(url(&config), "http://env:4318/v1/traces");
    assert_eq!(config.timeout, Duration::from_secs(10));
}

#[test]
fn code_goes_before_every_variable() {
    let options = TransportOptions {
        protocol: Some(Protocol::HttpProtobuf),
        endpoint: Some(Secret::new("http://code")),
        compression: Some(Compression::None),
        timeout: Some(Duration::from_secs(1)),
        ca_certificates: vec![b"pem".to_vec()],
        ..TransportOptions::default()
    };
    // None of these could be used.
    let config = resolve(
        options,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file"),
        ],
    )
    .unwrap();
    assert_eq!(url(&config), "http://code/v1/traces");
    assert_eq!(config.timeout, Duration::from_secs(1));
    assert_eq!(config.ca_certificates[0].pem, b"pem");
}

#[test]
fn a_bad_value_is_an_error_with_the_variables_name_and_what_is_allowed() {
    let cases = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "http://"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector", "http://"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authentication", "key=value"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "a b=c",
            "legal header name",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "whole milliseconds"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "1 ms to 1 h"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "-1",
            "whole milliseconds",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "udp", "`grpc`"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli", "`zstd`"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "yes", "`gzip`"),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "/no/such/file.pem",
            "/no/such/file.pem",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "-----BEGIN CERTIFICATE-----",
            "path",
        ),
    ];
    for (name, value, allowed) in cases {
        let error = from_environment(&[(name, value)]).unwrap_err();
        assert_eq!(error.setting(), Some(Setting::Variable(name)), "{error}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(allowed), "{text}");
    }
}

#[test]
fn a_secret_of_the_environment_is_not_in_the_error() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://host/topsecret"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "host/topsecret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authentication:topsecret"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "authentication=topsecret%0A",
        ),
    ] {
        let error = from_environment(&[(name, value)]).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("topsecret"), "{text}");
    }
}

#[test]
fn what_was_not_compiled_in_is_told_with_its_feature() {
    let cases = [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "grpc",
            cfg!(feature = "grpc"),
        ),
        (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "gzip",
            "gzip",
            cfg!(feature = "gzip"),
        ),
        (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "zstd",
            "zstd",
            cfg!(feature = "zstd"),
        ),
    ];
    for (name, value, wanted, present) in cases {
        let result = from_environment(&[(name, value)]);
        if present {
            assert!(result.is_ok(), "{value}: {result:?}");
            continue;
        }
        let error = result.unwrap_err();
        assert!(
            matches!(&error, PipelineError::MissingFeature { feature, .. } if *feature == wanted),
            "{error}"
        );
    }
}

#[cfg(feature = "grpc")]
#[test]
fn the_protocol_of_the_environment_moves_the_default_endpoint() {
    let config = from_environment(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap();
    assert_eq!(url(&config), "http://localhost:4317/");
    assert_eq!(config.body_compression(), Compression::None);
}

#[test]
fn the_resolved_settings_can_be_printed() {
    let config = from_environment(&[
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://host/topsecret",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authentication=topsecret"),
    ])
    .unwrap();
    let text = format!("{config:?}");
    assert!(
        text.contains("http://host/…") && !text.contains("topsecret"),
        "{text}"
    );
}
