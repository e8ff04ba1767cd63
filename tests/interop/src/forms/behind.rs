//! In the place of the system behind us: what it receives, and how SkyWalking's agents read it.

use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use tokio::net::TcpListener;

use crate::BoxError;
use crate::answer::Answer;
use crate::service::received;

/// Above that some agents' servers refuse a header.
const MAX: usize = 2048;

/// Serves until the runtime ends; returns `host:port`.
pub(crate) async fn serve() -> Result<String, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/call", get(call));
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(address.to_string())
}

async fn call(headers: HeaderMap) -> Json<Answer> {
    let values = |name: &str| {
        let all = headers.get_all(name).iter();
        all.map(HeaderValue::as_bytes).collect()
    };
    Json(Answer {
        service: "behind".into(),
        received: received(values),
        ..Answer::default()
    })
}

/// An `sw8` as the strictest of the agents would read it; the library's own parser has no
/// part in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) sampled: bool,
    pub(crate) trace_id: String,
    pub(crate) segment_id: String,
    /// The span of ours that is meant, in OpenTelemetry's terms.
    pub(crate) parent_id: String,
    pub(crate) service: String,
    pub(crate) peer: String,
}

impl Carried {
    pub(crate) fn read(header: &str) -> Result<Self, String> {
        if header.len() >= MAX {
            return Err(format!("sw8 has {} bytes", header.len()));
        }
        let parts: Vec<_> = header.split('-').collect();
        let [
            sample,
            trace,
            segment,
            span,
            service,
            instance,
            endpoint,
            peer,
        ] = parts[..]
        else {
            return Err(format!("sw8 has {} parts", parts.len()));
        };
        let sampled = match sample {
            "0" => false,
            "1" => true,
            _ => return Err(format!("sw8's sample is {sample}")),
        };
        if span != "0" {
            return Err(format!("sw8's span is {span}"));
        }
        // Nobody here looks at these two, but an agent refuses what it cannot decode.
        for other in [instance, endpoint] {
            text(other)?;
        }
        let segment_id = text(segment)?;
        Ok(Carried {
            sampled,
            trace_id: text(trace)?,
            parent_id: span_id(&segment_id)?,
            segment_id,
            service: text(service)?,
            peer: text(peer)?,
        })
    }
}

fn text(part: &str) -> Result<String, String> {
    let bytes = STANDARD.decode(part);
    let bytes = bytes.map_err(|error| format!("sw8's `{part}`: {error}"))?;
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() => Err("a part of sw8 is empty".to_owned()),
        Ok(text) => Ok(text),
        Err(error) => Err(format!("sw8's `{part}`: {error}")),
    }
}

/// As the Collector's SkyWalking receiver takes the span with index 0 of a segment: the
/// halves of the segment id over each other.
fn span_id(segment_id: &str) -> Result<String, String> {
    let halves = segment_id.split_at_checked(16);
    let half = |text: &str| match text.len() {
        16 => u64::from_str_radix(text, 16).ok(),
        _ => None,
    };
    halves
        .and_then(|(one, other)| Some(half(one)? ^ half(other)?))
        .map(|id| format!("{id:016x}"))
        .ok_or_else(|| format!("the segment id is {segment_id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(parts: [&str; 8]) -> String {
        let encoded = |(at, part): (usize, &str)| match at {
            0 | 3 => part.to_owned(),
            _ => STANDARD.encode(part),
        };
        let parts: Vec<_> = parts.into_iter().enumerate().map(encoded).collect();
        parts.join("-")
    }

    const GOOD: [&str; 8] = [
        "1",
        "3.4.5",
        "4bf92f3577b34da64b09489f7c1a4f11",
        "0",
        "shop",
        "1",
        "GET /items",
        "10.0.0.1:80",
    ];

    #[test]
    fn the_parts_are_read() {
        let carried = Carried::read(&header(GOOD)).expect("sw8");
        assert!(carried.sampled);
        assert_eq!(carried.trace_id, "3.4.5");
        assert_eq!(carried.parent_id, "00f067aa0ba902b7");
        assert_eq!((&*carried.service, &*carried.peer), ("shop", "10.0.0.1:80"));
    }

    #[test]
    fn what_an_agent_refuses_is_an_error() {
        let with = |at: usize, part| {
            let mut parts = GOOD;
            parts[at] = part;
            header(parts)
        };
        let long = "x".repeat(2000);
        let table = [
            ("parts", header(GOOD) + "-x"),
            ("sample", with(0, "2")),
            ("trace", with(1, "")),
            ("dashes", with(2, "4bf92f35-77b3-4da6-4b09-489f7c1a4f11")),
            ("short", with(2, "4bf92f3577b34da6")),
            ("span", with(3, "1")),
            ("service", with(4, "")),
            ("endpoint", with(6, "")),
            ("padding", header(GOOD).replace("==", "=")),
            ("long", with(6, &long)),
        ];
        for (name, header) in table {
            assert!(Carried::read(&header).is_err(), "{name}: {header}");
        }
    }
}
