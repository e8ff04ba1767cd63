//! The ids in the headers, read by hand: what judges the library's readers must
//! not be the library's readers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Headers;

/// The ids that one carrier names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// As the SDK writes them.
    pub trace: String,
    /// As the SDK writes it.
    pub span: String,
    /// Whether the SDK sampled it.
    pub sampled: bool,
    dashed: bool,
}

impl Ids {
    fn new(trace: &str, span: &str, sampled: &str) -> Option<Self> {
        let sampled = match sampled {
            "1" | "01" => true,
            "0" | "00" => false,
            _ => return None,
        };
        Some(Ids {
            trace: trace.to_owned(),
            span: span.to_owned(),
            sampled,
            dashed: trace.contains('-'),
        })
    }

    /// As OpenTelemetry knows it: a dashed UUID is its own 32 digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.trace.replace('-', "")
    }

    /// As OpenTelemetry knows it. SkyWalking's receiver in the Collector reads a
    /// segment's id up to the first thing that is not two hex digits: of a dashed
    /// UUID the first 4 bytes.
    #[must_use]
    pub fn span_id(&self) -> String {
        if self.dashed {
            format!("{:0<16}", self.span.split('-').next().unwrap_or_default())
        } else {
            self.span.clone()
        }
    }
}

/// The ids of each carrier that is there, by the name of its (first) header.
///
/// # Errors
///
/// What cannot be read.
pub fn read(headers: &Headers) -> Result<Vec<(&'static str, Ids)>, String> {
    type Reader = fn(&Headers, &str) -> Option<Ids>;
    let readers: [(&str, Reader); 5] = [
        ("traceparent", |_, value| traceparent(value)),
        ("sw8", |_, value| sw8(value).map(|sw8| sw8.ids)),
        ("b3", |_, value| b3(value)),
        ("x-b3-traceid", b3multi),
        ("uber-trace-id", |_, value| jaeger(value)),
    ];
    let mut found = Vec::new();
    for (name, reader) in readers {
        if let Some(value) = headers.get(name) {
            let ids = reader(headers, value).ok_or_else(|| format!("odd {name}: {value:?}"))?;
            found.push((name, ids));
        }
    }
    Ok(found)
}

fn traceparent(value: &str) -> Option<Ids> {
    let parts: Vec<&str> = value.split('-').collect();
    let ["00", trace, span, flags] = parts[..] else {
        return None;
    };
    Ids::new(trace, span, flags)
}

fn b3(value: &str) -> Option<Ids> {
    let parts: Vec<&str> = value.split('-').collect();
    let [trace, span, sampled] = parts[..] else {
        return None;
    };
    Ids::new(trace, span, sampled)
}

fn b3multi(headers: &Headers, trace: &str) -> Option<Ids> {
    Ids::new(
        trace,
        headers.get("x-b3-spanid")?,
        headers.get("x-b3-sampled")?,
    )
}

fn jaeger(value: &str) -> Option<Ids> {
    let parts: Vec<&str> = value.split(':').collect();
    let [trace, span, "0", sampled] = parts[..] else {
        return None;
    };
    Ids::new(trace, span, sampled)
}

/// All that `sw8` says.
#[derive(Debug, PartialEq, Eq)]
pub struct Sw8 {
    /// Trace and segment.
    pub ids: Ids,
    /// Service, instance, endpoint and peer.
    pub names: [String; 4],
}

/// Reads `sw8`; `None` if that cannot be done.
#[must_use]
pub fn sw8(value: &str) -> Option<Sw8> {
    let parts: Vec<&str> = value.split('-').collect();
    let [
        sampled,
        trace,
        segment,
        "0",
        service,
        instance,
        endpoint,
        peer,
    ] = parts[..]
    else {
        return None;
    };
    let text = |encoded: &str| String::from_utf8(STANDARD.decode(encoded).ok()?).ok();
    Some(Sw8 {
        ids: Ids::new(&text(trace)?, &text(segment)?, sampled)?,
        names: [
            text(service)?,
            text(instance)?,
            text(endpoint)?,
            text(peer)?,
        ],
    })
}

/// The trace's id in any agent's `sw8`, as it is written there.
#[must_use]
pub fn sw8_trace(value: &str) -> Option<String> {
    let encoded = value.split('-').nth(1)?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn every_carrier_is_read() {
        let several = headers(&[
            ("traceparent", "00-aa-bb-01"),
            ("b3", "aa-bb-0"),
            ("x-b3-traceid", "aa"),
            ("x-b3-spanid", "bb"),
            ("x-b3-sampled", "1"),
            ("uber-trace-id", "aa:bb:0:0"),
        ]);
        let read = read(&several).expect("readable");
        let sampled: Vec<_> = read
            .iter()
            .map(|(name, ids)| (*name, ids.sampled))
            .collect();
        let expected = [
            ("traceparent", true),
            ("b3", false),
            ("x-b3-traceid", true),
            ("uber-trace-id", false),
        ];
        assert_eq!(sampled, expected);
        for (name, ids) in read {
            assert_eq!(
                (ids.trace_id(), ids.span_id()),
                ("aa".into(), "bb".into()),
                "{name}"
            );
        }
    }

    /// The ids that a Collector makes of the captured header.
    #[test]
    fn dashed_ids_are_mapped() {
        let value = "1-YTA5YWFlNzQtYzFlNC00YTIyLThiY2ItMDExNDJkZDdhNGY5-MDE1MGQ2NjQtNTQxMi00NTJhLWFjZWQtODgwYzA0OTk2MGRj-0-ZGVtbzEyM0A1M2RmN2FkMmFmZTgzMDE=-Mi40LjE=-L3BhZ2U=-MTI3LjAuMC4xOjgwOTk=";
        let sw8 = sw8(value).expect("readable");
        assert_eq!(sw8.ids.trace_id(), "a09aae74c1e44a228bcb01142dd7a4f9");
        assert_eq!(sw8.ids.span_id(), "0150d66400000000");
        let names = [
            "demo123@53df7ad2afe8301",
            "2.4.1",
            "/page",
            "127.0.0.1:8099",
        ];
        assert_eq!(sw8.names, names);
        assert_eq!(sw8_trace(value), Some(sw8.ids.trace));
    }

    #[test]
    fn what_is_odd_is_an_error() {
        for (name, value) in [
            ("traceparent", "01-aa-bb-01"),
            ("traceparent", "00-aa-bb-02"),
            ("b3", "aa-bb"),
            ("x-b3-traceid", "aa"),
            ("uber-trace-id", "aa:bb:1:1"),
            ("sw8", "1-YQ==-YQ==-0-YQ==-YQ==-YQ=="),
            ("sw8", "1-YQ==-YQ==-1-YQ==-YQ==-YQ==-YQ=="),
        ] {
            assert!(read(&headers(&[(name, value)])).is_err(), "{name}: {value}");
        }
        assert_eq!(read(&headers(&[])), Ok(Vec::new()));
    }
}
