//! How much a span may hold.

use opentelemetry_sdk::trace::SpanLimits;

use super::env::{self, Environment};
use crate::error::PipelineError;

/// The builder's limits, else the environment's over the SDK's defaults.
///
/// The SDK would read three of the five variables itself, but skips a value
/// that it cannot use in silence.
pub(crate) fn resolve(
    code: Option<SpanLimits>,
    environment: &Environment,
) -> Result<SpanLimits, PipelineError> {
    if let Some(limits) = code {
        return Ok(limits);
    }
    let mut limits = SpanLimits::default();
    // The variable for spans goes before the general one.
    let attributes = [env::SPAN_ATTRIBUTES, env::ATTRIBUTES];
    set(
        &mut limits.max_attributes_per_span,
        &attributes,
        environment,
    )?;
    for (limit, variable) in [
        (&mut limits.max_events_per_span, env::SPAN_EVENTS),
        (&mut limits.max_links_per_span, env::SPAN_LINKS),
        (&mut limits.max_attributes_per_event, env::EVENT_ATTRIBUTES),
        (&mut limits.max_attributes_per_link, env::LINK_ATTRIBUTES),
    ] {
        set(limit, &[variable], environment)?;
    }
    Ok(limits)
}

fn set(
    limit: &mut u32,
    variables: &[&'static str],
    environment: &Environment,
) -> Result<(), PipelineError> {
    for variable in variables {
        if let Some(found) = environment.number(variable)? {
            *limit = found.value;
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Setting;

    fn read(table: &[(&str, &str)]) -> Result<[u32; 5], PipelineError> {
        resolve(None, &Environment::of(table)).map(numbers)
    }

    fn numbers(limits: SpanLimits) -> [u32; 5] {
        [
            limits.max_attributes_per_span,
            limits.max_events_per_span,
            limits.max_links_per_span,
            limits.max_attributes_per_event,
            limits.max_attributes_per_link,
        ]
    }

    const ALL: [(&str, &str); 5] = [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "2"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "4"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"),
    ];

    #[test]
    fn each_variable_sets_its_limit() {
        assert_eq!(read(&ALL).unwrap(), [1, 2, 0, 4, 5]);
        assert_eq!(read(&[]).unwrap(), [128; 5]);
    }

    #[test]
    fn the_general_limit_is_for_the_attributes_of_spans() {
        let general = ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7");
        assert_eq!(read(&[general]).unwrap(), [7, 128, 128, 128, 128]);
        assert_eq!(read(&[general, ALL[0]]).unwrap()[0], 1);
    }

    #[test]
    fn code_goes_before_the_environment() {
        let code = SpanLimits {
            max_links_per_span: 9,
            ..SpanLimits::default()
        };
        let limits = resolve(Some(code), &Environment::of(&ALL)).unwrap();
        assert_eq!(numbers(limits), [128, 128, 9, 128, 128]);
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for (variable, _) in ALL {
            for value in ["-1", "many", "4294967296", "1.5"] {
                let error = read(&[(variable, value)]).unwrap_err();
                assert!(
                    matches!(error.setting(), Some(Setting::Variable(name)) if name == variable)
                );
                assert!(error.to_string().contains(value), "{error}");
            }
        }
    }
}
