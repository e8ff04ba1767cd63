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
    pub(crate) max_queue_bytes: u64,
    pub(crate) max_kept_bytes: u64,
    pub(crate) keep_for: Duration,
}

/// What the builder was given.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BatchOptions {
    pub(crate) max_queue_size: Option<usize>,
    pub(crate) max_export_batch_size: Option<usize>,
    pub(crate) scheduled_delay: Option<Duration>,
    pub(crate) max_queue_bytes: Option<u64>,
    pub(crate) max_kept_bytes: Option<u64>,
    pub(crate) keep_for: Option<Duration>,
}

impl Batch {
    // Not those of the OpenTelemetry specification (2,048, 512 and 5 s), which
    // lose spans in a second of an outage, and keep them from sight for five.
    const QUEUE_SIZE: usize = 32_768;
    const BATCH_SIZE: usize = 2_048;
    const DELAY: Duration = Duration::from_secs(1);
    const MAX_QUEUE_SIZE: usize = 1_000_000;
    const QUEUE_BYTES: u64 = 64 << 20;
    const KEPT_BYTES: u64 = 64 << 20;
    /// What a span may be at least, and a machine have at most.
    const BYTES: std::ops::RangeInclusive<u64> = 64 << 10..=64 << 30;
    const KEEP_FOR: Duration = Duration::from_secs(300);
    const MAX_KEEP_FOR: Duration = Duration::from_secs(86_400);
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
            max_queue_bytes: bytes(
                options.max_queue_bytes,
                "max_queue_bytes",
                Self::QUEUE_BYTES,
            )?,
            max_kept_bytes: bytes(options.max_kept_bytes, "max_kept_bytes", Self::KEPT_BYTES)?,
            keep_for: keep_for(options.keep_for)?,
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
        // A small queue that somebody asked for makes the default batch small:
        // spans come in while it is made.
        None => Ok(Batch::BATCH_SIZE.min(queue.div_ceil(4))),
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

fn bytes(code: Option<u64>, method: &'static str, default: u64) -> Result<u64, PipelineError> {
    match code {
        None => Ok(default),
        Some(bytes) if Batch::BYTES.contains(&bytes) => Ok(bytes),
        Some(bytes) => Err(PipelineError::invalid(
            Setting::Code(method),
            format!("{bytes} bytes are not possible; give 64 KiB to 64 GiB"),
        )),
    }
}

fn keep_for(code: Option<Duration>) -> Result<Duration, PipelineError> {
    match code {
        None => Ok(Batch::KEEP_FOR),
        Some(time) if time <= Batch::MAX_KEEP_FOR => Ok(time),
        Some(time) => Err(PipelineError::invalid(
            Setting::Code("keep_for"),
            format!("{time:?} is not possible; give up to 24 h"),
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
        assert_eq!(batch.scheduled_delay, Duration::from_secs(1));
    }

    #[test]
    fn the_default_batch_leaves_room_in_a_small_queue() {
        for (queue, size) in [("1", 1), ("64", 16), ("2048", 512), ("32768", 2_048)] {
            let table = [(env::MAX_QUEUE_SIZE, queue)];
            let batch = resolve(BatchOptions::default(), &table).unwrap();
            assert_eq!(batch.max_export_batch_size, size);
        }
    }

    #[test]
    fn zero_and_absurd_values_are_refused_by_name() {
        let cases = [
            (env::MAX_QUEUE_SIZE, "0"),
            (env::MAX_QUEUE_SIZE, "1000001"),
            (env::MAX_QUEUE_SIZE, "-1"),
            (env::MAX_QUEUE_SIZE, "many"),
            (env::MAX_EXPORT_BATCH_SIZE, "0"),
            (env::MAX_EXPORT_BATCH_SIZE, "32769"),
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
                max_export_batch_size: Some(40_000),
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
