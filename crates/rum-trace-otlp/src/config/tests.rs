//! The connection's settings, from tables of variables.

use super::*;
use crate::builder::PipelineBuilder;
use crate::config::env::captured::warnings;

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

/// What a bad value of a variable leads to.
enum Said {
    /// An error with this in it.
    Error(&'static str),
    /// A warning with this in it; the pipeline is built.
    Warning(&'static str),
}

/// A bad value for each variable that can have one, and what is said about it
/// beside the variable's name.
fn bad_values() -> Vec<(&'static str, &'static str, Said)> {
    use Said::{Error, Warning};
    vec![
        ("OTEL_SDK_DISABLED", "perhaps", Warning("perhaps")),
        ("OTEL_TRACES_EXPORTER", "zipkin", Error("zipkin")),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=50%", Error("team=50%")),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "a=1,team",
            Error("entry 2, `team`"),
        ),
        ("OTEL_TRACES_SAMPLER", "sometimes", Error("sometimes")),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many", Error("many")),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", Error("0 spans")),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "-5", Error("-5")),
        ("OTEL_BSP_SCHEDULE_DELAY", "1s", Error("1s")),
        ("OTEL_BSP_EXPORT_TIMEOUT", "700", Warning("700")),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "few", Error("few")),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "few", Error("few")),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "few", Error("few")),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "few", Error("few")),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "few", Error("few")),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "few", Error("few")),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64", Warning("64")),
        (
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "64",
            Warning("64"),
        ),
        ("OTEL_CONFIG_FILE", "otel.yaml", Warning("otel.yaml")),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true", Warning("true")),
        (
            "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
            "true",
            Warning("true"),
        ),
        // Secrets: what is wrong, and not the value.
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "localhost:4318",
            Error("http://"),
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "collector",
            Error("http://"),
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authentication",
            Error("key=value"),
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "a b=c",
            Error("legal header name"),
        ),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "10s",
            Error("`10s` is not a time in whole milliseconds"),
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", Error("1 ms to 1 h")),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-1", Error("-1")),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/json",
            Error("use `http/protobuf`"),
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "udp", Error("udp")),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli", Error("brotli")),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "yes", Error("yes")),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "/no/such.pem",
            Error("/no/such.pem"),
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "-----BEGIN CERTIFICATE-----",
            Error("path"),
        ),
        (
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "c.pem",
            Error("OTEL_EXPORTER_OTLP_CLIENT_KEY"),
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
            "c.pem",
            Error("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"),
        ),
        (
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "k.pem",
            Error("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            "k.pem",
            Error("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"),
        ),
    ]
}

/// Read with another one, read by `install` only, or good whatever it is.
const NOT_IN_THE_TABLE: [&str; 3] = [
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_PROPAGATORS",
    "OTEL_SERVICE_NAME",
];

#[test]
fn a_bad_value_is_an_error_or_a_warning_with_the_variables_name() {
    for (name, value, said) in bad_values() {
        let mut error = None;
        let text = warnings(|| {
            let built = PipelineBuilder::new().build_with(&Environment::of(&[(name, value)]));
            error = built.err();
        });
        let (text, wanted) = match (said, error) {
            (Said::Error(wanted), Some(error)) => {
                assert_eq!(error.setting(), Some(Setting::Variable(name)), "{error}");
                (error.to_string(), wanted)
            }
            (Said::Warning(wanted), None) => (text, wanted),
            (_, error) => panic!("{name}={value}: {error:?} {text:?}"),
        };
        assert!(text.contains(name) && text.contains(wanted), "{text}");
    }
}

/// The names of variables in a text.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
        .filter(|word| word.starts_with("OTEL_") && !word.ends_with('_'))
}

#[test]
fn each_variable_that_is_known_is_in_the_table_above_and_in_the_readme() {
    let readme = include_str!("../../README.md").replace("[TRACES_]", "TRACES_");
    let documented = |name: &str| {
        readme.contains(&format!("`{name}`"))
            || readme.contains(&format!("`{}`", name.replace("OTLP_", "OTLP_TRACES_")))
    };
    let known = [include_str!("env.rs"), include_str!("ignored.rs")];
    for name in known.into_iter().flat_map(variables) {
        let tested = bad_values().iter().any(|(variable, ..)| *variable == name);
        assert!(tested || NOT_IN_THE_TABLE.contains(&name), "{name}");
        assert!(documented(name), "{name} is not in the README");
    }
}

#[test]
fn a_certificate_for_an_http_endpoint_is_a_warning() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (endpoint, silent) in [("http://c:4318", false), ("https://c:4318", true)] {
        let table = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", file),
        ];
        let text = warnings(|| drop(from_environment(&table).unwrap()));
        assert_eq!(text.is_empty(), silent, "{text}");
        assert!(silent || text.contains("OTEL_EXPORTER_OTLP_CERTIFICATE"));
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
