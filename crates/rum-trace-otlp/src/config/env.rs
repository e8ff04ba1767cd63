//! Reading the `OTEL_*` variables.

use std::ffi::OsString;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{PipelineError, Setting};
use crate::protocol::shown;

pub(crate) const SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
pub(crate) const PROPAGATORS: &str = "OTEL_PROPAGATORS";
pub(crate) const TRACES_EXPORTER: &str = "OTEL_TRACES_EXPORTER";
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
pub(crate) const CLIENT_CERTIFICATE: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
];
pub(crate) const CLIENT_KEY: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
];
pub(crate) const MAX_QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
pub(crate) const MAX_EXPORT_BATCH_SIZE: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
pub(crate) const SCHEDULE_DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
pub(crate) const ATTRIBUTES: &str = "OTEL_ATTRIBUTE_COUNT_LIMIT";
pub(crate) const SPAN_ATTRIBUTES: &str = "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT";
pub(crate) const SPAN_EVENTS: &str = "OTEL_SPAN_EVENT_COUNT_LIMIT";
pub(crate) const SPAN_LINKS: &str = "OTEL_SPAN_LINK_COUNT_LIMIT";
pub(crate) const EVENT_ATTRIBUTES: &str = "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT";
pub(crate) const LINK_ATTRIBUTES: &str = "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT";
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

    /// Whether the variable says `true`, in any case. Everything else is
    /// false, by the specification, but not in silence.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, PipelineError> {
        let Some(found) = self.text(name)? else {
            return Ok(false);
        };
        match found.value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => {
                warn(
                    &found,
                    "only `true` and `false` are known; it counts as false",
                );
                Ok(false)
            }
        }
    }

    /// A whole number from 0.
    pub(crate) fn number<T: FromStr>(
        &self,
        name: &'static str,
    ) -> Result<Option<Found<T>>, PipelineError> {
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

/// Says that a value was set and not followed. For values that are no secrets.
pub(crate) fn warn(found: &Found<String>, problem: &str) {
    tracing::warn!(
        variable = found.name,
        value = shown(&found.value),
        problem,
        "an environment variable cannot be followed as it is"
    );
}

fn parse<T: FromStr>(found: &Found<String>, expected: &str) -> Result<Found<T>, PipelineError> {
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

/// What is logged within a call, for the tests of warnings.
#[cfg(test)]
pub(crate) mod captured {
    use std::fmt::{self, Write as _};
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::{Event, Level, Subscriber};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<String>>);

    struct Fields<'a>(&'a mut String);

    impl Visit for Fields<'_> {
        fn record_str(&mut self, field: &Field, value: &str) {
            write!(self.0, " {}={value}", field.name()).unwrap();
        }

        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            if *event.metadata().level() == Level::WARN {
                let mut lines = self.0.lock().unwrap();
                event.record(&mut Fields(&mut lines));
                lines.push('\n');
            }
        }
    }

    /// The warnings of this thread during `call`, a line each.
    pub(crate) fn warnings(call: impl FnOnce()) -> String {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::registry().with(lines.clone());
        tracing::subscriber::with_default(subscriber, call);
        let text = lines.0.lock().unwrap();
        text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::captured::warnings;
    use super::*;

    #[test]
    fn only_true_is_true_and_what_is_neither_is_said() {
        for (value, wanted, silent) in [
            ("true", true, true),
            (" TRUE ", true, true),
            ("False", false, true),
            ("", false, true),
            ("1", false, false),
            ("yes", false, false),
        ] {
            let environment = Environment::of(&[(SDK_DISABLED, value)]);
            let text = warnings(|| {
                assert_eq!(environment.flag(SDK_DISABLED).unwrap(), wanted, "{value}");
            });
            assert_eq!(text.is_empty(), silent, "{text}");
            assert!(silent || (text.contains(SDK_DISABLED) && text.contains(value)));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_utf8_is_an_error_that_names_the_variable() {
        use std::os::unix::ffi::OsStringExt as _;

        let environment = Environment {
            read: Box::new(|_| Some(OsString::from_vec(vec![b'a', 0xff]))),
        };
        let error = environment.text(SERVICE_NAME).unwrap_err();
        assert!(error.to_string().contains(SERVICE_NAME), "{error}");
        assert!(error.to_string().contains("UTF-8"), "{error}");
    }
}
