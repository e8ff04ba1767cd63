//! The exporter that `OTEL_TRACES_EXPORTER` names.

use super::env::{self, Environment, Found};
use crate::error::PipelineError;
use crate::protocol::shown;

/// Where the spans go, unless the builder was given an exporter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Exporter {
    /// Over OTLP to a collector.
    #[default]
    Otlp,
    /// To the standard output, a line for each span.
    Console,
    /// Nowhere; sampling, and processors of the user's, work as ever.
    None,
}

pub(crate) fn resolve(environment: &Environment) -> Result<Exporter, PipelineError> {
    let Some(found) = environment.text(env::TRACES_EXPORTER)? else {
        return Ok(Exporter::default());
    };
    let mut names: Vec<String> = found
        .value
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    names.dedup();
    match names.as_slice() {
        [] => Ok(Exporter::default()),
        [name] => known(name).ok_or_else(|| invalid(&found, "no exporter that is known here")),
        _ => Err(invalid(
            &found,
            "a list, but the spans go one way only here (`span_processor` adds further ones)",
        )),
    }
}

fn known(name: &str) -> Option<Exporter> {
    match name {
        "otlp" => Some(Exporter::Otlp),
        "console" => Some(Exporter::Console),
        "none" => Some(Exporter::None),
        _ => None,
    }
}

fn invalid(found: &Found<String>, problem: &str) -> PipelineError {
    PipelineError::invalid(
        found.setting(),
        format!(
            "{} is {problem}; use one of otlp, console and none",
            shown(&found.value)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Setting;

    fn read(value: &str) -> Result<Exporter, PipelineError> {
        resolve(&Environment::of(&[("OTEL_TRACES_EXPORTER", value)]))
    }

    #[test]
    fn each_name_gives_its_exporter_in_any_case() {
        for (value, wanted) in [
            ("otlp", Exporter::Otlp),
            ("Console", Exporter::Console),
            (" none ", Exporter::None),
            ("", Exporter::Otlp),
            (",", Exporter::Otlp),
            ("otlp, OTLP,", Exporter::Otlp),
        ] {
            assert_eq!(read(value).unwrap(), wanted, "{value}");
        }
        assert_eq!(resolve(&Environment::empty()).unwrap(), Exporter::Otlp);
    }

    #[test]
    fn others_and_several_are_an_error_with_variable_value_and_way_out() {
        for value in ["zipkin", "jaeger", "logging", "otlp,console", "none,otlp"] {
            let error = read(value).unwrap_err();
            assert_eq!(
                error.setting(),
                Some(Setting::Variable("OTEL_TRACES_EXPORTER"))
            );
            let text = error.to_string();
            assert!(
                text.contains(value) && text.contains("otlp, console and none"),
                "{text}"
            );
        }
    }
}
