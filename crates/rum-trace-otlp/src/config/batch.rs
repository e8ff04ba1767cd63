//! The sizes of queue and batch.

use std::time::Duration;

use super::env::{self, Environment};
use crate::error::{PipelineError, Setting};

/// The limits of the batch processor, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) max_queue_size: usize,
    pub(crate) max_export_batch_size: usize,
    pub(crate) scheduled_delay: Duration,
}

/// What the builder was given.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BatchOptions {
    pub(crate) max_queue_size: Option<usize>,
    pub(crate) max_export_batch_size: Option<usize>,
    pub(crate) scheduled_delay: Option<Duration>,
}

impl Batch {
    // The defaults are those of the OpenTelemetry specification.
    const QUEUE_SIZE: usize = 2_048;
    const BATCH_SIZE: usize = 512;
    const DELAY: Duration = Duration::from_secs(5);
    /// The SDK reserves the whole queue at the start: about half a gigabyte
    /// at this size.
    const MAX_QUEUE_SIZE: usize = 1_000_000;
    const MAX_DELAY: Duration = Duration::from_secs(3_600);

    pub(crate) fn resolve(
        options: BatchOptions,
        environment: &Environment,
    ) -> Result<Self, PipelineError> {
        let queue = pick(
            options.max_queue_size,
            "max_queue_size",
            environment,
            env::MAX_QUEUE_SIZE,
        )?;
        let batch = pick(
            options.max_export_batch_size,
            "max_export_batch_size",
            environment,
            env::MAX_EXPORT_BATCH_SIZE,
        )?;
        let max_queue_size = check_queue(queue)?;
        Ok(Self {
            max_queue_size,
            max_export_batch_size: check_batch(batch, max_queue_size)?,
            scheduled_delay: delay(options.scheduled_delay, environment)?,
        })
    }
}

/// A value with the setting that it came from.
type Given = Option<(Setting, usize)>;

fn pick(
    code: Option<usize>,
    method: &'static str,
    environment: &Environment,
    variable: &'static str,
) -> Result<Given, PipelineError> {
    if let Some(value) = code {
        return Ok(Some((Setting::Code(method), value)));
    }
    Ok(environment
        .number(variable)?
        .map(|found| (found.setting(), found.value)))
}

fn check_queue(given: Given) -> Result<usize, PipelineError> {
    match given {
        None => Ok(Batch::QUEUE_SIZE),
        Some((_, size)) if (1..=Batch::MAX_QUEUE_SIZE).contains(&size) => Ok(size),
        Some((setting, size)) => Err(PipelineError::invalid(
            setting,
            format!(
                "a queue of {size} spans is not possible; give 1 to {}",
                Batch::MAX_QUEUE_SIZE
            ),
        )),
    }
}

fn check_batch(given: Given, queue: usize) -> Result<usize, PipelineError> {
    match given {
        // A small queue that somebody asked for makes the default batch small.
        None => Ok(Batch::BATCH_SIZE.min(queue)),
        Some((_, size)) if (1..=queue).contains(&size) => Ok(size),
        Some((setting, size)) => Err(PipelineError::invalid(
            setting,
            format!(
                "a batch of {size} spans is not possible with a queue of {queue}; \
                 give 1 to {queue}, or a larger queue"
            ),
        )),
    }
}

fn delay(code: Option<Duration>, environment: &Environment) -> Result<Duration, PipelineError> {
    let given = match code {
        Some(delay) => Some((Setting::Code("scheduled_delay"), delay)),
        None => environment
            .millis([env::SCHEDULE_DELAY, env::SCHEDULE_DELAY])?
            .map(|found| (found.setting(), found.value)),
    };
    match given {
        None => Ok(Batch::DELAY),
        // Zero would make the SDK's thread spin.
        Some((_, delay)) if (Duration::from_millis(1)..=Batch::MAX_DELAY).contains(&delay) => {
            Ok(delay)
        }
        Some((setting, delay)) => Err(PipelineError::invalid(
            setting,
            format!("a delay of {delay:?} is not possible; give 1 ms to 1 h"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(options: BatchOptions, table: &[(&str, &str)]) -> Result<Batch, PipelineError> {
        Batch::resolve(options, &Environment::of(table))
    }

    #[test]
    fn code_goes_before_environment_and_that_before_the_default() {
        let options = BatchOptions {
            max_queue_size: Some(100),
            ..BatchOptions::default()
        };
        let table = [
            (env::MAX_QUEUE_SIZE, "7"),
            (env::MAX_EXPORT_BATCH_SIZE, "50"),
        ];
        let batch = resolve(options, &table).unwrap();
        assert_eq!(batch.max_queue_size, 100);
        assert_eq!(batch.max_export_batch_size, 50);
        assert_eq!(batch.scheduled_delay, Duration::from_secs(5));
    }

    #[test]
    fn the_default_batch_fits_into_a_small_queue() {
        let batch = resolve(BatchOptions::default(), &[(env::MAX_QUEUE_SIZE, "64")]).unwrap();
        assert_eq!(batch.max_export_batch_size, 64);
    }

    #[test]
    fn zero_and_absurd_values_are_refused_by_name() {
        let cases = [
            (env::MAX_QUEUE_SIZE, "0"),
            (env::MAX_QUEUE_SIZE, "1000001"),
            (env::MAX_QUEUE_SIZE, "-1"),
            (env::MAX_QUEUE_SIZE, "many"),
            (env::MAX_EXPORT_BATCH_SIZE, "0"),
            (env::MAX_EXPORT_BATCH_SIZE, "2049"),
            (env::SCHEDULE_DELAY, "0"),
            (env::SCHEDULE_DELAY, "3600001"),
            (env::SCHEDULE_DELAY, "5s"),
        ];
        for (name, value) in cases {
            let error = resolve(BatchOptions::default(), &[(name, value)]).unwrap_err();
            assert_eq!(error.setting(), Some(Setting::Variable(name)), "{value}");
        }
        for options in [
            BatchOptions {
                max_queue_size: Some(0),
                ..BatchOptions::default()
            },
            BatchOptions {
                max_export_batch_size: Some(4_096),
                ..BatchOptions::default()
            },
            BatchOptions {
                scheduled_delay: Some(Duration::ZERO),
                ..BatchOptions::default()
            },
        ] {
            assert!(matches!(
                resolve(options, &[]).unwrap_err().setting(),
                Some(Setting::Code(_))
            ));
        }
    }
}
