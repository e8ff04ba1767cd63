//! Why nothing could be learned.

use http::StatusCode;
use http::header::LOCATION;

use super::client::Response;
use super::diagnosis::HopReport;
use crate::terminal::escape::for_terminal;

/// How much of a URL is shown, in bytes.
const MAX_SHOWN: usize = 200;

/// What to do where there were answers, and nothing else.
pub(crate) fn of_silence(hop: Option<&HopReport>) -> Vec<String> {
    let mut hints = Vec::new();
    let judged = hop.map_or(&[][..], |hop| &hop.judged);
    let mut responses = judged
        .iter()
        .filter_map(|one| one.exchange.response.as_ref().ok());
    hints.extend(responses.find_map(of_response));
    let problem = judged.iter().find_map(|judged| judged.problem.as_ref());
    hints.extend(problem.map(|problem| for_terminal(problem.as_bytes())));
    if hop.is_some_and(|hop| hop.asked_by_token) {
        hints.extend(of_no_answer());
    } else {
        hints.push(
            "is our layer around this route, and a span made for it? A health check may be left out \
             (InstrumenterBuilder::skip_health_checks, or a filter of yours); the verification token \
             (InstrumenterBuilder::verification_token) is answered there, too"
                .to_owned(),
        );
    }
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
            shown(to.as_bytes())
        ),
        None => format!("answered with {code}: redirects are not followed"),
    }
}

/// Without its query and fragment, where there may be a secret, and of a length for a line.
fn shown(url: &[u8]) -> String {
    let path = url.split(|byte| matches!(byte, b'?' | b'#')).next();
    let path = path.unwrap_or_default();
    let begin = path.get(..MAX_SHOWN).unwrap_or(path);
    let rest = if begin.len() < url.len() { "…" } else { "" };
    format!("{}{rest}", for_terminal(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirects_query_is_not_shown() {
        for (to, words) in [
            ("/login?return=secret", "leads to, /login…"),
            (
                "https://sso.example/#secret",
                "leads to, https://sso.example/…",
            ),
            ("/there", "leads to, /there"),
        ] {
            let mut response = Response::default();
            response.headers.insert(LOCATION, to.parse().unwrap());
            let hint = redirected(&response);
            assert!(hint.ends_with(words), "{hint}");
        }
        let long = format!("/{}", "a".repeat(10_000));
        assert_eq!(shown(long.as_bytes()).chars().count(), MAX_SHOWN + 1);
    }
}
