//! Variables of the specification that nothing here follows. That they are
//! set is said once, when the pipeline is built, rather than found out later.

use super::env::{self, Environment};
use crate::error::PipelineError;

/// What is not followed, and what serves instead.
const IGNORED: [(&str, &str); 6] = [
    (
        "OTEL_BSP_EXPORT_TIMEOUT",
        "not followed; OTEL_EXPORTER_OTLP_TIMEOUT limits the time of an export",
    ),
    (
        "OTEL_EXPORTER_OTLP_INSECURE",
        "not followed; the scheme of the endpoint, http or https, says whether TLS is used",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
        "not followed; the scheme of the endpoint, http or https, says whether TLS is used",
    ),
    (
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "not followed; the OpenTelemetry SDK for Rust does not cut values",
    ),
    (
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "not followed; the OpenTelemetry SDK for Rust does not cut values",
    ),
    (
        "OTEL_CONFIG_FILE",
        "not followed; there is no configuration by file: use variables or the builder",
    ),
];

/// Warns about each that is set.
pub(crate) fn warn(environment: &Environment) -> Result<(), PipelineError> {
    for (variable, instead) in IGNORED {
        if let Some(found) = environment.text(variable)? {
            env::warn(&found, instead);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::env::captured::warnings;

    #[test]
    fn each_is_named_with_its_value() {
        for (variable, _) in IGNORED {
            let environment = Environment::of(&[(variable, "some-value")]);
            let text = warnings(|| warn(&environment).unwrap());
            assert!(text.contains(variable), "{text}");
            assert!(text.contains("some-value"), "{text}");
        }
    }

    #[test]
    fn nothing_is_said_where_none_is_set() {
        let environment = Environment::of(&[("OTEL_BSP_EXPORT_TIMEOUT", "")]);
        assert_eq!(warnings(|| warn(&environment).unwrap()), "");
    }
}
