//! The choices of protocol and compression.

use crate::error::{PipelineError, Setting};

/// How spans travel to the collector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP over HTTP/1.1 with protobuf bodies (`http/protobuf`). The default.
    #[default]
    HttpProtobuf,
    /// OTLP over gRPC (`grpc`); needs feature `grpc`.
    Grpc,
}

impl Protocol {
    /// Where a collector on this machine listens, by the OTLP specification.
    pub(crate) fn default_endpoint(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http://localhost:4318",
            Self::Grpc => "http://localhost:4317",
        }
    }

    pub(crate) fn parse(setting: Setting, value: &str) -> Result<Self, PipelineError> {
        match value.to_ascii_lowercase().as_str() {
            "http/protobuf" => Ok(Self::HttpProtobuf),
            "grpc" => Ok(Self::Grpc),
            "http/json" => Err(PipelineError::invalid(
                setting,
                "`http/json` is not supported; use `http/protobuf`, which every OTLP \
                 collector takes at the same address, or `grpc`",
            )),
            _ => Err(PipelineError::invalid(
                setting,
                format!(
                    "{} is no OTLP protocol; use `http/protobuf` or `grpc`",
                    shown(value)
                ),
            )),
        }
    }

    /// That the protocol was compiled in.
    pub(crate) fn check(self, setting: Setting) -> Result<(), PipelineError> {
        let present = match self {
            Self::HttpProtobuf => true,
            Self::Grpc => cfg!(feature = "grpc"),
        };
        present.then_some(()).ok_or(PipelineError::MissingFeature {
            setting,
            feature: "grpc",
        })
    }
}

/// How the body of an export request is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all. The default.
    #[default]
    None,
    /// gzip, which every collector takes; needs feature `gzip`.
    Gzip,
    /// zstd, which costs the least CPU; needs feature `zstd`. The OpenTelemetry
    /// Collector takes it, but not every other one does.
    Zstd,
}

impl Compression {
    pub(crate) fn parse(setting: Setting, value: &str) -> Result<Self, PipelineError> {
        match value.to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(PipelineError::invalid(
                setting,
                format!(
                    "{} is no known compression; use `none`, `gzip` or `zstd`",
                    shown(value)
                ),
            )),
        }
    }

    /// The value of `Content-Encoding`.
    pub(crate) fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// That the algorithm was compiled in.
    pub(crate) fn check(self, setting: Setting) -> Result<(), PipelineError> {
        let (present, feature) = match self {
            Self::None => return Ok(()),
            Self::Gzip => (cfg!(feature = "gzip"), "gzip"),
            Self::Zstd => (cfg!(feature = "zstd"), "zstd"),
        };
        present
            .then_some(())
            .ok_or(PipelineError::MissingFeature { setting, feature })
    }
}

/// A value of an environment variable that is no secret, for an error message:
/// quoted, without control characters, cut.
pub(crate) fn shown(value: &str) -> String {
    const MAX: usize = 40;
    let mut text: String = value
        .chars()
        .take(MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if value.chars().count() > MAX {
        text.push('…');
    }
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTING: Setting = Setting::Variable("OTEL_EXPORTER_OTLP_PROTOCOL");

    #[test]
    fn json_is_refused_with_a_way_out() {
        let error = Protocol::parse(SETTING, "http/json")
            .unwrap_err()
            .to_string();
        assert!(error.contains("OTEL_EXPORTER_OTLP_PROTOCOL"), "{error}");
        assert!(error.contains("use `http/protobuf`"), "{error}");
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Protocol::parse(SETTING, "GRPC").unwrap(), Protocol::Grpc);
        assert_eq!(
            Compression::parse(SETTING, "Zstd").unwrap(),
            Compression::Zstd
        );
    }

    #[test]
    fn a_long_value_is_cut_in_the_message() {
        let error = Compression::parse(SETTING, &"x".repeat(500)).unwrap_err();
        assert!(error.to_string().len() < 200, "{error}");
    }
}
