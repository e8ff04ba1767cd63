//! The sampler that `OTEL_TRACES_SAMPLER` names.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::trace::{Sampler, ShouldSample};

use super::env::{self, Environment, Found};
use crate::error::{PipelineError, Setting};
use crate::processor::LastLook;
use crate::protocol::shown;
#[cfg(feature = "sampling")]
use crate::sampling::SessionSampler;

/// The builder's sampler, else the environment's, else parent-based always-on:
/// a request that the phone sampled is sampled here too.
pub(crate) fn resolve(
    code: Option<Chosen>,
    environment: &Environment,
) -> Result<Chosen, PipelineError> {
    if let Some(chosen) = code {
        return Ok(chosen);
    }
    let sampler = match environment.text(env::TRACES_SAMPLER)? {
        Some(name) => named(&name, environment)?,
        None => parent_based(Sampler::AlwaysOn),
    };
    Ok(Chosen::Sdks {
        sampler,
        roots: true,
    })
}

/// Who decides.
pub(crate) enum Chosen {
    /// One of the SDK's, which look at the parent and the trace id alone.
    Sdks {
        sampler: Sampler,
        /// At roots too: nobody can see what else a parent-based sampler of the
        /// user's asks there.
        roots: bool,
    },
    /// Ours, which knows what it asks.
    #[cfg(feature = "sampling")]
    Sessions(SessionSampler),
    /// One of the user's, which may look at everything.
    Own(Box<dyn ShouldSample>),
}

impl Chosen {
    pub(crate) fn of(sampler: impl ShouldSample + 'static) -> Self {
        #[cfg(feature = "sampling")]
        if let Some(sampler) = (&sampler as &dyn Any).downcast_ref::<SessionSampler>() {
            return Chosen::Sessions(sampler.clone());
        }
        use Sampler::{AlwaysOff, AlwaysOn, ParentBased, TraceIdRatioBased};
        let known = (&sampler as &dyn Any).downcast_ref::<Sampler>();
        match known {
            Some(known @ (AlwaysOn | AlwaysOff | TraceIdRatioBased(_) | ParentBased(_))) => {
                Chosen::Sdks {
                    roots: !matches!(known, ParentBased(_)),
                    sampler: known.clone(),
                }
            }
            // Others of the SDK's look at the name, and count what they are asked.
            _ => Chosen::Own(Box::new(sampler)),
        }
    }

    /// Who looks at spans once more that were recorded and not sampled.
    pub(crate) fn last_look(&self) -> Option<Arc<dyn LastLook>> {
        match self {
            #[cfg(feature = "sampling")]
            Chosen::Sessions(sampler) => sampler.last_look(),
            _ => None,
        }
    }

    /// Tells its numbers, if it has some.
    #[cfg_attr(
        not(feature = "sampling"),
        expect(unused_variables, reason = "none has")
    )]
    pub(crate) fn observe(&self, meters: &dyn MeterProvider) {
        #[cfg(feature = "sampling")]
        if let Chosen::Sessions(sampler) = self {
            sampler.handle().observe(meters);
        }
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chosen::Sdks { sampler, .. } => sampler.fmt(f),
            #[cfg(feature = "sampling")]
            Chosen::Sessions(sampler) => sampler.fmt(f),
            Chosen::Own(sampler) => sampler.fmt(f),
        }
    }
}

fn named(name: &Found<String>, environment: &Environment) -> Result<Sampler, PipelineError> {
    let sampler = sampler(name, environment)?;
    if !takes_argument(&name.value) {
        if let Some(argument) = environment.text(env::TRACES_SAMPLER_ARG)? {
            env::warn(&argument, "not used: the sampler takes no argument");
        }
    }
    Ok(sampler)
}

fn takes_argument(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("traceidratio")
}

