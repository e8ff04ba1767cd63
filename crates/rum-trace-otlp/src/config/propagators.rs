//! The propagators that `OTEL_PROPAGATORS` names.

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::env::{self, Environment, Found};
use crate::error::PipelineError;

/// A propagator that can be made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagator {
    TraceContext,
    Baggage,
}

/// Those that the variable names, each once, in its order; `None` if it names
/// none that can be used.
///
/// A name that cannot be followed is a warning and not an error, as the
/// specification demands.
pub(crate) fn resolve(
    environment: &Environment,
) -> Result<Option<TextMapCompositePropagator>, PipelineError> {
    let Some(found) = environment.text(env::PROPAGATORS)? else {
        return Ok(None);
    };
    let propagators = parse(&found);
    Ok((!propagators.is_empty()).then(|| {
        TextMapCompositePropagator::new(propagators.into_iter().map(Propagator::make).collect())
    }))
}

impl Propagator {
    fn make(self) -> Box<dyn TextMapPropagator + Send + Sync> {
        match self {
            Self::TraceContext => Box::new(TraceContextPropagator::new()),
            Self::Baggage => Box::new(BaggagePropagator::new()),
        }
    }
}

fn parse(found: &Found<String>) -> Vec<Propagator> {
    let names: Vec<String> = found
        .value
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let mut propagators = Vec::new();
    for name in &names {
        match named(name, names.len()) {
            Ok(propagator) if propagators.contains(&propagator) => {}
            Ok(propagator) => propagators.push(propagator),
            Err(None) => {}
            Err(Some(problem)) => env::warn(
                found,
                &format!("{} {problem}", crate::protocol::shown(name)),
            ),
        }
    }
    propagators
}

/// The propagator, or what to say about the name, if anything.
fn named(name: &str, of: usize) -> Result<Propagator, Option<&'static str>> {
    match name {
        "tracecontext" => Ok(Propagator::TraceContext),
        "baggage" => Ok(Propagator::Baggage),
        "none" if of == 1 => Err(None),
        "none" => Err(Some("stands beside other names, which are used")),
        "b3" | "b3multi" | "jaeger" => Err(Some(
            "is not available as a global propagator and is left out; the layers of rum-trace \
             read it from requests without this variable",
        )),
        "xray" | "ottrace" => Err(Some("is not available and is left out")),
        _ => Err(Some(
            "is no propagator that is known here and is left out; use tracecontext, baggage \
             or none",
        )),
    }
}

/// Makes `propagator` the global one, unless the program has set one before:
/// what is set in code goes before the environment.
pub(crate) fn install(propagator: TextMapCompositePropagator) {
    use opentelemetry::global;

    // The one that is there from the start has no fields.
    let is_set = global::get_text_map_propagator(|present| present.fields().next().is_some());
    if is_set {
        tracing::warn!(
            variable = env::PROPAGATORS,
            "an environment variable is not followed: the program has set a global propagator"
        );
    } else {
        global::set_text_map_propagator(propagator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::env::captured::warnings;

    fn read(value: &str) -> (Vec<Propagator>, String) {
        let mut propagators = Vec::new();
        let text = warnings(|| {
            propagators = parse(&Found {
                name: env::PROPAGATORS,
                value: value.to_owned(),
            });
        });
        (propagators, text)
    }

    #[test]
    fn the_names_give_propagators_each_once_and_without_a_word() {
        use Propagator::{Baggage, TraceContext};
        for (value, wanted) in [
            ("tracecontext", vec![TraceContext]),
            ("Baggage , TraceContext", vec![Baggage, TraceContext]),
            ("tracecontext,tracecontext,,", vec![TraceContext]),
            ("none", vec![]),
        ] {
            assert_eq!(read(value), (wanted, String::new()), "{value}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_followed_is_left_out_with_a_warning() {
        for name in ["b3", "b3multi", "jaeger", "xray", "ottrace", "w3c", "none"] {
            let value = format!("tracecontext,{name}");
            let (propagators, text) = read(&value);
            assert_eq!(propagators, [Propagator::TraceContext], "{name}");
            assert!(text.contains("OTEL_PROPAGATORS"), "{text}");
            assert!(text.contains(&value), "{text}");
        }
        let (propagators, text) = read("b3,w3c");
        assert!(propagators.is_empty());
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn the_fields_are_those_of_the_named() {
        let fields = |value: &str| {
            let environment = Environment::of(&[("OTEL_PROPAGATORS", value)]);
            resolve(&environment).unwrap().map(|propagator| {
                let mut fields: Vec<_> = propagator.fields().map(str::to_owned).collect();
                fields.sort();
                fields
            })
        };
        assert_eq!(
            fields("baggage,tracecontext").unwrap(),
            ["baggage", "traceparent", "tracestate"]
        );
        assert_eq!(fields("baggage").unwrap(), ["baggage"]);
        assert_eq!(fields("none"), None);
        assert_eq!(fields("b3"), None);
        assert_eq!(fields(""), None);
    }
}
