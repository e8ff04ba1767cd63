//! What a gRPC call has beyond an HTTP request: its method, its status.
//!
//! Names and values by OpenTelemetry's conventions for gRPC; the wire by
//! gRPC's own "gRPC over HTTP2".

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::{KeyValue, StringValue, Value};

use crate::known::KnownNames;
use crate::{limits, semconv};

/// How many methods are known by name. A service has a few hundred at most.
const MAX_METHODS: usize = 1_000;

/// The method's name where it cannot be told whether there is such a method.
const OTHER: &str = "_OTHER";

/// The span's name as long as the method is not known to exist.
const UNKNOWN_SPAN_NAME: &str = "grpc";

/// The `error.type` of an answer that ended without a status.
const STATUS_MISSING: &str = "grpc_status_missing";

/// The methods that are known to exist: named when the instrumenter was built,
/// or having answered with a message or with OK, as only a method does.
///
/// The conventions ask for `_OTHER` where "instrumentation is not able to
/// reliably detect if the method is predefined": the path is the client's.
#[derive(Debug)]
pub(crate) struct KnownMethods(KnownNames);

impl Default for KnownMethods {
    fn default() -> Self {
        KnownMethods(KnownNames::new(MAX_METHODS))
    }
}

impl KnownMethods {
    /// `package.Service/Method`; false if it does not look like that.
    pub(crate) fn add(&self, method: &str) -> bool {
        is_method(method) && self.0.get_or_add(method).is_some()
    }
}

/// A call on its way.
#[derive(Debug)]
pub(crate) struct GrpcCall {
    method: CallMethod,
    status: Option<GrpcStatus>,
    /// A message was sent back, which no layer in front does.
    answered: bool,
}

#[derive(Debug)]
enum CallMethod {
    Known(Arc<str>),
    /// The path as sent, without its first `/`.
    Unknown(String),
}

/// How the method is called once the call is over.
pub(crate) struct EndedCall {
    /// `None`: it was known, and on the span, from the beginning.
    pub(crate) found: Option<Arc<str>>,
    /// The path of a method that is not known to exist.
    pub(crate) original: Option<String>,
    /// For the metric.
    pub(crate) method: StringValue,
    pub(crate) status: Option<GrpcStatus>,
}

impl GrpcCall {
    /// The call that a request is, if it is one: `POST` with a content type of
    /// `application/grpc` and its subtypes. gRPC-Web is another protocol, whose
    /// status is in the body.
    pub(crate) fn of(
        method: &str,
        path: &str,
        content_type: Option<&[u8]>,
        known: &KnownMethods,
    ) -> Option<Self> {
        let rest = content_type?.strip_prefix(b"application/grpc")?;
        Self::with_content(method, path, rest, known)
    }

    #[inline(never)]
    fn with_content(method: &str, path: &str, rest: &[u8], known: &KnownMethods) -> Option<Self> {
        if method != "POST" || !matches!(rest.first(), None | Some(b'+' | b';' | b' ')) {
            return None;
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let method = match known.0.get(path) {
            Some(known) => CallMethod::Known(known),
            None => CallMethod::Unknown(limits::field(path, limits::MAX_TEXT).0.into_owned()),
        };
        Some(GrpcCall {
            method,
            status: None,
            answered: false,
        })
    }

    /// It has its final name.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.method, CallMethod::Known(_))
    }

    pub(crate) fn span_name(&self) -> Cow<'static, str> {
        match &self.method {
            CallMethod::Known(method) => Cow::Owned(method.as_ref().to_owned()),
            CallMethod::Unknown(_) => Cow::Borrowed(UNKNOWN_SPAN_NAME),
        }
    }

    /// The attributes that are there when the span is created.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let method = match &self.method {
            CallMethod::Known(method) => Some(KeyValue::new(semconv::RPC_METHOD, method.clone())),
            CallMethod::Unknown(_) => None,
        };
        let system = KeyValue::new(semconv::RPC_SYSTEM_NAME, "grpc");
        [Some(system), method].into_iter().flatten()
    }

    /// A `grpc-status` in the head or in the trailers; the last one counts.
    pub(crate) fn on_status(&mut self, value: &[u8]) {
        self.status = Some(GrpcStatus::parse(value));
    }

    /// Something of the response's body.
    pub(crate) fn on_message(&mut self) {
        self.answered = true;
    }

    pub(crate) fn end(&mut self, known: &KnownMethods) -> EndedCall {
        let status = self.status;
        let path = match &mut self.method {
            CallMethod::Known(method) => {
                return EndedCall {
                    found: None,
                    original: None,
                    method: StringValue::from(method.clone()),
                    status,
                };
            }
            CallMethod::Unknown(path) => std::mem::take(path),
        };
        let exists = (self.answered || status == Some(GrpcStatus::OK)) && is_method(&path);
        match exists.then(|| known.0.get_or_add(&path)).flatten() {
            Some(method) => EndedCall {
                found: Some(method.clone()),
                original: None,
                method: StringValue::from(method),
                status,
            },
            None => EndedCall {
                found: None,
                original: Some(path),
                method: StringValue::from(OTHER),
                status,
            },
        }
    }
}

impl EndedCall {
    /// The status that the client itself gives the call.
    pub(crate) fn generate_status(&mut self, code: u8) {
        self.status = Some(GrpcStatus(code));
    }

