//! What the holder of the token is told.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use sha2::{Digest as _, Sha256};

use super::json;
use crate::cors::CORS_REQUEST_HEADERS;
use crate::extract::Extraction;
use crate::instrumenter::Inner;
use crate::{RequestInfo, RumContext, RumKey};

/// Of the JSON, in bytes. In base64 it has 2,048 characters, which with the head of a
/// usual response is below the 4 KiB that nginx has room for by default: one byte
/// more, and it would answer 502 in place of what it was asked.
const MAX_JSON: usize = 1_536;
/// Lines that are told of.
const MAX_LINES: usize = 16;
/// Of the JSON for the text of one line.
const MAX_LINE: usize = 400;
/// What a line needs beside its text: its name, its length and digest, punctuation.
const BESIDE_LINE: usize = 80;
/// Of the JSON for a service's name, and how many findings.
const MAX_NAME: usize = 80;
const MAX_FINDINGS: usize = 4;

/// A request as it arrived, with what became of it.
pub(crate) struct Arrived<'a> {
    pub(crate) request: &'a dyn RequestInfo,
    pub(crate) extraction: &'a Extraction,
    pub(crate) rum: &'a RumContext,
    /// The context without the SERVER span.
    pub(crate) base: &'a Context,
    /// The context with it, and whether it records; none for a request that is kept
    /// out.
    pub(crate) span: Option<(&'a Context, bool)>,
}

impl Arrived<'_> {
    /// Base64 of JSON, not percent-encoded text: it grows by a third whatever is in
    /// it, so that a bound on the one is a bound on the other, and nothing on the way
    /// back takes a quote or a comma in it for its own.
    pub(super) fn answer(&self, inner: &Inner) -> String {
        let mut out = String::with_capacity(MAX_JSON);
        out.push_str("{\"v\":1");
        self.outcome(&mut out, inner);
        self.fields(&mut out);
        self.lines(&mut out);
        out.push('}');
        URL_SAFE_NO_PAD.encode(out)
    }

    fn outcome(&self, out: &mut String, inner: &Inner) {
        if let Some((service, _)) = inner.spans.service() {
            out.push_str(",\"service\":");
            json::text(out, service.as_bytes(), MAX_NAME);
        }
        if let Some(version) = self.request.protocol_version() {
            pair(out, "http", version);
        }
        let class = self.extraction.class;
        pair(out, "class", class.as_str());
        if let Some(carrier) = class.carrier() {
            pair(out, "carrier", carrier.as_str());
        }
        self.findings(out);
        let parent = inner.caller(self.base, self.extraction);
        ids(out, "parent_", parent.span().span_context());
        match self.span {
            Some((cx, recorded)) => {
                let span = cx.span();
                ids(out, "", span.span_context());
                // Writing to a String does not fail, here and below.
                let sampled = span.span_context().is_sampled();
                let _ = write!(out, ",\"sampled\":{sampled},\"recorded\":{recorded}");
            }
            None => out.push_str(",\"skipped\":true"),
        }
    }

    fn findings(&self, out: &mut String) {
        if !self.extraction.has_findings() {
            return;
        }
        let findings = self.extraction.findings();
        out.push_str(",\"findings\":[");
        for (at, finding) in findings.iter().take(MAX_FINDINGS).enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let _ = write!(out, "{comma}\"{finding}\"");
        }
        out.push(']');
    }

    /// What is known of app, session and user, and from where. Not the values: they
    /// stand in the lines, and with `privacy` their hashes are nobody's business.
    fn fields(&self, out: &mut String) {
        out.push_str(",\"rum\":{");
        let mut comma = "";
        for key in RumKey::ALL {
            if let Some(source) = self.rum.source(key) {
                let _ = write!(
                    out,
                    "{comma}\"{}\":\"{}\"",
                    key.attribute(),
                    source.as_str()
                );
                comma = ",";
            }
        }
        out.push('}');
    }

    /// The lines of all headers that carry a trace, in their order, as far as there is
    /// room: name and text, and of one that had to be cut its length and the begin of
    /// its SHA-256.
    fn lines(&self, out: &mut String) {
        out.push_str(",\"lines\":[");
        let (mut told, mut omitted) = (0_usize, 0_usize);
        self.request.for_each_header(&mut |name, value| {
            let carried = |known: &&&str| known.eq_ignore_ascii_case(name);
            let Some(name) = CORS_REQUEST_HEADERS.iter().find(carried) else {
                return;
            };
            let room = MAX_JSON.saturating_sub(out.len().saturating_add(BESIDE_LINE));
            if told == MAX_LINES || room < BESIDE_LINE {
                omitted = omitted.saturating_add(1);
                return;
            }
            let comma = if told > 0 { "," } else { "" };
            told = told.saturating_add(1);
            let _ = write!(out, "{comma}[\"{name}\",");
            if !json::text(out, value, room.min(MAX_LINE)) {
                let _ = write!(out, ",{},\"{}\"", value.len(), digest(value));
            }
            out.push(']');
        });
        let _ = write!(out, "],\"omitted\":{omitted}");
    }
}

/// The first 8 bytes in hex: enough to tell two texts apart.
fn digest(value: &[u8]) -> String {
    let digest = Sha256::digest(value);
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn ids(out: &mut String, prefix: &str, span: &SpanContext) {
    if span.is_valid() {
        let (trace, id) = (span.trace_id(), span.span_id());
        let _ = write!(
            out,
            ",\"{prefix}trace_id\":\"{trace}\",\"{prefix}span_id\":\"{id}\""
        );
    }
}

/// Of a value of our own, which needs no escapes.
fn pair(out: &mut String, key: &str, value: &str) {
    let _ = write!(out, ",\"{key}\":\"{value}\"");
}
