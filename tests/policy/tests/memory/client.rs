//! Requests of which no two have anything in common.

use rum_trace_core::RequestInfo;

/// A request, with all that a client can choose made of its number.
pub(crate) struct Request {
    method: String,
    path: String,
    query: String,
    route: Option<String>,
    authority: String,
    headers: Vec<(&'static str, String)>,
}

impl Request {
    /// To a route of its own, with a method of its own or a known one.
    pub(crate) fn to_route(number: u64) -> Self {
        Request {
            method: method(number),
            path: format!("/route{number}/1"),
            query: format!("key{number}={number}"),
            route: Some(format!("/route{number}/{{id}}")),
            authority: format!("host{number}.internal"),
            headers: headers(number),
        }
    }

    /// To a gRPC method of its own.
    pub(crate) fn to_grpc_method(number: u64) -> Self {
        let mut request = Request {
            method: "POST".to_owned(),
            path: format!("/package.Service{number}/Method{number}"),
            route: None,
            ..Request::to_route(number)
        };
        request
            .headers
            .push(("content-type", "application/grpc".to_owned()));
        request
    }
}

/// Known ones have names of spans kept for each route.
fn method(number: u64) -> String {
    match number % 8 {
        0 => "GET".to_owned(),
        1 => "POST".to_owned(),
        _ => format!("METHOD{number}"),
    }
}

fn headers(number: u64) -> Vec<(&'static str, String)> {
    let (app, session, user) = (
        app(number),
        format!("{number:032x}"),
        format!("uid_{number}"),
    );
    let mut headers = vec![
        ("user-agent", format!("agent/{number}")),
        ("x-listed", format!("listed {number}")),
        (
            "x-forwarded-for",
            format!("2001:db8::{:x}", number % 0xffff),
        ),
        ("x-forwarded-host", format!("front{number}.example")),
    ];
    let traceparent = format!("00-{:032x}-{:016x}-01", number + 1, number + 1);
    let rum = format!("rum=v2&type{number}&{app}&{session}&{user}");
    let android = format!("alibabacloud_rum=Android/{number}.0/{number}.1_APK");
    match number % 5 {
        0 | 1 => headers.extend([("traceparent", traceparent), ("tracestate", rum)]),
        2 => headers.extend([("sw8", sw8(number)), ("tracestate", android)]),
        3 => {
            let baggage = format!("rum=v2,pid={app},sid={session},uid={user},own{number}=1");
            headers.extend([("traceparent", traceparent), ("baggage", baggage)]);
        }
        // Refused: what is told of it must not be kept.
        _ => headers.extend([
            ("traceparent", format!("bad{number}")),
            ("sw8", format!("1-{number}-bad")),
            ("tracestate", rum),
        ]),
    }
    headers
}

/// In the form that tells an app id from other names in `sw8`.
fn app(number: u64) -> String {
    format!("app{number}@{number:015x}")
}

fn sw8(number: u64) -> String {
    use base64::Engine as _;
    let field = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    format!(
        "1-{}-{}-0-{}-{}-{}-{}",
        field(format!("{:032x}", number + 1)),
        field(format!("{:032x}", number + 2)),
        field(app(number)),
        field(format!("{number}.1")),
        field(format!("/view{number}")),
        field(format!("host{number}")),
    )
}

impl RequestInfo for Request {
    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        Some(&self.query)
    }

    fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        Some(&self.authority)
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in &self.headers {
            visit(name, value.as_bytes());
        }
    }
}