fn sampler(name: &Found<String>, environment: &Environment) -> Result<Sampler, PipelineError> {
    let ratio = || ratio(environment).map(Sampler::TraceIdRatioBased);
    match name.value.to_ascii_lowercase().as_str() {
        "always_on" => Ok(Sampler::AlwaysOn),
        "always_off" => Ok(Sampler::AlwaysOff),
        "traceidratio" => ratio(),
        "parentbased_always_on" => Ok(parent_based(Sampler::AlwaysOn)),
        "parentbased_always_off" => Ok(parent_based(Sampler::AlwaysOff)),
        "parentbased_traceidratio" => ratio().map(parent_based),
        _ => Err(PipelineError::invalid(
            name.setting(),
            format!(
                "{} is no sampler that can be used here; use always_on, always_off, \
                 traceidratio, parentbased_always_on, parentbased_always_off or \
                 parentbased_traceidratio",
                shown(&name.value)
            ),
        )),
    }
}

fn parent_based(root: Sampler) -> Sampler {
    Sampler::ParentBased(Box::new(root))
}

/// The ratio of `OTEL_TRACES_SAMPLER_ARG`; 1 where it is not set, by the
/// specification.
fn ratio(environment: &Environment) -> Result<f64, PipelineError> {
    let Some(argument) = environment.text(env::TRACES_SAMPLER_ARG)? else {
        return Ok(1.0);
    };
    argument
        .value
        .parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| {
            PipelineError::invalid(
                Setting::Variable(env::TRACES_SAMPLER_ARG),
                format!("{} is not a number from 0 to 1", shown(&argument.value)),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::env::captured::warnings;

    fn debug(table: &[(&str, &str)]) -> Result<String, PipelineError> {
        resolve(None, &Environment::of(table)).map(|sampler| format!("{sampler:?}"))
    }

    #[test]
    fn each_name_gives_its_sampler() {
        let cases = [
            (None, "ParentBased(AlwaysOn)"),
            (Some("always_on"), "AlwaysOn"),
            (Some("ALWAYS_OFF"), "AlwaysOff"),
            (Some("traceidratio"), "TraceIdRatioBased(0.25)"),
            (Some("parentbased_always_on"), "ParentBased(AlwaysOn)"),
            (Some("parentbased_always_off"), "ParentBased(AlwaysOff)"),
            (
                Some("parentbased_traceidratio"),
                "ParentBased(TraceIdRatioBased(0.25))",
            ),
        ];
        for (name, wanted) in cases {
            let mut table = vec![(env::TRACES_SAMPLER_ARG, "0.25")];
            table.extend(name.map(|name| (env::TRACES_SAMPLER, name)));
            assert_eq!(debug(&table).unwrap(), wanted);
        }
        assert_eq!(
            debug(&[(env::TRACES_SAMPLER, "traceidratio")]).unwrap(),
            "TraceIdRatioBased(1.0)"
        );
    }

    #[test]
    fn code_goes_before_the_environment() {
        let environment = Environment::of(&[(env::TRACES_SAMPLER, "no such sampler")]);
        let sampler = resolve(Some(Chosen::of(Sampler::AlwaysOff)), &environment).unwrap();
        assert_eq!(format!("{sampler:?}"), "AlwaysOff");
    }

    #[test]
    fn an_argument_that_no_sampler_takes_is_a_warning() {
        let table = |name| {
            [
                (env::TRACES_SAMPLER, name),
                (env::TRACES_SAMPLER_ARG, "0.25"),
            ]
        };
        let text = warnings(|| drop(debug(&table("always_on"))));
        assert!(
            text.contains("OTEL_TRACES_SAMPLER_ARG") && text.contains("0.25"),
            "{text}"
        );
        let text = warnings(|| drop(debug(&table("ParentBased_TraceIdRatio"))));
        assert_eq!(text, "");
    }

    #[test]
    fn what_cannot_be_used_is_an_error() {
        for name in ["jaeger_remote", "xray", "sometimes"] {
            let error = debug(&[(env::TRACES_SAMPLER, name)]).unwrap_err();
            assert_eq!(
                error.setting(),
                Some(Setting::Variable(env::TRACES_SAMPLER))
            );
            assert!(error.to_string().contains(name), "{error}");
        }
        for ratio in ["2", "-0.1", "NaN", "half"] {
            let table = [
                (env::TRACES_SAMPLER, "traceidratio"),
                (env::TRACES_SAMPLER_ARG, ratio),
            ];
            let error = debug(&table).unwrap_err();
            assert_eq!(
                error.setting(),
                Some(Setting::Variable(env::TRACES_SAMPLER_ARG))
            );
        }
    }
}
