//! Why nothing could be learned.

use http::StatusCode;
use http::header::LOCATION;

use super::client::Response;
use super::diagnosis::HopReport;
use crate::terminal::escape::for_terminal;

/// What to do where there were answers, and nothing else.
pub(crate) fn of_silence(hop: Option<&HopReport>) -> Vec<String> {
    let mut hints = Vec::new();
    if let Some(hop) = hop {
        let responses = hop.judged.iter().map(|judged| &judged.exchange.response);
        let first = responses
            .filter_map(|response| response.as_ref().ok())
            .next();
        hints.extend(first.and_then(of_response));
        hints.extend(hop.judged.iter().find_map(|judged| judged.problem.clone()));
    }
    hints.extend(of_no_answer());
    hints.push(
        "by spans: have the service export to --collect ADDRESS \
         (OTEL_EXPORTER_OTLP_ENDPOINT=http://ADDRESS), with a sampler that follows the phone, and \
         --wait longer than it waits before it exports"
            .to_owned(),
    );
    hints
}

/// Where a token was sent.
pub(crate) fn of_no_answer() -> Vec<String> {
    vec![
        "does the service have this token (InstrumenterBuilder::verification_token), and our layer \
         around this route? A wrong token is only counted there (Stats::verification_refused)"
            .to_owned(),
        "a gateway may take rum-trace-verify out of requests, or rum-trace-verified out of \
         responses: ask further in, by --hop"
            .to_owned(),
    ]
}

/// What a status says by itself.
pub(crate) fn of_response(response: &Response) -> Option<String> {
    let status = response.status;
    let code = status.as_u16();
    Some(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!(
            "answered with {code}: perhaps before the service was reached; give credentials by \
             --header 'authorization: …'"
        ),
        StatusCode::NOT_FOUND => {
            format!("answered with {code}: is the path right, and does it lead to the service?")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            format!("answered with {code}: --method gives another method")
        }
        StatusCode::TOO_MANY_REQUESTS => {
            format!("answered with {code}: something on the way limits requests")
        }
        _ if status.is_redirection() => redirected(response),
        _ if status.is_server_error() => format!(
            "answered with {code}: perhaps by a gateway that does not reach the service; a 502 of \
             nginx's can be a response head over its proxy_buffer_size"
        ),
        _ if status.is_client_error() => format!("answered with {code}"),
        _ => return None,
    })
}

fn redirected(response: &Response) -> String {
    let code = response.status.as_u16();
    match response.headers.get(LOCATION) {
        Some(to) => format!(
            "answered with {code}: redirects are not followed; give the URL it leads to, {}",
            for_terminal(to.as_bytes())
        ),
        None => format!("answered with {code}: redirects are not followed"),
    }
}
