//! What the arguments come to, checked before anything is sent.

use std::env;
use std::path::Path;
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use rum_trace::{CORS_REQUEST_HEADERS, VERIFICATION_REQUEST_HEADER};
use rum_trace_testing::Phone;

use super::args::VerifyArgs;
use super::probe::{self, Probe};
use super::target::{self, Hop};
use crate::terminal::escape::for_terminal;

const TOKEN_VARIABLE: &str = "RUM_TRACE_VERIFY_TOKEN";

/// A run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) hops: Vec<Hop>,
    pub(crate) method: Method,
    /// On each request, the token among them.
    pub(crate) headers: HeaderMap,
    /// The name by which hops are asked, unless one is among the headers.
    pub(crate) host: HeaderValue,
    /// The user agent that they name, unless another was wanted: no other run has it.
    pub(crate) agent: Option<String>,
    pub(crate) has_token: bool,
    pub(crate) probes: Vec<&'static Probe>,
    pub(crate) view: Option<Uri>,
    pub(crate) wait: Duration,
}

impl Plan {
    pub(crate) fn of(args: &VerifyArgs) -> Result<Self, String> {
        let hops = Hop::all(&args.url, &args.hops)?;
        let method = Method::from_bytes(args.method.as_bytes())
            .map_err(|_| "--method: that is no method of HTTP".to_owned())?;
        let view = args.view.as_deref().map(target::parse).transpose();
        let token = token(args)?;
        let has_token = token.is_some();
        let agent = agent();
        let headers = headers(args, &agent, token)?;
        let is_ours = headers.get(USER_AGENT).is_some_and(|sent| *sent == *agent);
        let host = target::host(&hops)?;
        let plan = Plan {
            hops,
            host,
            method,
            agent: is_ours.then_some(agent),
            has_token,
            headers,
            probes: probe::chosen(&args.probes),
            view: view.map_err(|error| format!("--view: {error}"))?,
            wait: Duration::from_secs(args.wait),
        };
        if !plan.has_token && plan.view.is_none() && args.collect.is_none() {
            return Err(NO_WAY.to_owned());
        }
        Ok(plan)
    }
}

const NO_WAY: &str = "there is no way to learn what arrives. Give one of
  RUM_TRACE_VERIFY_TOKEN, --token-file FILE   the service's verification token
                            (InstrumenterBuilder::verification_token): tells most
  --collect ADDRESS         where the service exports its spans to, over OTLP
  --view URL                a running `rum-trace view` that gets them";

/// With a number of this run's own: by that the service's spans of it can be told, in
/// whatever trace they are.
fn agent() -> String {
    let tap = Phone::browser().tap("GET", "/");
    let run = tap.parent_span_id();
    format!("rum-trace-verify/{} ({run})", env!("CARGO_PKG_VERSION"))
}

fn headers(
    args: &VerifyArgs,
    agent: &str,
    token: Option<HeaderValue>,
) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let agent = HeaderValue::from_str(agent);
    headers.insert(USER_AGENT, agent.map_err(|error| error.to_string())?);
    headers.insert("accept", HeaderValue::from_static("*/*"));
    // What a cache has kept tells nothing.
    headers.insert("cache-control", HeaderValue::from_static("no-cache"));
    for text in &args.headers {
        let (name, value) = header(text)?;
        if name == "host" || name == "user-agent" || name == "accept" {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    if let Some(token) = token {
        headers.insert(VERIFICATION_REQUEST_HEADER, token);
    }
    Ok(headers)
}

/// Its value is in no error: it may be a secret.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || "--header: give it as 'name: value'".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?;
    if CORS_REQUEST_HEADERS.contains(&name.as_str()) {
        return Err(format!("--header: {name} is what the probes send"));
    }
    if name == VERIFICATION_REQUEST_HEADER {
        return Err("--header: the token is given by --token-file or its variable".to_owned());
    }
    let value = HeaderValue::from_str(value.trim());
    let mut value =
        value.map_err(|_| format!("--header: the value of {name} cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// By the argument, the file, or the variable.
fn token(args: &VerifyArgs) -> Result<Option<HeaderValue>, String> {
    let text = match (&args.token, &args.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(file)) => Some(first_line(file)?),
        (None, None) => env::var(TOKEN_VARIABLE).ok(),
    };
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // As the service wants it; a wrong one would only be counted there.
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let value = HeaderValue::from_str(&text).ok().filter(|_| is_visible);
    let mut value = value.ok_or("the token has other characters than visible ASCII")?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn first_line(file: &Path) -> Result<String, String> {
    let shown = for_terminal(file.as_os_str().as_encoded_bytes());
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("--token-file {shown}: {error}"))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(format!("--token-file {shown}: its first line is empty"));
    }
    Ok(line.to_owned())
}