    /// The attributes that could not be there before.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> + use<> {
        let method = match (&self.found, &self.original) {
            (Some(method), _) => Some(Value::from(StringValue::from(method.clone()))),
            (None, Some(_)) => Some(Value::from(OTHER)),
            (None, None) => None,
        };
        [
            method.map(|method| KeyValue::new(semconv::RPC_METHOD, method)),
            self.original
                .clone()
                .map(|path| KeyValue::new(semconv::RPC_METHOD_ORIGINAL, path)),
            self.status
                .map(|status| KeyValue::new(semconv::RPC_RESPONSE_STATUS_CODE, status.as_str())),
        ]
        .into_iter()
        .flatten()
    }

    /// The `error.type` of an answer that is complete for HTTP.
    pub(crate) fn error_type(&self, http_status: u16) -> Option<&'static str> {
        match self.status {
            Some(status) => status.is_server_error().then(|| status.as_str()),
            // A gateway's or a router's answer is not gRPC's.
            None if http_status != 200 => None,
            None => Some(STATUS_MISSING),
        }
    }

    /// The same for the client's side, where whatever is not OK is an error.
    pub(crate) fn client_error_type(&self, http_status: u16) -> Option<&'static str> {
        match self.status {
            Some(GrpcStatus::OK) => None,
            Some(status) => Some(status.as_str()),
            None if http_status != 200 => None,
            None => Some(STATUS_MISSING),
        }
    }
}

/// `package.Service/Method`.
fn is_method(path: &str) -> bool {
    path.split_once('/').is_some_and(|(service, method)| {
        !service.is_empty() && !method.is_empty() && !method.contains('/')
    }) && path.len() <= limits::MAX_RUM_FIELD
        && path.bytes().all(|b| b.is_ascii_graphic())
}

/// A gRPC status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrpcStatus(u8);

impl GrpcStatus {
    const NAMES: [&'static str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    const OK: GrpcStatus = GrpcStatus(0);
    const UNKNOWN: GrpcStatus = GrpcStatus(2);

    /// Decimal digits. A code that gRPC does not know is UNKNOWN to its
    /// clients, and so it is here.
    fn parse(value: &[u8]) -> Self {
        let code = std::str::from_utf8(value).ok().and_then(|text| {
            let code: u8 = text.trim().parse().ok()?;
            (usize::from(code) < Self::NAMES.len()).then_some(GrpcStatus(code))
        });
        code.unwrap_or(Self::UNKNOWN)
    }

    pub(crate) fn as_str(self) -> &'static str {
        // The index is below the length, see `parse`.
        Self::NAMES.get(usize::from(self.0)).unwrap_or(&"UNKNOWN")
    }

    /// The codes that are a server's failure by the conventions.
    fn is_server_error(self) -> bool {
        matches!(
            self.as_str(),
            "UNKNOWN"
                | "DEADLINE_EXCEEDED"
                | "UNIMPLEMENTED"
                | "INTERNAL"
                | "UNAVAILABLE"
                | "DATA_LOSS"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, content_type: &str) -> Option<GrpcCall> {
        let known = KnownMethods::default();
        GrpcCall::of(method, "/s.S/M", Some(content_type.as_bytes()), &known)
    }

    #[test]
    fn which_requests_are_calls() {
        let table = [
            ("POST", "application/grpc", true),
            ("POST", "application/grpc+proto", true),
            ("POST", "application/grpc;charset=x", true),
            ("GET", "application/grpc", false),
            ("POST", "application/grpc-web", false),
            ("POST", "application/grpc-web+proto", false),
            ("POST", "application/grpcx", false),
            ("POST", "application/json", false),
            ("POST", "", false),
        ];
        for (method, content_type, is_call) in table {
            assert_eq!(
                call(method, content_type).is_some(),
                is_call,
                "{method} {content_type}"
            );
        }
        let known = KnownMethods::default();
        assert!(GrpcCall::of("POST", "/s.S/M", None, &known).is_none());
    }

    #[test]
    fn a_method_is_known_once_it_answered_as_only_a_method_does() {
        let known = KnownMethods::default();
        let table = [
            (None, false, "_OTHER"),
            (Some("12"), false, "_OTHER"),
            // A layer in front may refuse any path with any status.
            (Some("3"), false, "_OTHER"),
            (Some("16"), false, "_OTHER"),
            (Some("13"), true, "s.S/M"),
            // From now on whatever it answers.
            (Some("12"), false, "s.S/M"),
            (None, false, "s.S/M"),
        ];
        for (status, message, method) in table {
            assert_eq!(end(&known, status, message), method, "{status:?}");
        }
        let known = KnownMethods::default();
        assert_eq!(end(&known, Some("0"), false), "s.S/M");
    }

    fn end(known: &KnownMethods, status: Option<&str>, message: bool) -> String {
        let call = GrpcCall::of("POST", "/s.S/M", Some(b"application/grpc"), known);
        let mut call = call.expect("a call");
        if message {
            call.on_message();
        }
        if let Some(status) = status {
            call.on_status(status.as_bytes());
        }
        call.end(known).method.as_str().to_owned()
    }

    #[test]
    fn paths_that_are_no_method_stay_unknown() {
        let known = KnownMethods::default();
        for path in ["", "s", "s/", "/m", "s/m/x", "s/\u{e9}", &"s/".repeat(300)] {
            assert!(!known.add(path), "{path}");
        }
        assert!(known.add("shop.v1.Shop/GetItem"));
    }

    #[test]
    fn statuses_by_name() {
        let table = [
            ("0", "OK", false),
            ("1", "CANCELLED", false),
            ("5", "NOT_FOUND", false),
            ("13", "INTERNAL", true),
            ("16", "UNAUTHENTICATED", false),
            ("17", "UNKNOWN", true),
            ("256", "UNKNOWN", true),
            ("-1", "UNKNOWN", true),
            ("abc", "UNKNOWN", true),
            ("", "UNKNOWN", true),
        ];
        for (value, name, is_error) in table {
            let status = GrpcStatus::parse(value.as_bytes());
            assert_eq!(status.as_str(), name, "{value}");
            assert_eq!(status.is_server_error(), is_error, "{value}");
        }
    }
}
