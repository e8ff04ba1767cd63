//! What can go wrong with a server, with its spans, or with both.

use std::error::Error;
use std::fmt;

use rum_trace_otlp::{ShutdownError, Stats};

/// Why a server's life was not all well.
///
/// The pipeline has been shut down in any case.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The server ended with an error.
    #[non_exhaustive]
    Server {
        /// The server's own error.
        error: Box<dyn Error + Send + Sync>,
        /// What became of the spans after that.
        shutdown: Result<Box<Stats>, ShutdownError>,
    },
    /// The server ended as it should, or was not waited for any longer; the
    /// pipeline's shutdown tells what was lost.
    Shutdown(ShutdownError),
}

impl ServeError {
    /// Nothing of the two is lost.
    pub(super) fn verdict(
        served: Result<(), Box<dyn Error + Send + Sync>>,
        shutdown: Result<Stats, ShutdownError>,
    ) -> Result<Stats, Self> {
        match served {
            Ok(()) => shutdown.map_err(ServeError::Shutdown),
            Err(error) => Err(ServeError::Server {
                error,
                shutdown: shutdown.map(Box::new),
            }),
        }
    }

    /// The final count of spans, where the shutdown has one.
    #[must_use]
    pub fn stats(&self) -> Option<&Stats> {
        match self {
            Self::Server { shutdown, .. } => match shutdown {
                Ok(stats) => Some(stats),
                Err(error) => error.stats(),
            },
            Self::Shutdown(error) => error.stats(),
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { error, shutdown } => {
                write!(f, "the server failed: {error}")?;
                match shutdown {
                    Ok(_) => Ok(()),
                    Err(loss) => write!(f, "; and at the shutdown of the pipeline, {loss}"),
                }
            }
            Self::Shutdown(error) => {
                write!(f, "at the shutdown of the pipeline, {error}")
            }
        }
    }
}

impl Error for ServeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Server { error, .. } => Some(&**error),
            Self::Shutdown(error) => Some(error),
        }
    }
}
