//! The headers (for gRPC: the metadata) that go with every export.

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::env::{self, Environment};
use super::list;
use crate::error::{PipelineError, Setting};
use crate::secret::Secret;
use crate::transport::fresh::{FreshHeaders, Value};

/// The header that Managed Service for OpenTelemetry reads its token from.
pub(crate) const TOKEN_HEADER: &str = "authentication";

/// A header as it was given to the builder.
#[derive(Debug, Clone)]
pub(crate) struct HeaderOption {
    pub(crate) setting: Setting,
    pub(crate) name: String,
    pub(crate) value: Secret,
}

/// A header whose value is asked for at each attempt.
pub(crate) struct FreshOption {
    pub(crate) setting: Setting,
    pub(crate) name: String,
    pub(crate) value: Value,
}

impl fmt::Debug for FreshOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

pub(crate) fn fresh(options: Vec<FreshOption>) -> Result<FreshHeaders, PipelineError> {
    let mut headers = FreshHeaders::default();
    for option in options {
        headers.push(legal_name(option.setting, &option.name)?, option.value);
    }
    Ok(headers)
}

/// The environment's headers with the builder's over them. All of them are
/// marked as sensitive, so that the HTTP libraries neither print them nor keep
/// them in HPACK's table.
pub(crate) fn resolve(
    options: &[HeaderOption],
    environment: &Environment,
) -> Result<HeaderMap, PipelineError> {
    let mut headers = HeaderMap::new();
    if let Some(found) = environment.first(env::HEADERS)? {
        for (name, value) in list::pairs(&found, list::Entries::Secret)? {
            insert(&mut headers, found.setting(), &name, &value)?;
        }
    }
    for option in options {
        insert(
            &mut headers,
            option.setting,
            &option.name,
            option.value.expose(),
        )?;
    }
    Ok(headers)
}

fn insert(
    headers: &mut HeaderMap,
    setting: Setting,
    name: &str,
    value: &str,
) -> Result<(), PipelineError> {
    let name = legal_name(setting, name)?;
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        PipelineError::invalid(
            setting,
            format!("the value of header `{name}` may hold printable ASCII characters only"),
        )
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

fn legal_name(setting: Setting, name: &str) -> Result<HeaderName, PipelineError> {
    // The name is not printed where it is no legal one: somebody may have
    // mistaken the order of name and value.
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        PipelineError::invalid(setting, "the name of a header is not a legal header name")
    })?;
    if is_ours(&name) {
        return Err(PipelineError::invalid(
            setting,
            format!("the header `{name}` is written by the exporter and cannot be set"),
        ));
    }
    Ok(name)
}

/// Headers that describe the message itself.
fn is_ours(name: &HeaderName) -> bool {
    const OURS: [&str; 8] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    OURS.contains(&name.as_str()) || name.as_str().starts_with("grpc-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(name: &str, value: &str) -> HeaderOption {
        HeaderOption {
            setting: Setting::Code("header"),
            name: name.to_owned(),
            value: Secret::new(value),
        }
    }

    #[test]
    fn code_goes_before_the_environment_name_by_name() {
        let environment = Environment::of(&[(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "Authentication=from%20env,x-tenant=7",
        )]);
        let headers = resolve(&[option("authentication", "from code")], &environment).unwrap();
        assert_eq!(headers["authentication"], "from code");
        assert_eq!(headers["x-tenant"], "7");
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn the_variable_for_traces_replaces_the_one_for_all_signals() {
        let environment = Environment::of(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=2"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=3"),
        ]);
        let headers = resolve(&[], &environment).unwrap();
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["b"], "3");
    }

    #[test]
    fn values_are_sensitive() {
        let headers = resolve(&[option("x-key", "topsecret")], &Environment::empty()).unwrap();
        assert!(headers["x-key"].is_sensitive());
        assert!(!format!("{headers:?}").contains("topsecret"));
    }

    #[test]
    fn a_bad_header_is_refused_without_its_value() {
        for (name, value) in [
            ("topsecret value", "x"),
            ("", "topsecret"),
            ("x-key", "topsecret\r\nx: y"),
            ("content-type", "topsecret"),
            ("grpc-timeout", "topsecret"),
            ("Host", "topsecret"),
        ] {
            let error = resolve(&[option(name, value)], &Environment::empty()).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("topsecret"), "{text}");
        }
    }
}
