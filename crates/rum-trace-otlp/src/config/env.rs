//! Reading the `OTEL_*` variables.

use std::ffi::OsString;
use std::time::Duration;

use crate::error::{PipelineError, Setting};
use crate::protocol::shown;

pub(crate) const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
pub(crate) const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
pub(crate) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
pub(crate) const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The variable of the traces signal goes before the one of all signals.
pub(crate) const HEADERS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_HEADERS",
];
pub(crate) const TIMEOUT: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];
pub(crate) const PROTOCOL: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
pub(crate) const COMPRESSION: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
];
pub(crate) const CERTIFICATE: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
];
pub(crate) const MAX_QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
pub(crate) const MAX_EXPORT_BATCH_SIZE: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
pub(crate) const SCHEDULE_DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
pub(crate) const TRACES_SAMPLER: &str = "OTEL_TRACES_SAMPLER";
pub(crate) const TRACES_SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

/// A value with the variable that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found<T> {
    pub(crate) name: &'static str,
    pub(crate) value: T,
}

impl<T> Found<T> {
    pub(crate) fn setting(&self) -> Setting {
        Setting::Variable(self.name)
    }
}

/// Where variables are read from. Not the process directly, so that tests can
/// give a table: changing a process's environment is unsafe while other
/// threads run.
pub(crate) struct Environment {
    read: Box<Read>,
}

type Read = dyn Fn(&str) -> Option<OsString>;

impl Environment {
    /// The variables of this process.
    pub(crate) fn process() -> Self {
        Self {
            read: Box::new(|name| std::env::var_os(name)),
        }
    }

    /// No variables at all.
    pub(crate) fn empty() -> Self {
        Self {
            read: Box::new(|_| None),
        }
    }

    #[cfg(test)]
    pub(crate) fn of(table: &[(&str, &str)]) -> Self {
        let table: std::collections::HashMap<String, String> = table
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            read: Box::new(move |name| table.get(name).map(OsString::from)),
        }
    }

    /// The variable's text without white space round it. An empty variable
    /// counts as unset, as the OpenTelemetry specification wants.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<Found<String>>, PipelineError> {
        let Some(value) = (self.read)(name) else {
            return Ok(None);
        };
        let value = value.into_string().map_err(|_| {
            PipelineError::invalid(Setting::Variable(name), "the value is not valid UTF-8")
        })?;
        let value = value.trim();
        Ok((!value.is_empty()).then(|| Found {
            name,
            value: value.to_owned(),
        }))
    }

    /// The first of `names` that is set.
    pub(crate) fn first(
        &self,
        names: [&'static str; 2],
    ) -> Result<Option<Found<String>>, PipelineError> {
        for name in names {
            if let Some(found) = self.text(name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<Found<usize>>, PipelineError> {
        self.text(name)?
            .map(|found| parse(&found, "a whole number"))
            .transpose()
    }

    /// A time in milliseconds, as all `OTEL_*` times are.
    pub(crate) fn millis(
        &self,
        names: [&'static str; 2],
    ) -> Result<Option<Found<Duration>>, PipelineError> {
        let found = self.first(names)?;
        found
            .map(|found| {
                let millis = parse::<u64>(&found, "a time in whole milliseconds")?;
                Ok(Found {
                    name: millis.name,
                    value: Duration::from_millis(millis.value),
                })
            })
            .transpose()
    }
}

fn parse<T: std::str::FromStr>(
    found: &Found<String>,
    expected: &str,
) -> Result<Found<T>, PipelineError> {
    match found.value.parse() {
        Ok(value) => Ok(Found {
            name: found.name,
            value,
        }),
        Err(_) => Err(PipelineError::invalid(
            found.setting(),
            format!("{} is not {expected}", shown(&found.value)),
        )),
    }
}
